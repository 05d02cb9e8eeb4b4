"""What the worker does after an upgrade: rows that the previous release wrote get the form of this one, in steps."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeAlias

from sqlalchemy.orm import Session

from qe_ban.accounts import service as accounts
from qe_ban.app.assembly import Parts
from qe_ban.codes import service as codes
from qe_ban.db import overlaps
from qe_ban.db.walking import walk
from qe_ban.jobs import service as jobs
from qe_ban.keys import moments

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
    written += sum(_make_days(made, dated) for dated in moments.DATED)
    written += codes.rehash_disputes(made.database, made.rings, made.clock)
    written += codes.delete_plain_answers(made.database, made.wallet.sources)
    # what somebody held at this moment is left for the next run
    if written == 0:
        with made.database.transaction() as session:
            overlaps.set_rewritten(session, made.clock())


def _make_days(made: Parts, dated: moments.DatedTable) -> int:
    """Make days of one table's moments, in steps of a transaction each; return of how many rows."""
    return walk(
        made.database, lambda session, after: moments.rewrite(session, made.rings, dated, after=after, now=made.clock())
    )
