"""How keys come, change and go: first making, rotation, denial, the daily keys made ahead and destroyed."""

import secrets
from datetime import UTC, date, datetime, time, timedelta

from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from qe_ban.kernel.errors import Conflict, NotFound
from qe_ban.keys import wrapping
from qe_ban.keys.models import DAILY, SECRET, SIGNING, Key, Ring

LOCK = 0x71656B79
SIGNING_LIFE = timedelta(days=365)
SECRET_LIFE = timedelta(days=365 * 50)
RENEWED_BEFORE = timedelta(days=30)
PUBLISHED_AHEAD = timedelta(seconds=3)
"""How long a new key is known before it signs: every process polls within two seconds, clocks agree within one."""
DAYS_AHEAD = 3
LATE_UPLOADS = timedelta(days=7)
PROFILE_LIFE = {
    Ring.SEAL_ISSUED: timedelta(seconds=300),
    Ring.SEAL_PASS: timedelta(hours=48),
    Ring.SEAL_PRINTED: timedelta(days=400),
}


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
    detail = "这是该用途唯一可用的密钥，请先轮换（rotate），三秒后再停用"


def init(session: Session, master: bytes, now: datetime) -> list[ec.EllipticCurvePrivateKey]:
    """Make every ring's first key; gives the two root keys, whose private halves are kept nowhere else.

    Raises KeysExist when there are keys already: nothing is ever overwritten.
    """
    # of two at once the second waits, and then finds the first one's keys
    session.execute(select(func.pg_advisory_xact_lock(LOCK)))
    if session.scalar(select(Key.kid).limit(1)) is not None:
        raise KeysExist
    roots = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    for root in roots:
        _add_signing(session, None, Ring.ROOT, root, now, now)
    for ring in SIGNING - {Ring.ROOT}:
        _add_signing(session, master, ring, ec.generate_private_key(ec.SECP256R1()), now, now)
    for ring in SECRET:
        kid, secret = _kid(), secrets.token_bytes(32)
        session.add(_row(kid, ring, now, now + SECRET_LIFE, wrapping.wrap(master, kid, ring, secret), made_at=now))
    make_ahead(session, master, now)
    return roots


def rotate(session: Session, master: bytes, ring: Ring, now: datetime) -> str:
    """Add a new signing key that signs in three seconds, while the ones before verify on; gives its kid."""
    key = ec.generate_private_key(ec.SECP256R1())
    return _add_signing(session, master, ring, key, now, now + PUBLISHED_AHEAD)


def deny(session: Session, kid: str, now: datetime) -> None:
    """Refuse everything that a signing key has signed, everywhere within ten seconds.

    Raises KeyNotFound, and KeyIsLast where nothing would be left to sign with: rotate first.
    """
    key = session.get(Key, kid)
    if key is not None and not _others_sign(session, key, now):
        raise KeyIsLast
    denied = session.execute(
        update(Key)
        .where(Key.kid == kid, Key.ring.in_(SIGNING - {Ring.ROOT}), Key.denied_at.is_(None))
        .values(denied_at=now, changed_at=now)
        .returning(Key.kid)
    )
    if denied.first() is None:
        raise KeyNotFound


def _others_sign(session: Session, key: Key, now: datetime) -> bool:
    live = select(Key.kid).where(
        Key.ring == key.ring, Key.kid != key.kid, Key.denied_at.is_(None), Key.not_before <= now, Key.expires > now
    )
    return session.scalar(live.limit(1)) is not None


def make_ahead(session: Session, master: bytes, now: datetime) -> int:
    """Make the daily keys of today and the next three UTC days that are not there yet; gives how many.

    Any number of workers may do it at once: the first row of a ring and day stands.
    """
    today, made = now.astimezone(UTC).date(), 0
    for ring in sorted(DAILY):
        for day in (today + timedelta(days=ahead) for ahead in range(DAYS_AHEAD + 1)):
            kid, secret = _kid(), secrets.token_bytes(32)
            row = {
                "kid": kid,
                "ring": ring,
                "day": day,
                "not_before": _midnight(day),
                "expires": _midnight(day) + timedelta(days=1),
                "wrapped": wrapping.wrap(master, kid, ring, secret),
                "made_at": now,
                "changed_at": now,
            }
            added = session.execute(
                insert(Key).values(row).on_conflict_do_nothing(index_elements=["ring", "day"]).returning(Key.kid)
            )
            made += len(added.all())
    return made


def renew_signing(session: Session, master: bytes, now: datetime) -> list[str]:
    """Rotate the signing rings whose newest key ends within thirty days, so that none runs out; gives the new kids.

    Not the roots: they are renewed by people. A denied key is none.
    """
    lasting = select(Key.ring).where(Key.expires > now + RENEWED_BEFORE, Key.denied_at.is_(None))
    held = set(session.scalars(lasting))
    return [rotate(session, master, ring, now) for ring in sorted(SIGNING - {Ring.ROOT}) if ring not in held]


def destroy_old(session: Session, now: datetime) -> int:
    """Destroy the sealing keys whose codes are past their profile's life and the seven days of late uploads."""
    destroyed = 0
    for ring, life in PROFILE_LIFE.items():
        gone = delete(Key).where(Key.ring == ring, Key.expires < now - life - LATE_UPLOADS).returning(Key.kid)
        destroyed += len(session.execute(gone).all())
    return destroyed


def _add_signing(
    session: Session,
    master: bytes | None,
    ring: Ring,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    not_before: datetime,
) -> str:
    kid = _kid()
    wrapped = wrapping.wrap(master, kid, ring, wrapping.private_bytes(key)) if master is not None else None
    row = _row(kid, ring, not_before, not_before + SIGNING_LIFE, wrapped, made_at=now)
    row.public = wrapping.public_jwk(key.public_key(), kid)
    session.add(row)
    return kid


def _row(
    kid: str, ring: Ring, not_before: datetime, expires: datetime, wrapped: bytes | None, *, made_at: datetime
) -> Key:
    return Key(
        kid=kid,
        ring=ring,
        not_before=not_before,
        expires=expires,
        wrapped=wrapped,
        made_at=made_at,
        changed_at=made_at,
    )


def _kid() -> str:
    return secrets.token_hex(4)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
