"""A resident's own list of scans (用码记录)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session


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
FROM scans p JOIN venues v ON v.id = p.venue_id JOIN scanners s ON s.id = p.scanner_id
LEFT JOIN LATERAL (
    SELECT name, address, scene FROM venue_versions
    WHERE venue_id = p.venue_id AND until > p.at ORDER BY until LIMIT 1
) w ON true
WHERE p.holder = ANY (:holders)
"""
_ENTRY = text(f"{_ENTRIES} AND p.id = :id".replace("SELECT p.id,", "SELECT p.holder, p.venue_id, p.id,"))
_LEDGER = text(f"""{_ENTRIES}
  AND (CAST(:at AS timestamptz) IS NULL OR (p.at, p.id) < (CAST(:at AS timestamptz), CAST(:id AS uuid)))
ORDER BY p.at DESC, p.id DESC
LIMIT :limit
""")


def ledger(
    session: Session, holders: Sequence[bytes], *, limit: int, after: tuple[datetime, UUID] | None
) -> list[Entry]:
    """Give the newest scans of some entitlements' hashes, those older than `after` where it is given."""
    at, last = after or (None, None)
    rows = session.execute(_LEDGER, {"holders": list(holders), "limit": limit, "at": at, "id": last})
    return [Entry(*row) for row in rows]


def entry(session: Session, holders: Sequence[bytes], scan: UUID) -> tuple[bytes, UUID, Entry] | None:
    """Return one scan of some entitlements' hashes, by our id, with the hash it stands under and its venue's id."""
    row = session.execute(_ENTRY, {"holders": list(holders), "id": scan}).first()
    return None if row is None else (row[0], row[1], Entry(*row[2:]))
