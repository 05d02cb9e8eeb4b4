"""`qe-ban keys reseal`: what was sealed long ago is sealed anew under today's data key."""

from gettext import gettext as _
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from qe_ban.cli.home import home_option
from qe_ban.cli.installation import Opened, opened
from qe_ban.cli.keys import walking
from qe_ban.db.walking import walk
from qe_ban.kernel.clock import system_clock
from qe_ban.keys import resealing

DAYS = 30


@click.command()
@home_option
@click.option(
    "--days",
    type=click.IntRange(0, 36500),
    default=DAYS,
    show_default=True,
    help="Leave what was sealed in so many days; 0: all but today's is sealed anew.",
)
def reseal(home: Path, days: int) -> None:
    """Encrypt under today's data key what lies under older ones, while everything serves.

    Works in small steps; interrupted, run it again. Then `qe-ban keys retire --unused` deletes the keys under which
    nothing is left.
    """
    broken: dict[str, set[Any]] = {}
    with opened(home) as installation:
        for sealed in resealing.SEALED_COLUMNS:
            what = f"{sealed.table}.{sealed.column}"
            written = _column(installation, sealed, days, broken.setdefault(what, set()))
            if written:
                click.echo(f"{what}: {written}")
        for what, rows in broken.items():
            walking.refuse_broken(what, rows)
    click.echo(_("resealed"))


def _column(installation: Opened, sealed: resealing.SealedColumn, days: int, broken: set[Any]) -> int:
    with installation.database.transaction() as session:
        keep = resealing.recent(session, system_clock(), days)

    def step(session: Session, after: Any) -> tuple[Any, int]:
        done = resealing.reseal(session, installation.rings, sealed, keep=keep, after=after, clock=system_clock)
        broken.update(done.broken)
        return done.last_key, done.count

    written = 0
    # who was locked in one walk is free in the next
    for _walk in range(walking.WALKS):
        more = walk(installation.database, step)
        written += more
        if not more:
            break
    return written
