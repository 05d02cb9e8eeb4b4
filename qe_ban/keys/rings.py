"""The keys as a process sees them: a snapshot polled from the database, unwrapped in memory only."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from qe_ban.db.engine import Database
from qe_ban.db.polled import Polled
from qe_ban.kernel.errors import Unavailable
from qe_ban.keys import wrapping
from qe_ban.keys.models import SIGNING, Key, Ring


class KeyMissing(Unavailable):
    """A key that is needed was not made in time: the worker is not running, or `keys init` was forgotten."""

    code = "key_missing"
    detail = "系统密钥未就绪，请稍后重试"


Fingerprint: TypeAlias = tuple[int, int, datetime | None]
"""Number of keys, of denied ones, and the newest change: it differs whenever any key does."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that signs between two moments. `kid` is 4 bytes."""

    kid: bytes
    not_before: datetime
    expires: datetime
    private: ec.EllipticCurvePrivateKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that verifies; `not_before` and `expires` in seconds, inclusive."""

    kid: bytes
    ring: Ring
    public: ec.EllipticCurvePublicKey
    jwk: Mapping[str, Any]
    not_before: int
    expires: int
    denied: bool


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """All live keys at one moment. Compared by identity: a new snapshot means that something changed."""

    fingerprint: Fingerprint
    public: Mapping[bytes, PublicKey]
    signing: Mapping[Ring, tuple[SigningKey, ...]] = field(repr=False)
    secrets: Mapping[Ring, tuple[tuple[str, bytes], ...]] = field(repr=False)
    daily: Mapping[tuple[Ring, date], tuple[str, bytes]] = field(repr=False)
    columns: Mapping[str, bytes] = field(repr=False)
    unwrapped: Mapping[str, bytes] = field(repr=False)


class KeyRings:
    """Every ring of this process. A web process never unwraps the printing key."""

    def __init__(self, database: Database, master: bytes, *, printing: bool = False) -> None:
        """`printing`: this process may sign printed codes (never a web worker)."""
        self._master = master
        self._hidden = frozenset({Ring.ROOT} if printing else {Ring.ROOT, Ring.CODE_PRINTED})
        self._polled = Polled(database, self._load)

    def snapshot(self) -> Snapshot:
        """Give the keys, at most about two seconds old."""
        return self._polled.get()

    def refresh(self) -> None:
        """Read the keys now, after this process changed them."""
        self._polled.refresh()

    def signing(self, ring: Ring, now: datetime) -> SigningKey:
        """Give the newest key of a ring that is valid now and not denied. Raises KeyMissing."""
        for key in self.snapshot().signing.get(ring, ()):
            if key.not_before <= now <= key.expires:
                return key
        raise KeyMissing

    def public(self, ring: Ring) -> list[PublicKey]:
        """Give the public keys of a ring, denied ones included."""
        return [key for key in self.snapshot().public.values() if key.ring is ring]

    def daily(self, ring: Ring, day: date) -> tuple[str, bytes] | None:
        """Give kid and secret of a ring's key for a UTC day, or None where there is none (any more)."""
        return self.snapshot().daily.get((ring, day))

    def column_key(self, kid: str) -> bytes:
        """Give the data key that encrypted a column. Raises KeyMissing."""
        key = self.snapshot().columns.get(kid)
        if key is None:
            raise KeyMissing
        return key

    def column_key_of_day(self, now: datetime) -> tuple[str, bytes]:
        """Give kid and data key for what is encrypted today (UTC). Raises KeyMissing."""
        key = self.daily(Ring.COLUMN, now.astimezone(UTC).date())
        if key is None:
            raise KeyMissing
        return key

    def blind(self, ring: Ring, value: str) -> tuple[bytes, bytes | None]:
        """Give the blind index of a value under the current key and, while two are live, under the next.

        HMAC-SHA-256, 32 bytes. The oldest live key is the current one.
        """
        held = self._held(ring)
        current = _mac(held[-1][1], value.encode())
        return current, _mac(held[-2][1], value.encode()) if len(held) > 1 else None

    def mac(self, ring: Ring, purpose: str, message: bytes) -> bytes:
        """Give HMAC-SHA-256 (RFC 2104) of a message under the ring's newest secret, separated by purpose."""
        return _mac(self._held(ring)[0][1], purpose.encode() + b"\0" + message)

    def _held(self, ring: Ring) -> tuple[tuple[str, bytes], ...]:
        held = self.snapshot().secrets.get(ring)
        if not held:
            raise KeyMissing
        return held

    def _load(self, session: Session, before: Snapshot | None) -> Snapshot:
        counted = select(func.count(), func.count(Key.denied_at), func.max(Key.changed_at)).select_from(Key)
        count, denied, changed = session.execute(counted).one()
        fingerprint = (count, denied, changed)
        if before is not None and before.fingerprint == fingerprint:
            return before
        rows = session.scalars(select(Key).order_by(Key.not_before.desc(), Key.made_at.desc())).all()
        return self._snapshot(fingerprint, rows, before.unwrapped if before else {})

    def _snapshot(self, fingerprint: Fingerprint, rows: Sequence[Key], known: Mapping[str, bytes]) -> Snapshot:
        public: dict[bytes, PublicKey] = {}
        signing: dict[Ring, list[SigningKey]] = {}
        secrets: dict[Ring, list[tuple[str, bytes]]] = {}
        daily: dict[tuple[Ring, date], tuple[str, bytes]] = {}
        columns: dict[str, bytes] = {}
        unwrapped: dict[str, bytes] = {}
        for row in rows:
            ring = Ring(row.ring)
            if row.public is not None:
                public[bytes.fromhex(row.kid)] = _public(row, ring)
            if row.wrapped is None or ring in self._hidden or row.denied_at is not None:
                continue
            # what an earlier snapshot opened is taken on, what is gone from the table is forgotten with it
            secret = known.get(row.kid) or wrapping.unwrap(self._master, row.kid, row.ring, row.wrapped)
            unwrapped[row.kid] = secret
            if ring in SIGNING:
                private = wrapping.private_key(secret)
                key = SigningKey(bytes.fromhex(row.kid), row.not_before, row.expires, private)
                signing.setdefault(ring, []).append(key)
            elif row.day is not None:
                daily[ring, row.day] = (row.kid, secret)
                if ring is Ring.COLUMN:
                    columns[row.kid] = secret
            else:
                secrets.setdefault(ring, []).append((row.kid, secret))
        return Snapshot(
            fingerprint,
            public,
            {ring: tuple(held) for ring, held in signing.items()},
            {ring: tuple(held) for ring, held in secrets.items()},
            daily,
            columns,
            unwrapped,
        )


def _public(row: Key, ring: Ring) -> PublicKey:
    jwk = row.public or {}
    return PublicKey(
        kid=bytes.fromhex(row.kid),
        ring=ring,
        public=wrapping.public_key(jwk),
        jwk=jwk,
        not_before=int(row.not_before.timestamp()),
        expires=int(row.expires.timestamp()),
        denied=row.denied_at is not None,
    )


def _mac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")
