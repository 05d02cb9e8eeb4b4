"""The scan that a repeat repeats, as it was kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from qe_ban.db.connecting import require_own


@dataclass(frozen=True, slots=True)
class Prior:
    """The scan that the scanner kept under this scan_id before."""

    request: bytes
    at: datetime
    reason: str
    kind: str | None
    profile: str | None
    fields: tuple[str, ...]
    detail: Mapping[str, Any]
    as_of: datetime | None
    guardian: bool


# a statement of its own: a repeat is rare, and a scan that is none must not open every month of the table
_PRIOR = """
SELECT scan_id, request, at, reason, kind, profile, fields, detail, as_of, guardian
FROM scans WHERE at = %(at)b AND scanner_id = %(scanner)b AND scan_id = %(scan_id)b
"""


def read_prior(connection: psycopg.Connection[Any], scanner: UUID, scan_id: UUID, at: datetime) -> Prior | None:
    """Return the scan of that moment, None where it is kept no more."""
    row = connection.execute(_PRIOR, {"at": at, "scanner": scanner, "scan_id": scan_id}, prepare=True).fetchone()
    if row is None:
        return None
    echo, request, at, reason, kind, profile, fields, detail, as_of, guardian = row
    require_own(echo, scan_id)
    return Prior(request, at, reason, kind, profile, tuple(fields), detail, as_of, guardian)
