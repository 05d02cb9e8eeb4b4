"""The only way from the scans' world to the residents': sealed requests, which the worker turns over in batches.

A scan and what it asks of a resident are one transaction, which PostgreSQL shows to whoever reads its files (`xmin`,
WAL). So the scan writes a sealed row with a random id, and what names the resident is written by the worker, for all
requests of half a minute in one transaction and in random order.
"""

import json
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import structlog
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from qe_ban.accounts import service as accounts
from qe_ban.codes.models import RequestOfScan, SourceAnswer
from qe_ban.codes.queries import Request
from qe_ban.codes.rules import Answer
from qe_ban.kernel.clock import start_of_day
from qe_ban.keys import vault
from qe_ban.keys.rings import KeyMissing, KeyRings

COLUMN = "requests_of_scans.content"
BATCH = 10_000

log = structlog.get_logger(__name__)


def consent_request(rings: KeyRings, resident: UUID, purpose: str, now: datetime) -> Request:
    """Return the request for a resident's consent, of the city's day."""
    return _request(rings, now, resident=str(resident), purpose=purpose, at=start_of_day(now).isoformat())


def level_request(rings: KeyRings, resident: UUID, number: int, answer: Answer) -> Request:
    """Return the request to tell a resident what a source says of the level."""
    return _request(
        rings,
        answer.asked_at,
        resident=str(resident),
        number=number,
        state=answer.state.value,
        reason=answer.reason,
        detail=dict(answer.detail),
        as_of=answer.as_of.isoformat(),
        at=answer.asked_at.isoformat(),
    )


def _request(rings: KeyRings, now: datetime, **content: Any) -> Request:
    row = uuid4()
    return Request(row, vault.seal(rings, COLUMN, row, json.dumps(content, ensure_ascii=False), now))


def turn_over_requests(session: Session, rings: KeyRings) -> int:
    """Turn over to residents what scans asked since the last time, in one transaction; return how many requests.

    In the order of random ids, by which nothing is learned of the scans' order. What is asked of a resident who is
    locked at this moment waits for the next time; who closed the account is asked nothing.
    """
    rows = session.execute(
        select(RequestOfScan.id, RequestOfScan.content_sealed)
        .order_by(RequestOfScan.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    ).all()
    if not rows:
        return 0
    contents = {row: _open(rings, row, ciphertext) for row, ciphertext in rows}
    rows_to_delete, requests = _due(session, contents)
    secrets.SystemRandom().shuffle(requests)
    accounts.request_consents(
        session,
        [
            (UUID(content["resident"]), content["purpose"], datetime.fromisoformat(content["at"]))
            for content in requests
            if "purpose" in content
        ],
    )
    _record_levels(session, [content for content in requests if "number" in content])
    session.execute(delete(RequestOfScan).where(RequestOfScan.id.in_(rows_to_delete)))
    return len(rows_to_delete)


def _due(session: Session, contents: Mapping[UUID, dict[str, Any] | None]) -> tuple[list[UUID], list[dict[str, Any]]]:
    """Return the rows that are done with now, and of these the requests of residents who have their account.

    Locks the residents. What does not open is done with, too.
    """
    readable = {row: content for row, content in contents.items() if content is not None}
    residents = {row: UUID(content["resident"]) for row, content in readable.items()}
    reachable = accounts.lock_reachable(session, set(residents.values()))
    rows = [row for row in contents if row not in residents or residents[row] in reachable]
    return rows, [readable[row] for row in rows if row in residents and reachable[residents[row]]]


def _open(rings: KeyRings, row: UUID, ciphertext: bytes) -> dict[str, Any] | None:
    """Open a request; one that does not open is lost, and the next scan asks again."""
    try:
        content: dict[str, Any] = json.loads(vault.unseal(rings, COLUMN, row, ciphertext))
    except (vault.SealBroken, KeyMissing):
        log.warning("codes.request_unreadable")
        return None
    return content


def _record_levels(session: Session, contents: Iterable[dict[str, Any]]) -> None:
    """Write what a source says of levels, of an entitlement the newest, with the day alone."""
    newest: dict[int, dict[str, Any]] = {}
    for content in contents:
        previous = newest.get(content["number"])
        if previous is None or previous["at"] < content["at"]:
            newest[content["number"]] = content
    for number, content in newest.items():
        values = {name: content[name] for name in ("state", "reason", "detail")}
        values |= {
            "as_of": start_of_day(datetime.fromisoformat(content["as_of"])),
            "asked_at": start_of_day(datetime.fromisoformat(content["at"])),
            **dict.fromkeys(("expires_at", "rule", "set_level", "set_until")),
        }
        row = insert(SourceAnswer).values(entitlement=number, **values)
        session.execute(row.on_conflict_do_update(index_elements=["entitlement"], set_=values))
