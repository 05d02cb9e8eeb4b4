"""What outside sources say, kept for a day as scans are kept: under keyed hashes of the day, beside nobody's id.

Residents are told of a level by way of the inbox; of other kinds the wallet finds the answer by a hash of its own.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import psycopg
from sqlalchemy import CursorResult, text

from qe_ban.codes import queries
from qe_ban.codes.rules import Answer
from qe_ban.codes.service import hashing, inbox
from qe_ban.codes.service.wallet import Wallet
from qe_ban.db.engine import Database
from qe_ban.kernel.city import LEVEL_KIND

# programs of 0.3.0 kept answers here; of a level it stands here what the resident was told, by the day
_DELETE_PLAIN = text("""
DELETE FROM source_answers WHERE entitlement = ANY (ARRAY(
    SELECT a.entitlement FROM source_answers a JOIN entitlements e ON e.number = a.entitlement
    WHERE e.kind = ANY (:kinds) LIMIT :limit FOR UPDATE OF a SKIP LOCKED))
""")
_BY_THE_DAY = text("""
UPDATE source_answers
SET as_of = date_trunc('day', as_of, 'Asia/Shanghai'), asked_at = date_trunc('day', asked_at, 'Asia/Shanghai')
WHERE entitlement = ANY (ARRAY(
    SELECT a.entitlement FROM source_answers a JOIN entitlements e ON e.number = a.entitlement
    WHERE e.kind = ANY (:kinds) AND (a.as_of <> date_trunc('day', a.as_of, 'Asia/Shanghai')
                                     OR a.asked_at <> date_trunc('day', a.asked_at, 'Asia/Shanghai'))
    LIMIT :limit FOR UPDATE OF a SKIP LOCKED))
""")
STEP = 5000


@dataclass(frozen=True, slots=True)
class EntitlementKey:
    """Which entitlement an answer is about, and whose."""

    resident: UUID
    kind: str
    number: int


def hashes_of(wallet: Wallet, kind: str | None, number: int | None, now: datetime) -> Sequence[bytes]:
    """Return the hashes by which a scan finds its outside source's answer; none for a kind of the register."""
    if number is None or kind not in wallet.sources:
        return ()
    return hashing.answer_hashes(wallet.rings, number, now)


def holdings(
    connection: psycopg.Connection[Any], wallet: Wallet, resident: UUID, now: datetime
) -> list[queries.Holding]:
    """Return a resident's entitlements with what their sources said last."""
    owners = {kind: hashing.owner_hashes(wallet.rings, resident, kind, now) for kind in wallet.sources}
    return queries.holdings(connection, resident, now, owners)


def keep(
    connection: psycopg.Connection[Any],
    wallet: Wallet,
    entitlement: EntitlementKey,
    previous: Answer | None,
    answer: Answer,
) -> None:
    """Keep an answer, and have the resident told of a level that is another than the previous one."""
    rings, now = wallet.rings, answer.asked_at
    is_news = entitlement.kind == LEVEL_KIND and (
        previous is None or previous.detail.get("level") != answer.detail.get("level")
    )
    queries.keep_answer(
        connection,
        hashing.answer_hashes(rings, entitlement.number, now)[0],
        hashing.owner_hashes(rings, entitlement.resident, entitlement.kind, now)[0],
        answer,
        inbox.level_request(rings, entitlement.resident, entitlement.number, answer) if is_news else None,
    )


def keep_answers(
    connection: psycopg.Connection[Any],
    wallet: Wallet,
    holdings: Sequence[queries.Holding],
    answers: Mapping[int, Answer],
) -> None:
    """Keep new answers for a resident's entitlements, by their numbers."""
    for holding in holdings:
        if holding.number in answers:
            entitlement = EntitlementKey(holding.resident, holding.kind, holding.number)
            keep(connection, wallet, entitlement, holding.answer, answers[holding.number])


def delete_plain_answers(database: Database, sources: Collection[str]) -> int:
    """Delete what 0.3.0 kept of outside sources' answers beside plain numbers, of levels only the moments, in steps.

    Return how many rows.
    """
    levels = [kind for kind in sources if kind == LEVEL_KIND]
    others = [kind for kind in sources if kind != LEVEL_KIND]
    rows = 0
    for statement, kinds in ((_DELETE_PLAIN, others), (_BY_THE_DAY, levels)):
        count = STEP
        while kinds and count == STEP:
            with database.transaction() as session:
                result = session.execute(statement, {"kinds": kinds, "limit": STEP})
                count = cast("CursorResult[Any]", result).rowcount
            rows += count
    return rows
