"""The outbox: messages leave after the caller's commit, at least once, and wait longer after each failure."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from qe_ban.db.engine import Database
from qe_ban.jobs import rules
from qe_ban.jobs.models import OutboxMessage
from qe_ban.kernel.errors import DomainError
from qe_ban.kernel.ids import new_id
from qe_ban.keys import vault
from qe_ban.keys.rings import KeyRings

COLUMN = "outbox.payload"

Handler = Callable[[dict[str, str]], None]
"""Delivers one message. Raises any DomainError to have it tried again; may be called twice for one message."""

_log = structlog.get_logger("qe_ban.jobs")


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A message that was not delivered and will not be tried again: a finding for people to look into."""

    id: UUID
    topic: str
    at: datetime
    reason: str


def enqueue(
    session: Session,
    rings: KeyRings,
    *,
    topic: str,
    payload: Mapping[str, str],
    now: datetime,
    useful_until: datetime | None = None,
) -> None:
    """Put a message into the outbox; it leaves when the caller's transaction has committed, and never if it has not.

    `useful_until`: past this it is dropped (a one-time password that is no longer one). The payload is kept encrypted.
    Raises KeyMissing.
    """
    message, at = new_id(), func.clock_timestamp()
    session.add(
        OutboxMessage(
            id=message,
            topic=topic,
            payload=vault.seal(rings, COLUMN, message, json.dumps(dict(payload)), now),
            created_at=now,
            due_at=at,
            useful_until=None if useful_until is None else at + (useful_until - now),
            attempts=0,
        )
    )


def given_up(session: Session, *, limit: int = 100) -> list[GivenUp]:
    """Return the messages that were given up, newest first."""
    rows = session.scalars(
        select(OutboxMessage)
        .where(OutboxMessage.given_up_at.is_not(None))
        .order_by(OutboxMessage.given_up_at.desc())
        .limit(limit)
    )
    return [GivenUp(row.id, row.topic, row.given_up_at, row.reason or "") for row in rows if row.given_up_at]


@dataclass(frozen=True, slots=True)
class _Claim:
    id: UUID
    topic: str
    payload: bytes
    attempts: int
    too_late: bool


class Outbox:
    """Delivers what the outbox holds; any number of them may work on one database.

    All moments are the database's: a worker whose clock is wrong gives up nothing that is still of use.
    """

    def __init__(self, database: Database, rings: KeyRings, handlers: Mapping[str, Handler]) -> None:
        """`handlers` by topic; messages of other topics are left to workers that have one."""
        self._database, self._rings, self._handlers = database, rings, dict(handlers)

    def deliver_one(self) -> bool:
        """Deliver one message that is due; False where none is. Raises DatabaseUnavailable."""
        claim = self._claim()
        if claim is not None:
            self._deliver(claim)
        return claim is not None

    def _claim(self) -> _Claim | None:
        """Take one due message: the try is counted and the lease stands before anything is sent."""
        now = func.clock_timestamp()
        due = (
            select(OutboxMessage, OutboxMessage.useful_until < now)
            .where(
                OutboxMessage.given_up_at.is_(None),
                OutboxMessage.due_at <= now,
                OutboxMessage.topic.in_(self._handlers),
            )
            .order_by(OutboxMessage.due_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        with self._database.transaction() as session:
            row = session.execute(due).first()
            if row is None:
                return None
            message, too_late = row
            if message.payload is None:
                return None
            attempts = message.attempts + 1
            lease_ends = now + max(rules.LEASE, rules.wait_after(attempts))
            statement = update(OutboxMessage).where(OutboxMessage.id == message.id)
            session.execute(statement.values(attempts=attempts, due_at=lease_ends))
            return _Claim(message.id, message.topic, message.payload, attempts, bool(too_late))

    def _deliver(self, claim: _Claim) -> None:
        if claim.too_late:
            self._give_up(claim, "too_late")
            return
        if claim.attempts > rules.ATTEMPTS:
            self._give_up(claim, "worker_died")
            return
        try:
            self._handlers[claim.topic](self._payload(claim))
        except vault.SealBroken:
            self._give_up(claim, "seal_broken")
        except DomainError as error:
            self._retry_later(claim, error.code)
        else:
            with self._database.transaction() as session:
                session.execute(delete(OutboxMessage).where(OutboxMessage.id == claim.id))

    def _payload(self, claim: _Claim) -> dict[str, str]:
        payload: dict[str, str] = json.loads(vault.unseal(self._rings, COLUMN, claim.id, claim.payload))
        return payload

    def _retry_later(self, claim: _Claim, code: str) -> None:
        if claim.attempts >= rules.ATTEMPTS:
            self._give_up(claim, code)
            return
        _log.warning("outbox.failed", message=str(claim.id), topic=claim.topic, attempts=claim.attempts, code=code)
        due_at = func.clock_timestamp() + rules.wait_after(claim.attempts)
        with self._database.transaction() as session:
            session.execute(update(OutboxMessage).where(OutboxMessage.id == claim.id).values(due_at=due_at))

    def _give_up(self, claim: _Claim, reason: str) -> None:
        _log.error("outbox.given_up", message=str(claim.id), topic=claim.topic, attempts=claim.attempts, code=reason)
        values = {"given_up_at": func.clock_timestamp(), "reason": reason, "payload": None}
        with self._database.transaction() as session:
            session.execute(update(OutboxMessage).where(OutboxMessage.id == claim.id).values(values))
