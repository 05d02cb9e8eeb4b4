"""Writes that a client may repeat: the first answer to an Idempotency-Key is kept a day and given again.

Of the body a keyed hash is kept: a short one could be found out by trying from a hash that anybody can make.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from flask import Response, request
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from qe_ban.db import overlaps
from qe_ban.db.base import Base
from qe_ban.db.retention import Ending, delete_rows
from qe_ban.kernel.errors import Conflict, Invalid
from qe_ban.kernel.principal import Actor, Principal
from qe_ban.keys.models import Ring
from qe_ban.keys.rings import KeyRings
from qe_ban.web import wire
from qe_ban.web.parts import now, part

LIFETIME = timedelta(hours=24)
"""As long as a key of the ring DERIVE is held after the next one: each answer that is kept is found by its body."""
_KEY = re.compile(r"[!-~]{1,128}", re.ASCII)

StatusAndData = tuple[int, Mapping[str, Any]]


class IdempotencyKey(Base):
    """The stored answer to one principal's key on one route."""

    __tablename__ = "idempotency_keys"

    principal: Mapped[str] = mapped_column(primary_key=True)
    route: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    body_hash: Mapped[bytes]
    status: Mapped[int]
    answer: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(index=True)


class IdempotencyInFlight(Conflict):
    """The first request with this key is still being worked on."""

    code = "idempotency_in_flight"
    detail = "相同的请求正在处理，请稍后再试"


class IdempotencyReused(Invalid):
    """The key was used for another body."""

    code = "idempotency_reused"
    detail = "此 Idempotency-Key 已用于另一请求"


class IdempotencyKeyInvalid(Invalid):
    """The key is too long or has characters that no key has."""

    code = "idempotency_key_invalid"
    detail = "Idempotency-Key 须为 1 至 128 个可见 ASCII 字符"


def once(
    session: Session,
    principal: Principal | None,
    route: str,
    body: Mapping[str, Any] | bytes,
    produce: Callable[[], StatusAndData],
) -> Response:
    """Answer what `produce` gives (status and JSON data), or what it gave to the same Idempotency-Key before.

    Call it inside the transaction that writes: the answer is committed with the write, so both are there or neither.
    A refusal raises, rolls back and is not kept. Never for answers with codes or tokens: they would lie in the table.
    Without the header, `produce` is simply called. Raises IdempotencyInFlight, IdempotencyReused,
    IdempotencyKeyInvalid, KeyMissing.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        status, data = produce()
        return _answer(status, wire.dumps(data))
    if not _KEY.fullmatch(key):
        raise IdempotencyKeyInvalid
    name = {"principal": _principal_key(principal) if principal else "", "route": route, "key": key}
    _claim(session, name)
    moment, hashes = now(), _hashes(name, body)
    record = session.get(IdempotencyKey, name)
    if record is not None and record.created_at > moment - LIFETIME:
        if record.body_hash not in hashes:
            raise IdempotencyReused
        return _answer(record.status, record.answer, is_replay=True)
    if record is not None:
        session.delete(record)
        session.flush()
    status, data = produce()
    answer = wire.dumps(data)
    if status < 500:
        # programs of the previous release know the hash without a key alone
        body_hash = hashes[0] if overlaps.is_over(session, moment) else hashes[-1]
        session.add(IdempotencyKey(**name, body_hash=body_hash, status=status, answer=answer, created_at=moment))
    return _answer(status, answer)


ENDINGS: Final = (
    Ending(IdempotencyKey, LIFETIME, delete_rows(IdempotencyKey, lambda before: IdempotencyKey.created_at <= before)),
)


def count_answers(session: Session, principal: Actor) -> int:
    """Count the answers that are kept for a principal."""
    return session.scalar(select(func.count()).where(IdempotencyKey.principal == _principal_key(principal))) or 0


def forget(session: Session, principal: Actor) -> None:
    """Forget the answers that are kept for a principal who is no more."""
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.principal == _principal_key(principal)))


def _principal_key(principal: Principal | Actor) -> str:
    return f"{principal.kind}:{principal.id}"


def _claim(session: Session, name: dict[str, str]) -> None:
    """Hold the key until the transaction ends; whoever comes meanwhile is told so, rather than made to wait."""
    digest = hashlib.sha256("\0".join(("idempotency", *name.values())).encode()).digest()
    number = int.from_bytes(digest[:8], signed=True)
    if not session.execute(select(func.pg_try_advisory_xact_lock(number))).scalar_one():
        raise IdempotencyInFlight


def _hashes(name: Mapping[str, str], body: Mapping[str, Any] | bytes) -> list[bytes]:
    """Return what a body may be kept by: under each key in use, the newest first; last as release 0.3.0 keeps it.

    With the row's name: two rows never show that they are of one body.
    """
    content = body if isinstance(body, bytes) else json.dumps(body, sort_keys=True, default=str).encode()
    plain = hashlib.sha256(content).digest()
    message = "\0".join(name.values()).encode() + b"\0" + plain
    return [*part(KeyRings).macs(Ring.DERIVE, "idempotency", message), plain]


def _answer(status: int, data: bytes, *, is_replay: bool = False) -> Response:
    headers = {"Idempotency-Replayed": "true"} if is_replay else None
    return Response(data, status, headers, content_type=wire.JSON)
