"""`qe-ban demo`: a running city in one command, and the main job done once to show that it works."""

import threading
from gettext import gettext as _
from pathlib import Path
from typing import Final

import click

from qe_ban.cli import demo_screen, sandbox_screen
from qe_ban.cli import plan as plans
from qe_ban.cli.api import Api
from qe_ban.cli.demo_job import Job, Observations, StepFailed
from qe_ban.cli.instance import Instance
from qe_ban.message import Message
from qe_ban.web import logs

LOG = "demo.log"
GIVEN_UP: Final = Message("demonstration broken off")


@click.command()
@plans.start_options
@click.option("--once", is_flag=True, help="End after the demonstration: 0 when all of it was right, else 1.")
def demo(home: Path, host: str, port: int, workers: int, *, once: bool) -> int:
    """Start a made-up city and show that it works.

    A code is issued, scanned and seen in the ledger, a hall is opened and changed; then all stays up until Ctrl-C.
    """
    plan = plans.of_this_process(plans.StartOptions(home, host, port, workers, sandbox=True))
    logs.configure(json=False, access=False)
    screen = sandbox_screen.console()
    demo_screen.print_step(
        screen,
        _(
            "Starting database, cache and servers (the first start loads more than seven thousand "
            "sample items, in about a minute)"
        ),
    )
    with Instance(plan, say=lambda step: demo_screen.print_step(screen, step.translation()), log=LOG) as instance:
        instance.start()
        job = Job(Api(plan.options.address), instance.staff, lambda text: demo_screen.print_step(screen, text))
        attempt = _Attempt(job)
        attempt.start()
        if not instance.supervisor.wait_until(lambda: not attempt.is_alive(), None):
            return instance.supervisor.run() or int(once)
        if attempt.observations is not None:
            demo_screen.print_observations(screen, attempt.observations)
        else:
            demo_screen.print_failure(screen, attempt.failure or StepFailed(GIVEN_UP.translation(), ""))
        if once:
            return 0 if attempt.observations is not None else 1
        demo_screen.print_addresses(screen, plan.options, instance.staff, str(instance.home.path / "log" / LOG))
        return instance.supervisor.run()


class _Attempt(threading.Thread):
    """Does the job beside the main thread, which goes on tending the processes and hearing signals."""

    def __init__(self, job: Job) -> None:
        super().__init__(name="demo", daemon=True)
        self._job = job
        self.observations: Observations | None = None
        self.failure: StepFailed | None = None

    def run(self) -> None:
        try:
            self.observations = self._job.run()
        except StepFailed as error:
            self.failure = error
