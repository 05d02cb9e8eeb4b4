"""Rows of the audit log as they are sealed, those that are not, and the chain's end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

NAMES = ("id", "at", "actor_kind", "actor_id", "action", "subject", "details", "case_number", "request_id")
ROW = """e.id::text, extract(epoch FROM e.at)::text, e.actor_kind, e.actor_id::text, e.action, e.subject,
    e.details::text, e.case_number, e.request_id"""
"""Texts and not values: a number in the details is hashed with every digit, and no moment is too far for us to read."""


@dataclass(frozen=True, slots=True)
class Row:
    """One event. `moment` is its `at` as PostgreSQL takes it back."""

    id: int
    moment: str
    content: Mapping[str, str | None]


def row(moment: str, values: Sequence[Any]) -> Row:
    """Make a row of the columns of ROW."""
    return Row(int(values[0]), moment, dict(zip(NAMES, values, strict=True)))


# two indexes: by ids, and by time, which finds what is young whatever id it got
_UNSEALED_ROWS = text(f"""
(SELECT e.at::text, {ROW}, e.id AS n
 FROM audit_events e
 WHERE e.id > :start
   AND NOT EXISTS (SELECT FROM audit_leaves l WHERE l.event_id > :start AND l.event_id = e.id AND l.at = e.at)
 ORDER BY e.id
 LIMIT :limit)
UNION ALL
(SELECT e.at::text, {ROW}, e.id
 FROM audit_events e
 WHERE e.id <= :start AND e.at > :since
   AND NOT EXISTS (SELECT FROM audit_leaves l WHERE l.event_id = e.id AND l.at = e.at AND l.at > :since)
 ORDER BY e.id
 LIMIT :limit)
ORDER BY n
LIMIT :limit
""")  # noqa: S608 - our own column names


def unsealed_rows(session: Session, *, start: int, since: datetime, limit: int) -> list[Row]:
    """Return rows beyond the id `start`, or younger than a moment, that no seal has taken, ordered by id."""
    result = session.execute(_UNSEALED_ROWS, {"start": start, "since": since, "limit": limit})
    return [row(moment, values[:-1]) for moment, *values in result]


_OVERDUE = text("""
(SELECT e.id
 FROM audit_events e
 WHERE e.id > :start AND e.at <= :before
   AND NOT EXISTS (SELECT FROM audit_leaves l WHERE l.event_id > :start AND l.event_id = e.id AND l.at = e.at)
 ORDER BY e.id
 LIMIT :limit)
UNION ALL
(SELECT e.id
 FROM audit_events e
 WHERE e.id <= :start AND e.at > :since AND e.at <= :before
   AND NOT EXISTS (SELECT FROM audit_leaves l WHERE l.event_id = e.id AND l.at = e.at AND l.at > :since)
 ORDER BY e.id
 LIMIT :limit)
ORDER BY id
LIMIT :limit
""")


def overdue(session: Session, *, start: int, since: datetime, before: datetime, limit: int) -> list[int]:
    """Return the ids of rows from before a moment, beyond `start` or younger than another, that no seal has taken."""
    values = {"start": start, "since": since, "before": before, "limit": limit}
    return list(session.scalars(_OVERDUE, values))


_LAST_ISSUED_ID = text(
    "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('audit_events', 'id')::regclass), 0)"
)


def last_issued_id(session: Session) -> int:
    """Return the greatest id that was given out: a row beyond it took its id itself."""
    return int(session.execute(_LAST_ISSUED_ID).scalar_one())


_KEEP = text("""
INSERT INTO audit_leaves (event_id, at, seal, position, salt)
SELECT event_id, CAST(moment AS timestamptz), :seal, position - 1, salt
FROM unnest(CAST(:ids AS bigint[]), CAST(:moments AS text[]), CAST(:salts AS bytea[]))
     WITH ORDINALITY AS taken (event_id, moment, salt, position)
""")


def keep_leaves(session: Session, seal: int, rows: Sequence[Row], salts: Sequence[bytes]) -> None:
    """Note that a seal has taken these rows, in this order."""
    values = {"ids": [one.id for one in rows], "moments": [one.moment for one in rows], "salts": list(salts)}
    session.execute(_KEEP, {"seal": seal} | values)
