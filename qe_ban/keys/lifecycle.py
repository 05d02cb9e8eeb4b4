"""How keys come, change and go: first making, rotation, denial, the daily keys made ahead and destroyed."""

import secrets
from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta

from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from qe_ban.kernel.errors import Conflict, NotFound
from qe_ban.keys import rewrapping, wrapping
from qe_ban.keys.integrity import Judge
from qe_ban.keys.models import BLIND, DAILY, SECRET, SIGNING, Key, Ring

SIGNING_LIFE = timedelta(days=365)
SECRET_LIFE = timedelta(days=365 * 50)
RENEWED_BEFORE = timedelta(days=30)
PUBLISHED_AHEAD = timedelta(seconds=10)
"""How long a new key is known before anything is made with it.

A process has polled within eight seconds or answers nothing, and clocks agree within one.
"""
SETTLING_TIME = timedelta(seconds=60)
"""After this nothing is under way any more that did not know of a change: no request's transaction lives so long."""
REMADE_BEFORE = timedelta(days=1)
"""What begins sooner stays: a machine whose clock is fast may have made something with it."""
DAYS_AHEAD = 10
"""Longer than the longest public holiday: so long everything but messages goes on where no worker runs."""
LATE_UPLOADS = timedelta(days=7)
PROFILE_LIFE = {
    Ring.SEAL_ISSUED: timedelta(seconds=300),
    Ring.SEAL_PASS: timedelta(hours=48),
    Ring.SEAL_PRINTED: timedelta(days=400),
}
CODES_OPEN_FOR = PROFILE_LIFE[Ring.SEAL_PRINTED] + LATE_UPLOADS + timedelta(days=1)
"""After this no code that was shown on a day opens any more, paper neither: the day's keys are destroyed."""


class KeysExist(Conflict):
    """The keys of this database were made before."""

    code = "keys_exist"
    detail = "密钥已经初始化"


class KeyNotFound(NotFound):
    """No key has this kid, or not in a state that allows it."""

    code = "key_not_found"
    detail = "没有这个密钥"


class KeyIsLast(Conflict):
    """A ring's only key that signs: without it nobody signs in, or no code is issued."""

    code = "key_is_last"
    detail = "这是该用途唯一可用的密钥，请先轮换（rotate），十秒后再退役或作废"


class NotRotated(Conflict):
    """The roots are renewed by people: scanners learn them when they are enrolled."""

    code = "key_not_rotated"
    detail = "根密钥不能在此轮换"


class RotationUnderWay(Conflict):
    """A blind index has two slots, and both are taken."""

    code = "rotation_under_way"
    detail = "上一次轮换尚未完成，请先 backfill，再 retire 旧密钥"


def init(session: Session, master: bytes, now: datetime) -> list[ec.EllipticCurvePrivateKey]:
    """Make every ring's first key; return the two root keys, whose private halves are kept nowhere else.

    Raises KeysExist when there are keys already: nothing is ever overwritten.
    """
    # of two concurrent ones the second waits, and then finds the first one's keys
    rewrapping.lock(session)
    if session.scalar(select(Key.kid).limit(1)) is not None:
        raise KeysExist
    roots = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    for root in roots:
        _add_signing(session, master, Ring.ROOT, root, now, now)
    for ring in SIGNING - {Ring.ROOT}:
        _add_signing(session, master, ring, ec.generate_private_key(ec.SECP256R1()), now, now)
    for ring in SECRET:
        _add_secret(session, master, ring, now, now, slot=0 if ring in BLIND else None)
    make_ahead(session, master, now)
    return roots


def rotate(session: Session, master: bytes, ring: Ring, now: datetime, *, used: Collection[str] = ()) -> str:
    """Add a key to a ring; return its kid. In ten seconds it is used, while those before it are still accepted.

    Of a ring with a key for each day, the days that begin in a day or more get new ones, but those `used` already; the
    kid is the first one's. `now` is the database's: what it says is ahead is deleted. Of a blind index (use
    `accounts.reindexing.rotate`) the new key takes the free slot. `master` is `rewrapping.master_for_new`'s.
    Raises NotRotated for roots, RotationUnderWay.
    """
    if ring is Ring.ROOT:
        raise NotRotated
    rewrapping.lock(session)
    if ring in DAILY:
        return _remake_days(session, master, ring, now, used)
    begins = now + PUBLISHED_AHEAD
    if ring in SECRET:
        slot = free_slot(session, ring, now) if ring in BLIND else None
        return _add_secret(session, master, ring, now, begins, slot=slot)
    return _add_signing(session, master, ring, ec.generate_private_key(ec.SECP256R1()), now, begins)


def free_slot(session: Session, ring: Ring, now: datetime) -> int:
    """Return the slot of a blind index that has no key. Raises RotationUnderWay.

    Also for a minute after a key was retired: some process may still write its index.
    """
    rewrapping.lock(session)
    keys = session.scalars(select(Key).where(Key.ring == ring)).all()
    slots = {key.slot for key in keys if key.slot is not None}
    if len(slots) == 2:
        raise RotationUnderWay
    if any(key.slot is None and key.changed_at + SETTLING_TIME > now for key in keys):
        raise RotationUnderWay("旧密钥刚刚退役，请一分钟后再轮换")
    return min({0, 1} - slots)


def _remake_days(session: Session, master: bytes, ring: Ring, now: datetime, used: Collection[str]) -> str:
    """Make the keys of the days to come anew."""
    ahead_of_us = (Key.ring == ring) & (Key.not_before > now + REMADE_BEFORE)
    session.execute(delete(Key).where(ahead_of_us, Key.kid.not_in(list(used))))
    session.flush()
    make_ahead(session, master, now)
    return session.scalars(select(Key.kid).where(ahead_of_us).order_by(Key.day)).first() or ""


def deny(session: Session, kid: str, now: datetime) -> None:
    """Refuse everything that a signing key has signed, everywhere within ten seconds.

    Raises KeyNotFound, and KeyIsLast where nothing would be left to sign with: rotate first.
    """
    key = require_deniable(session, kid, now)
    key.denied_at = key.changed_at = now


def require_deniable(session: Session, kid: str, now: datetime) -> Key:
    """Return a signing key that may be denied, and lock all making of keys. Raises KeyNotFound, KeyIsLast."""
    rewrapping.lock(session)
    key = session.get(Key, kid, populate_existing=True)
    if key is None or Ring(key.ring) not in SIGNING - {Ring.ROOT} or key.denied_at is not None:
        raise KeyNotFound
    if not _others_sign(session, key, now):
        raise KeyIsLast
    return key


def _others_sign(session: Session, key: Key, now: datetime) -> bool:
    live = select(Key.kid).where(
        Key.ring == key.ring,
        Key.kid != key.kid,
        Key.denied_at.is_(None),
        Key.wrapped.is_not(None),
        Key.not_before <= now,
        Key.expires > now,
    )
    return session.scalar(live.limit(1)) is not None


def make_ahead(session: Session, master: bytes, now: datetime) -> int:
    """Make the daily keys of today and the next `DAYS_AHEAD` UTC days that are not there yet; return how many.

    Any number of workers may do it concurrently: the first row of a ring and day stands.
    """
    today, count, judge = now.astimezone(UTC).date(), 0, Judge(master)
    for ring in sorted(DAILY):
        for day in (today + timedelta(days=ahead) for ahead in range(DAYS_AHEAD + 1)):
            kid, begins = _kid(), _midnight(day)
            ciphertext = wrapping.wrap(master, kid, ring, secrets.token_bytes(32))
            key = _row(kid, ring, begins, begins + timedelta(days=1), ciphertext, made_at=now)
            key.day = day
            judge.seal(key)
            row = {name: value for name, value in vars(key).items() if name in Key.__table__.columns}
            result = session.execute(
                insert(Key).values(row).on_conflict_do_nothing(index_elements=["ring", "day"]).returning(Key.kid)
            )
            count += len(result.all())
    return count


def renew_signing(session: Session, master: bytes, now: datetime) -> list[str]:
    """Rotate the signing rings whose newest key ends within thirty days, so that none runs out; return the new kids.

    Not the roots: they are renewed by people. A denied key is none.
    """
    lasting = select(Key.ring).where(
        Key.expires > now + RENEWED_BEFORE, Key.denied_at.is_(None), Key.wrapped.is_not(None)
    )
    lasting_rings = set(session.scalars(lasting))
    return [rotate(session, master, ring, now) for ring in sorted(SIGNING - {Ring.ROOT}) if ring not in lasting_rings]


def destroy_old(session: Session, now: datetime) -> int:
    """Destroy the sealing keys whose codes are past their profile's life and the seven days of late uploads.

    Also the rows of retired blind keys, whose secrets went when they were retired.
    """
    delete_retired = delete(Key).where(
        Key.ring.in_(BLIND), Key.slot.is_(None), Key.changed_at < now - 2 * SETTLING_TIME
    )
    count = len(session.execute(delete_retired.returning(Key.kid)).all())
    for ring, life in PROFILE_LIFE.items():
        delete_old = delete(Key).where(Key.ring == ring, Key.expires < now - life - LATE_UPLOADS).returning(Key.kid)
        count += len(session.execute(delete_old).all())
    return count


def _add_secret(
    session: Session, master: bytes, ring: Ring, now: datetime, begins: datetime, *, slot: int | None
) -> str:
    kid, secret = _kid(), secrets.token_bytes(32)
    key = _row(kid, ring, begins, begins + SECRET_LIFE, wrapping.wrap(master, kid, ring, secret), made_at=now)
    key.slot = slot
    Judge(master).seal(key)
    session.add(key)
    session.flush()
    return kid


def _add_signing(
    session: Session,
    master: bytes,
    ring: Ring,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    not_before: datetime,
) -> str:
    kid = _kid()
    # a root's private half is kept nowhere here
    ciphertext = None if ring is Ring.ROOT else wrapping.wrap(master, kid, ring, wrapping.private_bytes(key))
    row = _row(kid, ring, not_before, not_before + SIGNING_LIFE, ciphertext, made_at=now)
    row.public = wrapping.public_jwk(key.public_key(), kid)
    Judge(master).seal(row)
    session.add(row)
    return kid


def _row(
    kid: str, ring: Ring, not_before: datetime, expires: datetime, ciphertext: bytes | None, *, made_at: datetime
) -> Key:
    return Key(
        kid=kid,
        ring=ring,
        not_before=not_before,
        expires=expires,
        wrapped=ciphertext,
        made_at=made_at,
        changed_at=made_at,
    )


def _kid() -> str:
    return secrets.token_hex(4)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
