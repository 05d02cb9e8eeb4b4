"""`qe-ban up`: the whole installation as one tree of processes, ended by one signal."""

from gettext import gettext as _
from pathlib import Path

import click

from qe_ban.cli import plan as plans
from qe_ban.cli.instance import Instance
from qe_ban.web import logs


@click.command()
@plans.start_options
@click.option("--sandbox", is_flag=True, help="A made-up city to try things out with; never for real data.")
def up(home: Path, host: str, port: int, workers: int, *, sandbox: bool) -> int:
    """Start everything and serve until Ctrl-C or SIGTERM.

    Without QE_DATABASE_URL and QE_REDIS_URL a PostgreSQL and a Valkey of its own run in the home. Production by
    default: settings that are missing, weak or the sandbox's are refused.
    """
    plan = plans.of_this_process(plans.StartOptions(home, host, port, workers, sandbox))
    logs.configure(json=True, access=False)
    with Instance(plan, say=lambda step: click.echo(step.translation(), err=True)) as instance:
        instance.start()
        mode = _("sandbox") if plan.options.sandbox else _("production")
        click.echo(
            _("qe-ban serves at {address} ({mode}, home {path})").format(
                address=plan.options.address, mode=mode, path=instance.home.path
            )
        )
        return instance.supervisor.run()
