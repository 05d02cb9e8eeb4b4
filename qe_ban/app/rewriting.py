"""What the worker does after an upgrade: rows that the previous release wrote get the form of this one, in steps."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from sqlalchemy.orm import Session

from qe_ban.accounts import service as accounts
from qe_ban.app.assembly import Parts
from qe_ban.codes import service as codes
from qe_ban.db import overlaps
from qe_ban.db.walking import walk
from qe_ban.halls.service import moving
from qe_ban.jobs import service as jobs
from qe_ban.keys import moments, resealing
from qe_ban.keys.data_keys import Owner

Guard: TypeAlias = Callable[[Session, datetime], None]


def schedule(made: Parts, require_right_clock: Guard) -> jobs.Schedule:
    """Return the schedule. On a database that never served the previous release it only asks whether it did."""

    def run(session: Session, now: datetime) -> None:
        require_right_clock(session, now)
        if not overlaps.is_rewritten(session):
            rewrite(made)

    return jobs.Schedule("upgrade.rewrite", timedelta(minutes=1), run, commits=True)


def rewrite(made: Parts) -> None:
    """Rewrite what is left once the previous release serves no more, and note when a run has found nothing.

    Raises KeyMissing.
    """
    with made.database.transaction() as session:
        if not overlaps.is_over(session, made.clock()):
            return
    written = accounts.seal_sign_ins(made.database, made.rings, made.clock)
    written += sum(_make_days(made, dated_table) for dated_table in moments.DATED_TABLES)
    written += sum(_give_data_keys(made, owner) for owner in Owner)
    written += sum(_bind(made, sealed) for sealed in resealing.SEALED_COLUMNS)
    written += moving.move_all(made.database, made.rings, made.clock)
    written += codes.rehash_disputes(made.database, made.rings, made.clock)
    written += codes.delete_plain_answers(made.database, made.wallet.sources)
    # what somebody held at this moment is left for the next run
    if written == 0:
        with made.database.transaction() as session:
            overlaps.set_rewritten(session, made.clock())


def _make_days(made: Parts, dated_table: moments.DatedTable) -> int:
    """Make days of one table's moments, in steps of a transaction each; return of how many rows."""
    return walk(
        made.database,
        lambda session, after: moments.rewrite(session, made.rings, dated_table, after=after, now=made.clock()),
    )


def _give_data_keys(made: Parts, owner: Owner) -> int:
    """Allocate a data key for whoever has none; return for how many."""
    return walk(
        made.database,
        lambda session, after: resealing.give_data_keys(session, made.rings, owner, after=after, now=made.clock()),
    )


def _bind(made: Parts, sealed: resealing.SealedColumn) -> int:
    """Seal one column under its owners' data keys; return of how many rows."""

    def bind(session: Session, after: Any) -> tuple[Any, int]:
        step = resealing.bind(session, made.rings, sealed, after=after, clock=made.clock)
        return step.last_key, step.count

    return walk(made.database, bind)
