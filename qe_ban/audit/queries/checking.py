"""The SQL of the check: everything is read as text, so that no changed value can stop the reading."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from qe_ban.audit.queries.rows import ROW, Row, row

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Link:
    """A seal as it stands; `at` is seconds since 1970, as text."""

    n: int
    at: str
    leaves: int
    top: int
    more: bool
    root: bytes
    previous: bytes
    kid: str
    signature: bytes
    ids: bytes
    hashes: bytes


@dataclass(frozen=True, slots=True)
class SealedRow:
    """One row of `audit_leaves`, with the event where it is still there."""

    seal: int
    position: int
    event: int
    salt: bytes
    row: Row | None


_LINKS = text("""
SELECT n, extract(epoch FROM at)::text, leaves, top, more, root, previous, kid, signature, ids, hashes
FROM audit_seals ORDER BY n
""")


def links(session: Session) -> Iterator[Link]:
    """Yield the chain, in its order."""
    for values in session.execute(_LINKS, execution_options={"yield_per": 50}):
        yield Link(*values)


_SEALED_ROWS = text(f"""
SELECT l.seal, l.position, l.event_id, l.salt, e.at::text, {ROW}
FROM audit_leaves l LEFT JOIN audit_events e ON e.id = l.event_id AND e.at = l.at
ORDER BY l.seal, l.position, l.event_id
""")  # noqa: S608 - our own column names


def sealed_rows(session: Session) -> Iterator[SealedRow]:
    """Yield every row that a seal has taken, in the order of the chain."""
    for seal, position, event, salt, moment, *values in session.execute(
        _SEALED_ROWS, execution_options={"yield_per": 2000}
    ):
        yield SealedRow(seal, position, event, salt, None if values[0] is None else row(moment, values))


_UNSEALED_IDS = text("""
SELECT e.id
FROM audit_events e
WHERE NOT EXISTS (SELECT FROM audit_leaves l WHERE l.event_id = e.id AND l.at = e.at)
  AND (extract(epoch FROM e.at) <= :before OR e.id <= :top)
ORDER BY e.id
""")


def unsealed_ids(session: Session, *, before: float, top: int) -> Iterator[int]:
    """Yield the ids of rows that no seal has taken: from before a moment, or below an id that was passed by then."""
    yield from session.scalars(_UNSEALED_IDS, {"before": before, "top": top}, execution_options={"yield_per": 2000})


_EXISTING_IDS = text("SELECT DISTINCT id FROM audit_events WHERE id = ANY (:ids)")


def existing_ids(session: Session, ids: Sequence[int]) -> set[int]:
    """Return which of these ids stand in the log, whatever their moment."""
    existing: set[int] = set()
    for start in range(0, len(ids), _AT_ONCE):
        existing.update(session.scalars(_EXISTING_IDS, {"ids": list(ids[start : start + _AT_ONCE])}))
    return existing


_ERASURES = text("""
SELECT e.id, extract(epoch FROM e.at)::text, e.details
FROM audit_events e WHERE e.action = :action AND e.subject = 'audit' ORDER BY e.id
""")


def erasures(session: Session, action: str) -> Iterator[tuple[int, str, Any]]:
    """Yield each erasure's id and moment, and what it said of itself."""
    result = session.execute(_ERASURES, {"action": action}, execution_options={"yield_per": 500})
    yield from ((event, at, details) for event, at, details in result)
