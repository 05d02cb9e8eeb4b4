"""`qe-ban sandbox reset`: the fixed enrolment codes, fresh again."""

from gettext import gettext as _
from pathlib import Path

import click

from qe_ban import app
from qe_ban.cli.home import home_option
from qe_ban.cli.installation import open_installation
from qe_ban.cli.refusals import Refused
from qe_ban.kernel.clock import system_clock
from qe_ban.sandbox import loading, secrets_file


@click.command()
@home_option
def reset(home: Path) -> None:
    """Make the SANDBOX-... enrolment codes usable once more."""
    if not secrets_file.exists(home):
        raise Refused(_("home {home} is no sandbox").format(home=home))
    with open_installation(home) as installation:
        city = app.load_city(installation.settings)
        with installation.database.transaction() as session:
            codes = loading.renew_codes(session, installation.rings, city, system_clock())
    for code in codes:
        click.echo(code)
