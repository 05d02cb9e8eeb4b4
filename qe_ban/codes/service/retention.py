"""How long scans, their uses, and disputes once they are answered, are kept; and the numbers of closed accounts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import ColumnElement, CursorResult, delete, select, text
from sqlalchemy.orm import Session

from qe_ban.accounts.service import residents
from qe_ban.codes import rules
from qe_ban.codes.models import AnswerOfSource, Dispute, Entitlement, Scan, ScanId, ShortNumber, Use
from qe_ban.codes.service import over_month
from qe_ban.db import partitions
from qe_ban.db.retention import Ending, Period, Schedule, delete_rows, is_unreferenced
from qe_ban.keys import data_keys, lifecycle

TABLE: Final = "scans"
STEP: Final = 2000
ANSWERS_KEPT: Final = timedelta(days=1)
"""So long a source's answer stands in for the source."""

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


def uses_step(session: Session, before: datetime) -> int:
    """Forget uses whose codes were over before a moment, at most 2,000; returns how many."""
    return cast("CursorResult[Any]", session.execute(_USES, {"before": before, "limit": STEP})).rowcount


def answers_step(session: Session, before: datetime) -> int:
    """Forget what sources said before a moment, at most 2,000; returns how many."""
    return cast("CursorResult[Any]", session.execute(_ANSWERS, {"before": before, "limit": STEP})).rowcount


def scans_step(session: Session, before: datetime) -> int:
    """Delete the oldest scans from before a moment, at most 2,000; returns how many.

    With a scan goes its scan_id: the same one would be judged anew, as its code has long been over.
    """
    return int(session.execute(_SCANS, {"before": before, "limit": STEP}).scalar_one())


def scan_ids_step(session: Session, before: datetime) -> int:
    """Have disputes from before a moment name no scan any more, at most 2,000; returns how many.

    The id keeps a scan from being disputed twice, tells its millisecond, and has no use once the scan is forgotten.
    """
    return cast("CursorResult[Any]", session.execute(_SCAN_IDS, {"before": before, "limit": STEP})).rowcount


def disputes_step(session: Session, before: datetime) -> int:
    """Delete disputes that were answered for the last time before a moment, at most 2,000; returns how many."""
    over = select(Dispute.id).where(_is_answered(before)).limit(STEP).with_for_update(skip_locked=True)
    return delete_disputes(session, session.scalars(over).all())


def delete_disputes(session: Session, disputes: Sequence[UUID]) -> int:
    """Delete disputes and have their data keys destroyed; returns how many."""
    key_numbers = session.scalars(delete(Dispute).where(Dispute.id.in_(disputes)).returning(Dispute.data_key)).all()
    data_keys.discard(session, key_numbers)
    return len(key_numbers)


def _is_answered(before: datetime) -> ColumnElement[bool]:
    appeal_is_over = Dispute.appeal_state.is_(None) | (Dispute.appeal_answered_at < before)
    return (Dispute.answered_at < before) & appeal_is_over


def _is_of_closed(before: datetime) -> ColumnElement[bool]:
    of_closed_account = Entitlement.resident_id.in_(residents.closed_before(before))
    return of_closed_account & is_unreferenced(Entitlement)


def make_months(session: Session, now: datetime) -> None:
    """Have the months of scans three ahead. Raises DatabaseUnavailable where somebody holds the table for long."""
    partitions.make_ahead(session, TABLE, now, move=True)


def drop_months(session: Session, now: datetime, days: int) -> list[str]:
    """Drop the months of scans that are over and empty; returns their names. Raises DatabaseUnavailable likewise."""
    return partitions.drop_empty(session, TABLE, now - timedelta(days=days))


ENDINGS: Final = (
    Ending(
        ShortNumber,
        rules.SHORT_NUMBER_KEPT,
        delete_rows(ShortNumber, lambda before: ShortNumber.expires_at < before),
    ),
    *over_month.ENDINGS,
    Ending(Use, timedelta(0), uses_step, Schedule.SCANS),
    Ending(AnswerOfSource, ANSWERS_KEPT, answers_step, Schedule.SCANS),
    Ending(Scan, Period.SCANS, scans_step, Schedule.SCANS, also=(ScanId,)),
    Ending(Dispute, Period.SCANS, scan_ids_step, Schedule.SCANS, columns=("scan_id",)),
    Ending(Dispute, Period.DISPUTES, disputes_step, Schedule.SCANS),
    # so long a code of it may be shown, and is to be refused as a closed account's
    Ending(Entitlement, lifecycle.CODES_OPEN_FOR, delete_rows(Entitlement, _is_of_closed), Schedule.DAYS),
)
"""What ends here. Uses say themselves until when."""
