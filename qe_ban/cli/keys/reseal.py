"""`qe-ban keys reseal`: what was sealed long ago is sealed anew under today's data key."""

from gettext import gettext as _
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from qe_ban.cli.home import home_option
from qe_ban.cli.installation import Installation, open_installation
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
    with open_installation(home) as installation:
        for column in resealing.SEALED_COLUMNS:
            what = f"{column.table}.{column.column}"
            count = _column(installation, column, days, broken.setdefault(what, set()))
            if count:
                click.echo(f"{what}: {count}")
        for what, rows in broken.items():
            walking.refuse_broken(what, rows)
    click.echo(_("resealed"))


def _column(installation: Installation, column: resealing.SealedColumn, days: int, broken: set[Any]) -> int:
    with installation.database.transaction() as session:
        keep = resealing.recent(session, system_clock(), days)

    def step(session: Session, after: Any) -> tuple[Any, int]:
        batch = resealing.reseal(session, installation.rings, column, keep=keep, after=after, clock=system_clock)
        broken.update(batch.broken)
        return batch.last_key, batch.count

    count = 0
    # who was locked in one walk is free in the next
    for _walk in range(walking.WALKS):
        more = walk(installation.database, step)
        count += more
        if not more:
            break
    return count
