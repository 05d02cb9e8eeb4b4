"""`qe-ban keys init`: the first keys of an installation."""

from gettext import gettext as _
from pathlib import Path

import click

from qe_ban.cli import root_keys
from qe_ban.cli.home import home_option
from qe_ban.cli.installation import open_installation
from qe_ban.cli.refusals import Refused
from qe_ban.kernel.clock import system_clock
from qe_ban.keys.lifecycle import KeysExist


@click.command()
@home_option
@click.option(
    "--roots",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("roots"),
    show_default=True,
    help="Directory for the two root keys.",
)
def init(home: Path, roots: Path) -> None:
    """Make the first keys of an installation; the schema is made or brought up to date first.

    The two root keys are written as PEM files and kept nowhere else.
    """
    with open_installation(home, migrate=True) as installation:
        try:
            with installation.database.transaction() as session:
                paths = root_keys.init(session, installation.settings.master_key, roots, system_clock())
        except KeysExist as error:
            raise Refused(_("there are keys already: nothing was changed")) from error
        except FileExistsError as error:
            raise Refused(
                _("{filename} exists: choose another directory with --roots").format(filename=error.filename)
            ) from error
    click.echo(_("keys made"))
    for path in paths:
        click.echo(_("root key: {path}").format(path=path))
    click.echo(_("Move the root keys to two offline places now: whoever has one can sign for this city."))
