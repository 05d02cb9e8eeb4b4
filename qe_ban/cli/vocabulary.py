"""`qe-ban items topics` and `items synonyms`: the words that a new installation's catalogue begins with."""

from gettext import gettext as _
from pathlib import Path
from typing import Any, Final

import click

from qe_ban.audit import service as audit
from qe_ban.cli.home import home_option
from qe_ban.cli.installation import open_installation
from qe_ban.cli.refusals import Refused
from qe_ban.items.service import synonyms as groups
from qe_ban.items.service import topics as trees
from qe_ban.kernel.clock import system_clock
from qe_ban.sandbox.catalogue import files
from qe_ban.web import wire
from qe_ban.web.refusals import Unreadable

MAX_BYTES: Final = 1 << 20
_MARK: Final = b"\xef\xbb\xbf"

_file = click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True), required=False)


@click.command()
@home_option
@_file
def topics(home: Path, file: Path | None) -> None:
    """Make the topics of FILE (JSON) that are not there; without FILE those that come with the product."""
    entries = _read(file, "topics")
    with open_installation(home) as installation, installation.database.transaction() as session:
        count = len(trees.add(session, entries, audit.AtShell(system_clock())))
    click.echo(_("{made} topics added, {said} were there").format(made=count, said=len(entries) - count))


@click.command()
@home_option
@_file
def synonyms(home: Path, file: Path | None) -> None:
    """Make the groups of synonyms of FILE (JSON) that are not there; without FILE those that come with the product."""
    entries = _read(file, "synonyms")
    with open_installation(home) as installation, installation.database.transaction() as session:
        count = groups.add(session, entries, audit.AtShell(system_clock()))
    click.echo(_("{made} groups of synonyms added, {said} were there").format(made=count, said=len(entries) - count))


def _read(file: Path | None, name: str) -> Any:
    """Return what a file says, or the product's own of that name. Raises Refused, OSError."""
    if file is None:
        return files.read(name)
    with file.open("rb") as opened_file:
        data = opened_file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise Refused(
            _("{name}: the file is larger than {largest} MiB").format(name=file.name, largest=MAX_BYTES >> 20)
        )
    try:
        return wire.loads(data.removeprefix(_MARK))
    except Unreadable as error:
        raise Refused(_("{name}: not valid JSON (UTF-8, no field twice)").format(name=file.name)) from error
