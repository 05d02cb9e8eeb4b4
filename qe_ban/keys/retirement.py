"""How keys go: none before nothing needs it any more, and then its secret is gone for good."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from qe_ban.kernel.clock import rfc3339
from qe_ban.kernel.errors import Conflict
from qe_ban.keys import rewrapping
from qe_ban.keys.lifecycle import SETTLING_TIME, KeyIsLast, KeyNotFound
from qe_ban.keys.models import SIGNING, Key, Ring

DERIVED_LIFE = timedelta(hours=24)
"""The longest life of what is derived under a secret: an enrolment code's."""
LATE = timedelta(hours=1)
LONG = "10min"


class KeyNeeded(Conflict):
    """Something that is still good lies under this key."""

    code = "key_needed"
    detail = "还有数据依赖这个密钥"


def lengthen(session: Session) -> None:
    """Let the statements of this transaction take long: some look at whole tables, and lock nothing."""
    session.execute(text(f"SET LOCAL statement_timeout = '{LONG}'"))


def find(session: Session, kid: str) -> Key:
    """Return a key that was not retired, locked with all making of keys. Raises KeyNotFound."""
    rewrapping.lock(session)
    key = session.get(Key, kid, populate_existing=True)
    if key is None or key.wrapped is None:
        raise KeyNotFound
    return key


def destroy(key: Key, now: datetime) -> None:
    """Destroy a key's secret. What is public of it stays, so that what it signed is still verified."""
    key.wrapped, key.slot, key.changed_at = None, None, now
    if key.public is None:
        # nothing is left to be known again
        key.expires, key.seal = max(now, key.not_before), None


def retire_signing(session: Session, key: Key, now: datetime) -> None:
    """Destroy a signing key's private half, while what it signed stays good. Raises KeyIsLast, KeyNotFound.

    Another key must have begun to sign: a ring without one signs nothing.
    """
    if Ring(key.ring) not in SIGNING:
        raise KeyNotFound
    if not _active(_others(session, key), now):
        raise KeyIsLast
    destroy(key, now)


def require_other_slot(session: Session, key: Key, now: datetime) -> None:
    """Raise KeyIsLast or KeyNeeded unless every process writes a second key of the blind index by now."""
    others = [other for other in _others(session, key) if other.slot is not None]
    if key.slot is None or not others:
        raise KeyIsLast("这个索引只有这一个密钥，请先轮换（rotate）并补写（backfill）")
    require_past(max(other.not_before for other in others) + SETTLING_TIME, now)


def retire_derived(session: Session, key: Key, now: datetime) -> None:
    """Delete a secret of the ring `derive` when nothing derived under it is good any more.

    Raises KeyIsLast, KeyNeeded.
    """
    require_past(superseded_at(session, key) + DERIVED_LIFE, now)
    session.delete(key)


def superseded_at(session: Session, key: Key) -> datetime:
    """Return the moment from which on nothing was made with a secret: a newer one had begun for a minute.

    Raises KeyIsLast where there is none.
    """
    newer = [other.not_before for other in _others(session, key) if other.not_before > key.not_before]
    if not newer:
        raise KeyIsLast
    return min(newer) + SETTLING_TIME


def retire_columns(session: Session, used: Collection[str], now: datetime, only: str | None = None) -> list[str]:
    """Delete the data keys of past days that are not among the used ones, or `only` this one; return their kids.

    A key of a past day seals nothing new, so what is unused stays so.
    """
    over = delete(Key).where(Key.ring == Ring.COLUMN, Key.expires < now - LATE, Key.kid.not_in(list(used)))
    if only is not None:
        over = over.where(Key.kid == only)
    return sorted(session.scalars(over.returning(Key.kid)).all())


def _others(session: Session, key: Key) -> Sequence[Key]:
    query = select(Key).where(
        Key.ring == key.ring, Key.kid != key.kid, Key.denied_at.is_(None), Key.wrapped.is_not(None)
    )
    return session.scalars(query).all()


def _active(keys: Sequence[Key], now: datetime) -> list[Key]:
    return [key for key in keys if key.not_before <= now < key.expires]


def require_past(moment: datetime, now: datetime) -> None:
    """Raise KeyNeeded, which names the moment in UTC as all of `qe-ban keys` does, unless it is over."""
    if now < moment:
        raise KeyNeeded(f"须等到 {rfc3339(moment)}（世界时）之后才能退役这个密钥")
