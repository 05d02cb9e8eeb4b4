"""The keys as a process sees them: a snapshot polled from the database, unwrapped in memory only."""

import hmac
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeAlias

import structlog
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from qe_ban.db.engine import Database
from qe_ban.db.overlaps import PREVIOUS, ReleaseOverlap
from qe_ban.db.polled_cache import PolledCache
from qe_ban.kernel.errors import Unavailable
from qe_ban.keys import integrity, rewrapping, wrapping
from qe_ban.keys.data_files import DataKeyFiles
from qe_ban.keys.models import SECRET, SIGNING, Key, Ring


class KeyMissing(Unavailable):
    """A key that is needed was not made in time: the worker is not running, or `keys init` was forgotten."""

    code = "key_missing"
    detail = "系统密钥未就绪，请稍后重试"


Fingerprint: TypeAlias = tuple[int, int, int, int, int, datetime | None, datetime | None]
"""Which keys there are, how many are denied, not begun, not retired, sealed, and the newest change: by whatever clock a
change was made, one of them differs. At last, until when the previous release may serve."""
_ALWAYS = datetime.fromtimestamp(0, UTC)
_log = structlog.get_logger("qe_ban.keys")


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
    is_denied: bool


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """All live keys at one moment. Compared by identity: a new snapshot means that something changed.

    `overlap_ends`: from when on no program of the previous release looks for hashes.
    """

    fingerprint: Fingerprint
    public: Mapping[bytes, PublicKey]
    signing: Mapping[Ring, tuple[SigningKey, ...]] = field(repr=False)
    secrets: Mapping[Ring, tuple[tuple[str, bytes], ...]] = field(repr=False)
    daily: Mapping[tuple[Ring, date], tuple[str, bytes]] = field(repr=False)
    columns: Mapping[str, bytes] = field(repr=False)
    slots: Mapping[tuple[Ring, int], bytes] = field(repr=False)
    secrets_by_kid: Mapping[str, bytes] = field(repr=False)
    overlap_ends: datetime = _ALWAYS


@dataclass(slots=True)
class _Secrets:
    """The secrets of a snapshot, by what they are looked up by, while it is put together."""

    signing: defaultdict[Ring, list[SigningKey]] = field(default_factory=lambda: defaultdict(list))
    by_ring: defaultdict[Ring, list[tuple[str, bytes]]] = field(default_factory=lambda: defaultdict(list))
    daily: dict[tuple[Ring, date], tuple[str, bytes]] = field(default_factory=dict)
    columns: dict[str, bytes] = field(default_factory=dict)
    slots: dict[tuple[Ring, int], bytes] = field(default_factory=dict)
    by_kid: dict[str, bytes] = field(default_factory=dict)

    def add(self, row: Key, ring: Ring, secret: bytes) -> None:
        self.by_kid[row.kid] = secret
        if ring in SIGNING:
            private = wrapping.private_key(secret)
            self.signing[ring].append(SigningKey(bytes.fromhex(row.kid), row.not_before, row.expires, private))
        elif row.day is not None:
            self.daily[ring, row.day] = (row.kid, secret)
            if ring is Ring.COLUMN:
                self.columns[row.kid] = secret
        elif row.slot is not None:
            self.slots[ring, row.slot] = secret
        else:
            self.by_ring[ring].append((row.kid, secret))


class KeyRings:
    """Every ring of this process. A web process never unwraps the keys of printed codes and of the audit's seals."""

    def __init__(
        self,
        database: Database,
        master: bytes,
        following: bytes | None = None,
        *,
        data_keys: Path | None = None,
        printing: bool = False,
        sealing: bool = False,
    ) -> None:
        """`following`: the next master key, while it is being changed. `data_keys`: the directory of data keys.

        `printing`: this process may sign printed codes, `sealing`: it may seal the audit; a web worker never.
        """
        self.data_keys = DataKeyFiles(data_keys)
        self._master, self._following = master, following
        allowances = {Ring.CODE_PRINTED: printing, Ring.AUDIT: sealing}
        self._hidden_rings = frozenset({Ring.ROOT, *(ring for ring, may in allowances.items() if not may)})
        self._judge = integrity.Judge(master, following)
        self._foreign: set[str] = set()
        self._cache = PolledCache(database, self._load)

    def snapshot(self) -> Snapshot:
        """Return the keys, at most about two seconds old."""
        return self._cache.get()

    def refresh(self) -> None:
        """Read the keys now, after this process changed them."""
        self._cache.refresh()

    def signing(self, ring: Ring, now: datetime) -> SigningKey:
        """Return the newest key of a ring that is valid now and not denied. Raises KeyMissing."""
        for key in self.snapshot().signing.get(ring, ()):
            if key.not_before <= now <= key.expires:
                return key
        raise KeyMissing

    def public(self, ring: Ring) -> list[PublicKey]:
        """Return the public keys of a ring, denied ones included."""
        return [key for key in self.snapshot().public.values() if key.ring is ring]

    def daily(self, ring: Ring, day: date) -> tuple[str, bytes] | None:
        """Return kid and secret of a ring's key for a UTC day, or None where there is none (any more)."""
        return self.snapshot().daily.get((ring, day))

    def column_key(self, kid: str) -> bytes:
        """Return the data key that encrypted a column. Raises KeyMissing."""
        key = self.snapshot().columns.get(kid)
        if key is None:
            raise KeyMissing
        return key

    def column_key_of_day(self, now: datetime) -> tuple[str, bytes]:
        """Return kid and data key for what is encrypted today (UTC). Raises KeyMissing."""
        key = self.daily(Ring.COLUMN, now.astimezone(UTC).date())
        if key is None:
            raise KeyMissing
        return key

    def blind(self, ring: Ring, value: str) -> tuple[bytes | None, bytes | None]:
        """Return the blind index of a value for each of the two slots; None where no live key has the slot.

        HMAC-SHA-256, 32 bytes. While a rotation lasts both are there, else one. Raises KeyMissing.
        """
        slots = self.snapshot().slots
        keys = [slots.get((ring, slot)) for slot in (0, 1)]
        if keys == [None, None]:
            raise KeyMissing
        first, second = (None if key is None else _mac(key, value.encode()) for key in keys)
        return first, second

    def mac(self, ring: Ring, purpose: str, message: bytes) -> bytes:
        """Return HMAC-SHA-256 (RFC 2104) of a message under the ring's newest secret, separated by purpose."""
        return _mac(self._secrets_of(ring)[0][1], purpose.encode() + b"\0" + message)

    def macs(self, ring: Ring, purpose: str, message: bytes) -> list[bytes]:
        """Return the same under every live secret of a ring: the first is `mac`'s, the others are looked for too.

        While a rotation lasts one process may write with the secret before and another with the new one. So look-ups
        ask for all of them, and what may happen only once is taken under all of them.
        """
        text = purpose.encode() + b"\0" + message
        return [_mac(secret, text) for _, secret in self._secrets_of(ring)]

    def _secrets_of(self, ring: Ring) -> tuple[tuple[str, bytes], ...]:
        secrets = self.snapshot().secrets.get(ring)
        if not secrets:
            raise KeyMissing
        return secrets

    def _load(self, session: Session, before: Snapshot | None) -> Snapshot:
        query = select(
            func.coalesce(func.sum(func.hashtext(Key.kid)), 0),
            func.count(Key.denied_at),
            func.count().filter(Key.not_before > func.now()),
            func.count(Key.wrapped),
            func.count(Key.seal),
            func.max(Key.changed_at),
            select(ReleaseOverlap.ends_at).where(ReleaseOverlap.previous == PREVIOUS).scalar_subquery(),
        )
        kids, denials, not_begun, wrappings, seals, changed_at, overlap_ends = session.execute(query).one()
        fingerprint = (kids, denials, not_begun, wrappings, seals, changed_at, overlap_ends)
        if before is not None and before.fingerprint == fingerprint:
            return before
        # secrets that have not begun come last: they are looked for already, but nothing is written with them yet
        ahead = Key.ring.in_(SECRET) & (Key.not_before > func.now())
        rows = session.scalars(select(Key).order_by(ahead, Key.not_before.desc(), Key.made_at.desc())).all()
        return self._snapshot(fingerprint, rows, before.secrets_by_kid if before else {})

    def _snapshot(self, fingerprint: Fingerprint, rows: Sequence[Key], earlier: Mapping[str, bytes]) -> Snapshot:
        public: dict[bytes, PublicKey] = {}
        secrets = _Secrets()
        for row in rows:
            ring = Ring(row.ring)
            secret = self._secret(row, ring, earlier)
            if (row.public is None and secret is None) or self._is_foreign(row, secret):
                continue
            if row.public is not None:
                public[bytes.fromhex(row.kid)] = _public(row, ring)
            if secret is not None:
                secrets.add(row, ring, secret)
        return Snapshot(
            fingerprint,
            public,
            {ring: tuple(keys) for ring, keys in secrets.signing.items()},
            {ring: tuple(keys) for ring, keys in secrets.by_ring.items()},
            secrets.daily,
            secrets.columns,
            secrets.slots,
            secrets.by_kid,
            fingerprint[-1] or _ALWAYS,
        )

    def _secret(self, row: Key, ring: Ring, earlier: Mapping[str, bytes]) -> bytes | None:
        """Open a row's secret where this process may and needs to. Raises MasterKeyWrong."""
        if row.wrapped is None or ring in self._hidden_rings or row.denied_at is not None:
            return None
        # what an earlier snapshot opened is taken on, what is gone from the table is forgotten with it
        known_secret = earlier.get(row.kid)
        if known_secret is not None:
            return known_secret
        return rewrapping.unwrap(self._master, self._following, row.kid, row.ring, row.wrapped)

    def _is_foreign(self, row: Key, secret: bytes | None) -> bool:
        """Return whether nobody of ours made the row, and log that once.

        One without a seal proves itself by the secret that was opened; where this process may not open it, it waits
        until the worker has adopted it. A denied one only ever refuses.
        """
        if row.denied_at is not None or self._judge.has_valid_seal(row):
            return False
        if row.seal is None and secret is not None and integrity.belongs(row, secret):
            return False
        waits = row.seal is None and row.wrapped is not None and row.ring in self._hidden_rings
        if not waits and row.kid not in self._foreign:
            self._foreign.add(row.kid)
            _log.error("keys.foreign", kid=row.kid, ring=row.ring)
        return True


def _public(row: Key, ring: Ring) -> PublicKey:
    jwk = row.public or {}
    return PublicKey(
        kid=bytes.fromhex(row.kid),
        ring=ring,
        public=wrapping.public_key(jwk),
        jwk=jwk,
        not_before=int(row.not_before.timestamp()),
        expires=int(row.expires.timestamp()),
        is_denied=row.denied_at is not None,
    )


def _mac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")
