"""The SQL of retention: old rows and their salts go together, their leaves stay in the seals."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from qe_ban.audit import rules

_ERASE = text(f"""
WITH gone AS (
    DELETE FROM audit_events e USING audit_leaves l
    WHERE l.seal BETWEEN :first AND :last AND e.id = l.event_id AND e.at = l.at
      AND l.at < least(:before, now() - interval '{rules.LEAST_KEPT.days} days')
      AND e.at < least(:before, now() - interval '{rules.LEAST_KEPT.days} days')
    RETURNING e.id, e.at
)
DELETE FROM audit_leaves l USING gone WHERE l.event_id = gone.id AND l.at = gone.at
""")  # noqa: S608 - our own number


def erase(session: Session, *, first: int, last: int, before: datetime) -> int:
    """Erase the rows of these seals that are older than a moment, and than half a year; return how many.

    A leaf whose row is gone already stays: who removed that row is not to be covered.
    """
    result = session.execute(_ERASE, {"first": first, "last": last, "before": before})
    return int(result.rowcount)  # type: ignore[attr-defined]
