"""How long scans, their uses, and disputes once they are answered, are kept: what is over goes in small steps."""

import time
from datetime import datetime, timedelta
from typing import Any, Final, cast

from sqlalchemy import CursorResult, delete, select, text
from sqlalchemy.orm import Session

from qe_ban.codes.models import Dispute
from qe_ban.db import partitions
from qe_ban.db.engine import Database
from qe_ban.kernel.clock import Clock

TABLE: Final = "scans"
STEP: Final = 2000
ANSWER_DAYS: Final = 1
"""So long a source's answer stands in for the source."""
_SECONDS = 20.0

_SCANS = text("""
WITH gone AS (
    DELETE FROM scans WHERE (id, at) IN (SELECT id, at FROM scans WHERE at < :before ORDER BY at LIMIT :limit)
    RETURNING scanner_id, scan_id
), ids AS (
    DELETE FROM scan_ids i USING gone WHERE i.scanner_id = gone.scanner_id AND i.scan_id = gone.scan_id
)
SELECT count(*) FROM gone
""")
# by their place in the table: who takes a use that is over at this moment takes it anew, in another place
_USES = text("""
DELETE FROM uses WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM uses WHERE expires_at < :before ORDER BY expires_at LIMIT :limit FOR UPDATE SKIP LOCKED))
""")

_SCAN_IDS = text("""
UPDATE disputes SET scan_id = gen_random_uuid() WHERE id = ANY (ARRAY(
    SELECT id FROM disputes WHERE opened_at < :before AND substr(CAST(scan_id AS text), 15, 1) = '7'
    LIMIT :limit FOR UPDATE SKIP LOCKED))
""")
_ANSWERS = text("""
DELETE FROM answers_of_sources WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM answers_of_sources WHERE asked_at < :before ORDER BY asked_at LIMIT :limit
    FOR UPDATE SKIP LOCKED))
""")


class Retention:
    """Deletes in steps of a transaction each, so that nobody waits for one and an interruption loses one."""

    def __init__(self, database: Database, clock: Clock, *, scans: int, disputes: int) -> None:
        """`scans` and `disputes` in days: since the scan, and since the answer. Uses say themselves until when."""
        self._database, self._clock = database, clock
        of_scans = ((uses_step, 0), (answers_step, ANSWER_DAYS), (scans_step, scans), (scan_ids_step, scans))
        self._steps = (*of_scans, (disputes_step, disputes))

    def run(self) -> int:
        """Delete what is over, for at most twenty seconds; gives how many rows. Raises DatabaseUnavailable."""
        deleted, until = 0, time.monotonic() + _SECONDS
        for step, days in self._steps:
            gone = STEP
            while gone == STEP and time.monotonic() < until:
                with self._database.transaction() as session:
                    gone = step(session, self._clock() - timedelta(days=days))
                deleted += gone
        return deleted


def uses_step(session: Session, before: datetime) -> int:
    """Forget uses whose codes were over before a moment, at most 2,000; gives how many."""
    return cast("CursorResult[Any]", session.execute(_USES, {"before": before, "limit": STEP})).rowcount


def answers_step(session: Session, before: datetime) -> int:
    """Forget what sources said before a moment, at most 2,000; gives how many."""
    return cast("CursorResult[Any]", session.execute(_ANSWERS, {"before": before, "limit": STEP})).rowcount


def scans_step(session: Session, before: datetime) -> int:
    """Delete the oldest scans from before a moment, at most 2,000; gives how many.

    With a scan goes its scan_id: the same one would be judged anew, as its code has long been over.
    """
    return int(session.execute(_SCANS, {"before": before, "limit": STEP}).scalar_one())


def scan_ids_step(session: Session, before: datetime) -> int:
    """Have disputes from before a moment name no scan any more, at most 2,000; gives how many.

    The id keeps a scan from being disputed twice, tells its millisecond, and has no use once the scan is forgotten.
    """
    return cast("CursorResult[Any]", session.execute(_SCAN_IDS, {"before": before, "limit": STEP})).rowcount


def disputes_step(session: Session, before: datetime) -> int:
    """Delete disputes that were answered for the last time before a moment, at most 2,000; gives how many."""
    appeal_is_over = Dispute.appeal_state.is_(None) | (Dispute.appeal_answered_at < before)
    over = select(Dispute.id).where(Dispute.answered_at < before, appeal_is_over).limit(STEP)
    return len(session.scalars(delete(Dispute).where(Dispute.id.in_(over)).returning(Dispute.id)).all())


def make_months(session: Session, now: datetime) -> None:
    """Have the months of scans three ahead. Raises DatabaseUnavailable where somebody holds the table for long."""
    partitions.make_ahead(session, TABLE, now, move=True)


def drop_months(session: Session, now: datetime, days: int) -> list[str]:
    """Drop the months of scans that are over and empty; gives their names. Raises DatabaseUnavailable likewise."""
    return partitions.drop_empty(session, TABLE, now - timedelta(days=days))
