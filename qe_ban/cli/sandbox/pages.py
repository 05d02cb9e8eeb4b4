"""`qe-ban sandbox pages`: the sample's halls and zones, by a process that ends with what painting pictures takes."""

from gettext import gettext as _
from pathlib import Path

import click

from qe_ban import app
from qe_ban.cli.home import home_option
from qe_ban.cli.installation import open_installation
from qe_ban.cli.refusals import Refused
from qe_ban.kernel.clock import system_clock
from qe_ban.publishing.service.media import Pictures
from qe_ban.publishing.service.page_types import PageTypes
from qe_ban.sandbox import secrets_file
from qe_ban.sandbox.pages.loading import Loader


@click.command()
@home_option
def pages(home: Path) -> None:
    """Load the sample's halls, zones, local apps and places into this home's sandbox unless they are there."""
    if not secrets_file.exists(home):
        raise Refused(_("home {home} is no sandbox").format(home=home))
    with open_installation(home) as installation:
        parts = app.assemble(installation.settings, pool=1)
        try:
            report = loader_of(parts).load(system_clock())
        finally:
            parts.database.dispose()
    summary = _("{pages} sample pages, {apps} local apps and {places} places loaded").format(
        pages=len(report.pages), apps=len(report.apps), places=len(report.places)
    )
    click.echo(summary if len(report) else _("the sample halls and zones are there already"))


def loader_of(parts: app.Services) -> Loader:
    """Return what loads the sample into an installation."""
    return Loader(parts.database, parts.city, parts.get(PageTypes), parts.get(Pictures).store)
