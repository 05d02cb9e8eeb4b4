"""`qe-ban keys settle`: what was deleted since the dump that was restored is ended again."""

from gettext import gettext as _
from pathlib import Path

import click

from qe_ban import app
from qe_ban.app import restore
from qe_ban.cli.home import home_option
from qe_ban.cli.installation import open_installation
from qe_ban.keys.data_keys import Owner


@click.command()
@home_option
@click.option("--yes", is_flag=True, help="End it; without this it is only counted.")
def settle(home: Path, yes: bool) -> None:
    """End what came back with a restore although its data key is destroyed.

    Accounts are closed, demands, disputes and wishes to act for somebody deleted or ended: nobody can open them any
    more. Run it before the restored system serves.
    """
    with open_installation(home) as installation:
        parts = app.assemble(installation.settings, pool=1)
        try:
            remnants = restore.find(parts)
            if yes:
                restore.end(parts, remnants)
        finally:
            parts.database.dispose()
    numbers = {owner.table: len(remnants[owner]) for owner in Owner}
    summary = _("{residents} accounts, {demands} demands, {disputes} disputes, {guardianships} wishes").format(
        **numbers
    )
    if not any(numbers.values()):
        click.echo(_("nothing that was deleted is back"))
    elif yes:
        click.echo(_("ended: {what}").format(what=summary))
    else:
        click.echo(_("to end with --yes: {what}").format(what=summary))
