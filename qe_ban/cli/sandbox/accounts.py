"""`qe-ban sandbox accounts`: who can sign in, again."""

from gettext import gettext as _
from pathlib import Path

import click

from qe_ban.cli import sandbox_screen
from qe_ban.cli.home import home_option
from qe_ban.cli.refusals import Refused
from qe_ban.sandbox import secrets_file


@click.command()
@home_option
@click.option("--json", "as_json", is_flag=True, help="Print the staff's secrets as JSON.")
def accounts(home: Path, *, as_json: bool) -> None:
    """Print residents' phones, staff with their secrets, enrolment codes."""
    staff = secrets_file.read(home)
    if not staff:
        raise Refused(_("home {home} is no sandbox: make one with `qe-ban demo --home {home}`").format(home=home))
    if as_json:
        click.echo((home / secrets_file.NAME).read_text("utf-8"), nl=False)
        return
    sandbox_screen.print_accounts(staff)
