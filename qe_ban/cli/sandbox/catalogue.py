"""`qe-ban sandbox catalogue`: the sample's items, by a process that forgets the dictionary of words when it ends."""

from gettext import gettext as _
from pathlib import Path

import click

from qe_ban.cli.home import home_option
from qe_ban.cli.installation import open_installation
from qe_ban.cli.refusals import Refused
from qe_ban.kernel.clock import system_clock
from qe_ban.sandbox import secrets_file
from qe_ban.sandbox.catalogue import loading


@click.command()
@home_option
def catalogue(home: Path) -> None:
    """Load the sample catalogue into this home's sandbox unless it is there."""
    if not secrets_file.exists(home):
        raise Refused(_("home {home} is no sandbox").format(home=home))
    with open_installation(home) as installation:
        came = loading.load(installation.database, system_clock())
    click.echo(_("{came} sample items loaded").format(came=came) if came else _("the sample items are there already"))
