"""The hot path's own SQL: one statement reads everything that a scan is judged by, one keeps what came of it.

Written by hand because it is what the product does all day: each statement is its own transaction, so a verification
is two round trips, and durable when it answers (D-001). Measured against the ORM in docs/performance.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.numeric import Int2, Int8

from qe_ban.codes.queries.answers import REGISTER, REQUEST, Request, kept_answer, kept_for_scan, request_values
from qe_ban.codes.queries.consents import fresh_consents
from qe_ban.codes.queries.disclosures import DISCLOSURE, encode_json
from qe_ban.codes.queries.guardians import HAS_CONSENT, OVER, OVER_FOR_GUARDIANS
from qe_ban.codes.queries.prior import Prior, read_prior
from qe_ban.codes.rules import Answer, NewUse, Use
from qe_ban.db.connecting import require_own


class UsedMeanwhile(Exception):
    """Another scan took the same use, or the same scan_id, between our reading and our writing."""


@dataclass(frozen=True, slots=True)
class Holder:
    """The entitlement that a code names, with its resident's sealed columns; a ward may have no phone.

    `is_over`: the account was closed, or the guardian who shows the code is none any more.
    """

    kind: str
    is_suspended: bool
    is_over: bool
    resident: UUID
    id_type: str
    name_sealed: bytes = field(repr=False)
    id_number_sealed: bytes = field(repr=False)
    phone_sealed: bytes | None = field(repr=False)
    answer: Answer | None
    has_consent: bool


@dataclass(frozen=True, slots=True)
class ScanRecords:
    """What the database knows of one scan."""

    venue: UUID
    purposes: tuple[str, ...]
    prior: Prior | None
    holder: Holder | None
    again: bytes
    uses: Mapping[bytes, list[Use]]
    fresh_consents: Sequence[bytes] = ()
    """What the resident decided just now about the purpose, sealed, each after the hash of its row."""


# One statement, so that all that a scan is judged by is of one snapshot and costs one round trip (D-001). It joins so:
# - an entitlement only where the purpose is the scanner's: for any other one nothing of its holder is read at all;
# - `scan_ids` and not `scans`: a repeat is found by primary key, without opening every month of the big table;
# - the subject `again` is hashed here, because it names the venue, and the venue stands in the scanner's row;
# - the last column repeats the scan_id, so that `require_own` notices a row that answers somebody else's statement.
_FACTS = """
SELECT s.venue_id, s.purposes, sha256(%(again)b || uuid_send(s.venue_id)),
       i.at,
       e.kind, e.suspended_at IS NOT NULL, {over}, r.id, r.id_type, r.name_sealed, r.id_number_sealed, r.phone_sealed,
       a.state, a.reason, a.detail, a.as_of, a.asked_at, a.expires_at, a.set_level, a.set_until,
       {consented},
       (SELECT json_agg(json_build_array(encode(u.subject, 'hex'), u.n, u.scanner_id, u.purpose,
                                         extract(epoch FROM u.at),
                                         (SELECT o.venue_id = s.venue_id FROM scanners o WHERE o.id = u.scanner_id)))
        FROM uses u
        WHERE u.subject IN ({subjects} sha256(%(again)b || uuid_send(s.venue_id)))),
       {fresh},
       %(scan_id)b
FROM scanners s
JOIN clients c ON c.id = s.id AND c.revoked_at IS NULL
LEFT JOIN scan_ids i ON i.scanner_id = s.id AND i.scan_id = %(scan_id)b
LEFT JOIN entitlements e ON e.number = %(number)b AND %(purpose)s = ANY (s.purposes)
LEFT JOIN residents r ON r.id = e.resident_id
{answers}
LEFT JOIN consents k ON k.resident_id = e.resident_id AND k.purpose = %(purpose)s
WHERE s.id = %(scanner)b
"""


@cache
def _facts(subjects: int, guardian: bool, answers: int, consents: int) -> str:
    """Write the statement for so many subjects: one by one they cost a tenth of what an array does.

    `answers`: so many hashes find what an outside source said, `consents` what the resident decided just now.
    """
    return _FACTS.format(
        over=OVER_FOR_GUARDIANS if guardian else OVER,
        consented=HAS_CONSENT,
        answers=kept_for_scan(answers) if answers else REGISTER,
        subjects="".join(f"%(subject{n})b, " for n in range(subjects)),
        fresh=fresh_consents(consents),
    )


def read_facts(
    connection: psycopg.Connection[Any],
    *,
    scanner: UUID,
    scan_id: UUID,
    number: int | None,
    purpose: str,
    now: datetime,
    again: bytes,
    subjects: Sequence[bytes],
    guardian: datetime | None = None,
    answers: Sequence[bytes] = (),
    consents: Sequence[bytes] = (),
) -> ScanRecords | None:
    """Read what one scan is judged by, or None where the scanner is revoked or no scanner.

    `number` is None while nothing of the entitlement may be read; the statement itself reads it only where the scanner
    is registered for the purpose. `again` is hashed together with the scanner's venue. `guardian`, where one
    shows the code: an end of theirs from this moment on has ended the code too. `answers`: the hashes under which
    the word of the kind's outside source may stand; `consents`: those of what the resident decided just now.
    """
    values = {
        "again": again,
        "scan_id": scan_id,
        "number": None if number is None else Int8(number),
        "purpose": purpose,
        "scanner": scanner,
        "now": now,
    }
    values |= {f"subject{n}": subject for n, subject in enumerate(subjects)}
    values |= {f"answer{n}": answer for n, answer in enumerate(answers)}
    values |= {f"consent{n}": consent for n, consent in enumerate(consents)}
    if guardian is not None:
        values["guardian"] = guardian
    statement = _facts(len(subjects), guardian is not None, len(answers), len(consents))
    row = connection.execute(statement, values, prepare=True).fetchone()
    if row is None:
        return None
    require_own(row[-1], scan_id)
    venue, purposes, again_at_venue, kept_at = row[:4]
    prior = None if kept_at is None else read_prior(connection, scanner, scan_id, kept_at)
    holder = None if row[4] is None else _holder(row[4:21], now)
    return ScanRecords(venue, tuple(purposes), prior, holder, again_at_venue, _uses(row[21]), row[22] or ())


def _holder(row: Sequence[Any], now: datetime) -> Holder:
    kind, is_suspended, over, resident, id_type, name, id_number, phone = row[:8]
    answer, has_consent = kept_answer(row[8:16], now), bool(row[16])
    return Holder(kind, is_suspended, bool(over), resident, id_type, name, id_number, phone, answer, has_consent)


def _uses(rows: list[list[Any]] | None) -> dict[bytes, list[Use]]:
    uses: dict[bytes, list[Use]] = {}
    for subject, n, scanner, purpose, at, at_venue in rows or ():
        use = Use(n, UUID(scanner), purpose, datetime.fromtimestamp(at, UTC), bool(at_venue))
        uses.setdefault(bytes.fromhex(subject), []).append(use)
    return uses


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is kept of one scan. `holder` is the keyed hash of the entitlement. Nothing of it names a resident.

    `subject` names the entitlement in the audit of a disclosure; `before_sealed` is its hash before the month turned.
    """

    id: UUID
    scanner: UUID
    scan_id: UUID
    request: bytes
    venue: UUID
    at: datetime
    purpose: str
    accepted: bool
    reason: str
    kind: str | None
    profile: str | None
    cti: bytes | None
    showing: int | None
    holder: bytes | None
    fields: tuple[str, ...]
    detail: Mapping[str, Any]
    as_of: datetime | None
    guardian: bool = False
    uses: tuple[NewUse, ...] = ()
    request_of_resident: Request | None = None
    request_id: str | None = None
    subject: bytes | None = None
    before_sealed: bytes | None = None


# The scan is the statement proper and all else are its CTEs: if one primary key objects, nothing is written at all
_SCAN = """
INSERT INTO scans (id, scanner_id, scan_id, request, venue_id, at, purpose, accepted, reason, kind, profile, cti,
                   showing, holder, fields, detail, as_of, guardian)
VALUES (%(id)b, %(scanner)b, %(scan_id)b, %(request)b, %(venue)b, %(at)b, %(purpose)s, %(accepted)b, %(reason)s,
        %(kind)s, %(profile)s, %(cti)b, %(showing)b, %(holder)b, %(fields)s, %(detail)s, %(as_of)b, %(guardian)b)
RETURNING id
"""
_USES = "INSERT INTO uses (subject, n, scanner_id, purpose, at, expires_at) VALUES "
_USE = "(%(subject{n})b, %(n{n})b, %(scanner)b, %(purpose)s, %(at)b, %(until{n})b)"
_OVER_MONTH = """
INSERT INTO holders_over_month (holder, before_sealed) VALUES (%(holder)b, %(before)b) ON CONFLICT DO NOTHING
"""


@cache
def _statement(uses: int, audit: bool, request: bool, over_month: bool) -> str:
    """Join what a scan writes to one statement: all of it is kept or nothing."""
    use_rows = _USES + ", ".join(_USE.format(n=n) for n in range(uses))
    optional = ((uses, use_rows), (audit, DISCLOSURE), (request, REQUEST), (over_month, _OVER_MONTH))
    parts = [part for condition, part in optional if condition]
    with_ = ",\n".join(f"part{n} AS ({part})" for n, part in enumerate(parts))
    return f"WITH {with_}\n{_SCAN}" if parts else _SCAN


@cache
def _array(words: tuple[str, ...]) -> str:
    """Spell an array of text for PostgreSQL; the purposes of a city have few different ones."""
    return "{" + ",".join('"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"' for word in words) + "}"


def keep(connection: psycopg.Connection[Any], outcome: Outcome) -> None:
    """Write the scan, the uses it takes, the audit of a disclosure and what is asked of the resident: all or nothing.

    Raises UsedMeanwhile when another scan was faster: then read the facts again and judge anew.
    """
    values: dict[str, Any] = {
        "id": outcome.id,
        "scanner": outcome.scanner,
        "scan_id": outcome.scan_id,
        "request": outcome.request,
        "venue": outcome.venue,
        "at": outcome.at,
        "purpose": outcome.purpose,
        "accepted": outcome.accepted,
        "reason": outcome.reason,
        "kind": outcome.kind,
        "profile": outcome.profile,
        "cti": outcome.cti,
        "showing": None if outcome.showing is None else Int8(outcome.showing),
        "holder": outcome.holder,
        "fields": _array(outcome.fields),
        "detail": encode_json(dict(outcome.detail)),
        "as_of": outcome.as_of,
        "guardian": outcome.guardian,
    }
    audit = bool(outcome.fields) and outcome.subject is not None
    for n, use in enumerate(outcome.uses):
        values |= {f"subject{n}": use.subject, f"n{n}": Int2(use.n), f"until{n}": use.until}
    if audit and outcome.subject is not None:
        details = {"purpose": outcome.purpose, "fields": list(outcome.fields), "scan": str(outcome.id)}
        values |= {
            "subject": outcome.subject.hex(),
            "disclosed": encode_json(details),
            "request_id": outcome.request_id,
        }
    request = outcome.request_of_resident
    if request is not None:
        values |= request_values(request)
    over_month = outcome.before_sealed is not None
    if over_month:
        values["before"] = outcome.before_sealed
    statement = _statement(len(outcome.uses), audit, request is not None, over_month)
    try:
        row = connection.execute(statement, values, prepare=True).fetchone()
    except psycopg.errors.UniqueViolation as error:
        # the primary keys of `uses` and `scan_ids` choose among parallel scans: no lock and no cache takes part (D-002)
        raise UsedMeanwhile from error
    require_own(row and row[0], outcome.id)
