"""What sources said last, as it is kept; and a resident's own entitlements with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from qe_ban.codes.rules import Answer, State, SuspendedBy
from qe_ban.db.connecting import require_own


def kept_answer(row: Sequence[Any], now: datetime) -> Answer | None:
    """Read a kept answer; one that has run out (a health level) is none. Over it lies a level that two persons set."""
    state, reason, detail, as_of, asked_at, expires_at, set_level, set_until = row
    is_set = set_level is not None and set_until > now
    if state is None or (expires_at is not None and expires_at <= now):
        return Answer(State.ACTIVE, as_of, asked_at, detail={"level": set_level}) if is_set else None
    return Answer(State(state), as_of, asked_at, reason, detail | {"level": set_level} if is_set else detail)


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a resident: the row's random id, and what only the worker reads."""

    id: UUID
    content_sealed: bytes


REQUEST: Final = "INSERT INTO requests_of_scans (id, content_sealed) VALUES (%(request_row)b, %(request_content)b)"
_KEEP_ANSWER = """
INSERT INTO answers_of_sources (holder, owner, state, reason, detail, as_of, asked_at)
VALUES (%(holder)b, %(owner)b, %(state)s, %(reason)s, %(detail)s, %(as_of)s, %(asked_at)s)
ON CONFLICT (holder) DO UPDATE SET owner = excluded.owner, state = excluded.state, reason = excluded.reason,
    detail = excluded.detail, as_of = excluded.as_of, asked_at = excluded.asked_at
WHERE answers_of_sources.asked_at <= excluded.asked_at
    OR answers_of_sources.asked_at > excluded.asked_at + interval '1 minute'
"""
_KEEP_AND_REQUEST = f"WITH request AS ({REQUEST}) {_KEEP_ANSWER}"


def request_values(request: Request) -> dict[str, Any]:
    """Return what REQUEST takes."""
    return {"request_row": request.id, "request_content": request.content_sealed}


def keep_answer(
    connection: psycopg.Connection[Any], holder: bytes, owner: bytes, answer: Answer, request: Request | None
) -> None:
    """Keep what a source said, for scans and for the wallet; an older answer never overwrites a newer one.

    Names nobody: the hashes are the day's. `request` tells the resident's side of it, in the same statement.
    """
    values = {
        "holder": holder,
        "owner": owner,
        "state": answer.state.value,
        "reason": answer.reason,
        "detail": Jsonb(dict(answer.detail)),
        "as_of": answer.as_of,
        "asked_at": answer.asked_at.replace(second=0, microsecond=0),
    }
    if request is not None:
        values |= request_values(request)
    connection.execute(_KEEP_ANSWER if request is None else _KEEP_AND_REQUEST, values)


@dataclass(frozen=True, slots=True)
class Holding:
    """One entitlement of a resident who looks at the own wallet; `suspended_by` says by whom it is, if it is."""

    number: int
    kind: str
    suspended_by: SuspendedBy | None
    resident: UUID
    id_type: str
    name_sealed: bytes = field(repr=False)
    id_number_sealed: bytes = field(repr=False)
    answer: Answer | None


_HOLDINGS_SQL = """
SELECT e.number, e.kind, CASE WHEN e.suspended_at IS NOT NULL THEN coalesce(e.suspended_by, 'resident') END,
       r.id, r.id_type, r.name_sealed, r.id_number_sealed,
       a.state, a.reason, a.detail, a.as_of, a.asked_at, a.expires_at, a.set_level, a.set_until
FROM entitlements e
JOIN residents r ON r.id = e.resident_id
{answers}
WHERE e.resident_id = %(resident)b AND r.closed_at IS NULL
"""
REGISTER: Final = "LEFT JOIN source_answers a ON a.entitlement = e.number"
_ANSWER: Final = """SELECT o.state, o.reason, o.detail, o.as_of, o.asked_at, CAST(NULL AS timestamptz) AS expires_at,
    CAST(NULL AS text) AS set_level, CAST(NULL AS timestamptz) AS set_until FROM answers_of_sources o"""
_HOLDINGS = _HOLDINGS_SQL.format(answers=REGISTER)
# of kinds with an outside source the newest of today's and yesterday's, of the others the register's record
_HOLDINGS_OUTSIDE = _HOLDINGS_SQL.format(
    answers=f"""
LEFT JOIN LATERAL (
    SELECT s.state, s.reason, s.detail, s.as_of, s.asked_at, s.expires_at, s.set_level, s.set_until
    FROM source_answers s WHERE s.entitlement = e.number AND e.kind <> ALL (CAST(%(kinds)s AS text[]))
    UNION ALL
    ({_ANSWER} JOIN unnest(CAST(%(kinds)s AS text[]), CAST(%(owners)s AS bytea[])) AS w (kind, owner)
        ON w.kind = e.kind AND w.owner = o.owner
     ORDER BY o.asked_at DESC LIMIT 1)
) a ON true"""  # noqa: S608 - our own words
)


def kept_for_scan(hashes: int) -> str:
    """Return the join that finds a kept answer by one of so many hashes, the newest."""
    names = ", ".join(f"%(answer{n})b" for n in range(hashes))
    return f"""LEFT JOIN LATERAL (
    {_ANSWER} WHERE o.holder IN ({names}) ORDER BY o.asked_at DESC LIMIT 1
) a ON e.number IS NOT NULL"""


def holdings(
    connection: psycopg.Connection[Any],
    resident: UUID,
    now: datetime,
    owners: Mapping[str, Sequence[bytes]] | None = None,
) -> list[Holding]:
    """Return a resident's entitlements with what their sources said last.

    `owners`: the hashes by which answers of outside sources are found, by kind.
    """
    values: dict[str, Any] = {"resident": resident}
    if owners:
        pairs = [(kind, owner) for kind, hashes in owners.items() for owner in hashes]
        values |= {"kinds": [kind for kind, _ in pairs], "owners": [owner for _, owner in pairs]}
    rows = connection.execute(_HOLDINGS_OUTSIDE if owners else _HOLDINGS, values, prepare=True).fetchall()
    for row in rows:
        require_own(row[3], resident)
    return [
        Holding(
            number, kind, SuspendedBy(by) if by else None, resident, id_type, name, id_number, kept_answer(row, now)
        )
        for number, kind, by, resident, id_type, name, id_number, *row in rows
    ]
