"""What sources said last, as it is kept; and a resident's own entitlements with it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
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


_KEEP_ANSWER = """
INSERT INTO source_answers (entitlement, state, reason, detail, as_of, asked_at)
VALUES (%(entitlement)s, %(state)s, %(reason)s, %(detail)s, %(as_of)s, %(asked_at)s)
ON CONFLICT (entitlement) DO UPDATE SET state = excluded.state, reason = excluded.reason, detail = excluded.detail,
    as_of = excluded.as_of, asked_at = excluded.asked_at, expires_at = NULL, rule = NULL,
    set_level = NULL, set_until = NULL
WHERE source_answers.asked_at <= excluded.asked_at OR source_answers.asked_at > excluded.asked_at + interval '1 minute'
"""


def keep_answer(connection: psycopg.Connection[Any], number: int, answer: Answer) -> None:
    """Keep what a source said last of an entitlement; an older answer never overwrites a newer one.

    To the minute: beside a plain entitlement's number the moment would name that entitlement's scan.
    """
    connection.execute(
        _KEEP_ANSWER,
        {
            "entitlement": number,
            "state": answer.state.value,
            "reason": answer.reason,
            "detail": Jsonb(dict(answer.detail)),
            "as_of": answer.as_of.replace(second=0, microsecond=0),
            "asked_at": answer.asked_at.replace(second=0, microsecond=0),
        },
    )


@dataclass(frozen=True, slots=True)
class Holding:
    """One entitlement of a resident who looks at the own wallet; `suspended` says by whom it is, if it is."""

    number: int
    kind: str
    suspended: SuspendedBy | None
    resident: UUID
    id_type: str
    name_sealed: bytes = field(repr=False)
    id_number_sealed: bytes = field(repr=False)
    answer: Answer | None


_HOLDINGS = """
SELECT e.number, e.kind, CASE WHEN e.suspended_at IS NOT NULL THEN coalesce(e.suspended_by, 'resident') END,
       r.id, r.id_type, r.name_sealed, r.id_number_sealed,
       a.state, a.reason, a.detail, a.as_of, a.asked_at, a.expires_at, a.set_level, a.set_until
FROM entitlements e
JOIN residents r ON r.id = e.resident_id
LEFT JOIN source_answers a ON a.entitlement = e.number
WHERE e.resident_id = %(resident)b AND r.closed_at IS NULL
"""


def holdings(connection: psycopg.Connection[Any], resident: UUID, now: datetime) -> list[Holding]:
    """Give a resident's entitlements with what their sources said last."""
    rows = connection.execute(_HOLDINGS, {"resident": resident}, prepare=True).fetchall()
    for row in rows:
        require_own(row[3], resident)
    return [
        Holding(
            number, kind, SuspendedBy(by) if by else None, resident, id_type, name, id_number, kept_answer(row, now)
        )
        for number, kind, by, resident, id_type, name, id_number, *row in rows
    ]
