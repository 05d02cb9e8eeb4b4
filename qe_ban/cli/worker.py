"""`qe-ban worker`: the process that delivers messages, does long jobs, makes keys ahead, forgets what is over."""

import os
import signal
import threading
from types import FrameType

import click

from qe_ban.app import configure_logs, create_worker
from qe_ban.cli import database_faults
from qe_ban.config import Settings


@click.command()
def worker() -> None:
    """Run the job worker on the configured database.

    `up` runs one by itself. Any number may run, on any machine. SIGTERM or Ctrl-C ends it after what it has in hand; a
    long job (an import) ends at its next step, and another worker goes on with it from there.
    """
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    settings = Settings.from_env(os.environ)
    configure_logs()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    with database_faults.refused():
        create_worker(settings).run(stop)
