"""A resident's own list of scans (用码记录)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class HolderSpan:
    """A hash under which scans of an entitlement stand, from `since` to before `until`."""

    holder: bytes
    number: int
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """Who looked, where, for what, when, with what verdict, and which fields were told; the venue as it was then.

    `scan_id` is the scanner's own, as it knows it too; `id` is ours, unique over all scanners. `guardian`: a guardian
    showed the code.
    """

    id: UUID
    scan_id: UUID
    at: datetime
    venue: str
    district: str
    address: str
    scanner: str
    scene: str
    purpose: str
    kind: str | None
    profile: str | None
    accepted: bool
    reason: str
    fields: list[str]
    detail: dict[str, Any]
    guardian: bool


_ENTRIES = """
SELECT p.id, p.scan_id, p.at, coalesce(w.name, v.name), v.district, coalesce(w.address, v.address), s.label,
       coalesce(w.scene, v.scene), p.purpose, p.kind, p.profile, p.accepted, p.reason, p.fields, p.detail, p.guardian
FROM {scans} p JOIN venues v ON v.id = p.venue_id JOIN scanners s ON s.id = p.scanner_id
LEFT JOIN LATERAL (
    SELECT name, address, scene FROM venue_versions
    WHERE venue_id = p.venue_id AND until > p.at ORDER BY until LIMIT 1
) w ON true
"""
_ENTRY = text(
    _ENTRIES.format(scans="scans").replace("SELECT p.id,", "SELECT p.holder, p.venue_id, p.id,")
    + "WHERE p.holder = ANY (:holders) AND p.id = :id"
)
# each hash in its own month's part, of which the others are not even opened; names are joined to the page alone
_PAGE = """(
    SELECT q.*
    FROM unnest(CAST(:holders AS bytea[]), CAST(:sinces AS timestamptz[]), CAST(:untils AS timestamptz[]))
         AS span (holder, since, until)
    CROSS JOIN LATERAL (
        SELECT * FROM scans o WHERE o.holder = span.holder AND o.at >= span.since AND o.at < span.until
          AND (CAST(:at AS timestamptz) IS NULL OR (o.at, o.id) < (CAST(:at AS timestamptz), CAST(:id AS uuid)))
        ORDER BY o.at DESC, o.id DESC LIMIT :limit
    ) q
    ORDER BY q.at DESC, q.id DESC LIMIT :limit
)"""
_LEDGER = text(f"{_ENTRIES.format(scans=_PAGE)}ORDER BY p.at DESC, p.id DESC")


def ledger(
    session: Session, spans: Sequence[HolderSpan], *, limit: int, after: tuple[datetime, UUID] | None
) -> list[Entry]:
    """Return the newest scans of some entitlements' hashes, those older than `after` where it is given."""
    at, last = after or (None, None)
    spans = [span for span in spans if at is None or span.since <= at]
    values: dict[str, Any] = {"limit": limit, "at": at, "id": last}
    for name in ("holder", "since", "until"):
        values[f"{name}s"] = [getattr(span, name) for span in spans]
    rows = session.execute(_LEDGER, values)
    return [Entry(*row) for row in rows]


def entry(session: Session, holders: Sequence[bytes], scan: UUID) -> tuple[bytes, UUID, Entry] | None:
    """Return one scan of some entitlements' hashes, by our id, with the hash it stands under and its venue's id."""
    row = session.execute(_ENTRY, {"holders": list(holders), "id": scan}).first()
    return None if row is None else (row[0], row[1], Entry(*row[2:]))
