"""What the worker does after an upgrade: rows that the previous release wrote get the form of this one, in steps."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from qe_ban.composition import Services
from qe_ban.db import overlaps
from qe_ban.db.walking import walk
from qe_ban.keys import moments, resealing
from qe_ban.keys.data_keys import Owner


def run_pending(services: Services) -> Callable[[Session, datetime], None]:
    """Return what rewrites as long as something is left.

    On a database that never served the previous release it only asks whether it did.
    """

    def run(session: Session, _now: datetime) -> None:
        if not overlaps.is_rewritten(session):
            rewrite(services)

    return run


def rewrite(services: Services) -> None:
    """Rewrite what is left once the previous release serves no more, and note when a run has found nothing.

    Raises KeyMissing.
    """
    with services.database.transaction() as session:
        if not overlaps.is_over(session, services.clock()):
            return
    rows = sum(slice_.rewrite(services) for slice_ in services.slices if slice_.rewrite is not None)
    # what somebody held at this moment is left for the next run
    if rows == 0:
        with services.database.transaction() as session:
            overlaps.set_rewritten(session, services.clock())


def rewrite_sealed(services: Services) -> int:
    """Make days of moments, give data keys, and seal columns under them; returns how many rows. Raises KeyMissing."""
    rows = sum(_make_days(services, dated_table) for dated_table in moments.DATED_TABLES)
    rows += sum(_give_data_keys(services, owner) for owner in Owner)
    return rows + sum(_bind(services, column) for column in resealing.SEALED_COLUMNS)


def _make_days(services: Services, dated_table: moments.DatedTable) -> int:
    """Make days of one table's moments, in steps of a transaction each; return of how many rows."""
    rings, clock = services.rings, services.clock
    return walk(
        services.database, lambda session, after: moments.rewrite(session, rings, dated_table, after=after, now=clock())
    )


def _give_data_keys(services: Services, owner: Owner) -> int:
    """Allocate a data key for whoever has none; return for how many."""
    rings, clock = services.rings, services.clock
    return walk(
        services.database,
        lambda session, after: resealing.give_data_keys(session, rings, owner, after=after, now=clock()),
    )


def _bind(services: Services, column: resealing.SealedColumn) -> int:
    """Seal one column under its owners' data keys; return of how many rows."""

    def bind(session: Session, after: Any) -> tuple[Any, int]:
        step = resealing.bind(session, services.rings, column, after=after, clock=services.clock)
        return step.last_key, step.count

    return walk(services.database, bind)
