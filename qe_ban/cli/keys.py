"""`qe-ban keys`: the master key, and the rings in the database."""

from datetime import datetime
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import select

from qe_ban.cli import root_keys
from qe_ban.cli.home import home_option
from qe_ban.cli.installation import new_master_key, opened
from qe_ban.cli.refusals import Refused
from qe_ban.kernel.clock import rfc3339, system_clock
from qe_ban.keys import lifecycle
from qe_ban.keys.lifecycle import KeyNotFound, KeysExist
from qe_ban.keys.models import SIGNING, Key, Ring

ROTATED = sorted(SIGNING - {Ring.ROOT})


@click.group()
def keys() -> None:
    """Keys: made once, rotated, denied.

    Secrets lie in the database, under the master key only.
    """


@keys.command()
def master() -> None:
    """Print a new random master key in base64.

    Give it as QE_MASTER_KEY or in the file that QE_MASTER_KEY_FILE names, and keep a copy offline: without it nothing
    in the database can be read.
    """
    click.echo(new_master_key())


@keys.command()
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
    with opened(home, migrate=True) as installation:
        try:
            with installation.database.transaction() as session:
                written = root_keys.init(session, installation.settings.master_key, roots, system_clock())
        except KeysExist as error:
            raise Refused("there are keys already: nothing was changed") from error
        except FileExistsError as error:
            raise Refused(f"{error.filename} exists: choose another directory with --roots") from error
    click.echo("keys made")
    for path in written:
        click.echo(f"root key: {path}")
    click.echo("Move the root keys to two offline places now: whoever has one can sign for this city.")


@keys.command("list")
@home_option
def list_keys(home: Path) -> None:
    """List all keys, newest first."""
    with opened(home) as installation, installation.database.transaction() as session:
        rows = session.scalars(select(Key).order_by(Key.ring, Key.not_before.desc(), Key.kid)).all()
        table = Table("kid", "ring", "from", "until", "state", box=None, pad_edge=False)
        now = system_clock()
        for row in rows:
            table.add_row(row.kid, row.ring, rfc3339(row.not_before), rfc3339(row.expires), _state(row, now))
    # a pipe has no width: one line a key
    Console(width=None if Console().is_terminal else 200, highlight=False).print(table)


@keys.command()
@home_option
@click.argument("ring", metavar="RING", type=click.Choice([ring.value for ring in ROTATED]))
def rotate(home: Path, ring: str) -> None:
    """Add a key to RING that signs at once; those before it verify on. Prints its kid."""
    with opened(home) as installation, installation.database.transaction() as session:
        # a key under another master key could be read by nobody
        installation.rings.snapshot()
        kid = lifecycle.rotate(session, installation.settings.master_key, Ring(ring), system_clock())
    click.echo(kid)


@keys.command()
@home_option
@click.argument("kid")
def deny(home: Path, kid: str) -> None:
    """Refuse all that the signing key KID has signed, everywhere within ten seconds; it cannot be taken back."""
    with opened(home) as installation:
        try:
            with installation.database.transaction() as session:
                lifecycle.deny(session, kid, system_clock())
        except KeyNotFound as error:
            raise Refused(f"no signing key has the kid {kid!r}, or it is denied already") from error
    click.echo(f"{kid} is denied")


def _state(row: Key, now: datetime) -> str:
    if row.denied_at is not None:
        return f"denied {rfc3339(row.denied_at)}"
    if row.expires < now:
        return "over"
    return "ahead" if row.not_before > now else "live"
