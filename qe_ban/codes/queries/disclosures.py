"""The audit of a disclosure: a statement's part with the scan, a statement of its own with a repeat."""

from dataclasses import dataclass
from datetime import datetime
from json import JSONEncoder
from typing import Any, Final
from uuid import UUID

import psycopg

encode_json: Final = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""Spells what PostgreSQL parses; the wrapper for it would choose a way of dumping anew each time."""

DISCLOSURE: Final = """
INSERT INTO audit_events (at, actor_kind, actor_id, action, subject, details, request_id)
VALUES (%(at)b, 'scanner', %(scanner)b, 'codes.disclose', %(subject)s, %(disclosed)s, %(request_id)s)
"""


@dataclass(frozen=True, slots=True)
class Repeat:
    """A kept verdict that is told once more, with holder data; `subject` names the entitlement in the audit."""

    scanner: UUID
    scan_id: UUID
    purpose: str
    at: datetime
    subject: bytes
    fields: tuple[str, ...]
    request_id: str | None


def keep_repeat(connection: psycopg.Connection[Any], repeat: Repeat) -> None:
    """Write that holder data was told again: every disclosure is audited."""
    details = {"purpose": repeat.purpose, "fields": list(repeat.fields), "repeats": str(repeat.scan_id)}
    connection.execute(
        DISCLOSURE,
        {
            "at": repeat.at,
            "scanner": repeat.scanner,
            "subject": repeat.subject.hex(),
            "disclosed": encode_json(details),
            "request_id": repeat.request_id,
        },
    )
