"""`qe-ban vectors`: makers of scanners test with the same file as we do."""

import json
from gettext import gettext as _
from pathlib import Path

import click

from qe_ban.cli import refusals
from qe_ban.cli.refusals import Refused
from qe_ban.codes import token
from qe_ban.message import translate

MAX_BYTES = 64 * 1024 * 1024


@click.group()
def vectors() -> None:
    """Test vectors of the code format QE1."""


@vectors.command()
@click.argument("file", type=click.Path(path_type=Path))
def check(file: Path) -> int:
    """Check FILE against this implementation.

    Exits with 0 when they agree, with 1 and a line for each disagreement when not, and with 2 when FILE cannot be read.
    """
    try:
        lines = token.check_vectors(_document(file))
    except token.VectorsInvalid as error:
        raise Refused(f"{file}: {translate(error.args[0])}") from error
    for line in lines:
        click.echo(translate(line))
    if not lines:
        click.echo(_("all vectors agree"))
    return 1 if lines else 0


def _document(file: Path) -> object:
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise Refused(f"{file}: {refusals.strerror(error)}") from error
    if len(content) > MAX_BYTES:
        raise Refused(_("{file}: larger than {largest} MiB").format(file=file, largest=MAX_BYTES >> 20))
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Refused(_("{file}: not JSON").format(file=file)) from error
