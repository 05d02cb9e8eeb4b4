"""Remembers which access tokens were checked: a cache of this process, asked for every request."""

import hashlib
import threading
from dataclasses import dataclass
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec

from qe_ban.accounts import token as jwts
from qe_ban.kernel.principal import Principal
from qe_ban.keys.models import Ring
from qe_ban.keys.rings import Snapshot

MOST = 10_000


@dataclass(frozen=True, slots=True)
class Checked:
    """A token whose signature was found good under the keys of one snapshot; `expires_at` in seconds.

    `subjects` are the ids whose revocation ends it.
    """

    snapshot: Snapshot
    principal: Principal
    expires_at: float
    subjects: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A key of ours that verifies access tokens until `expires` (seconds, inclusive)."""

    public: ec.EllipticCurvePublicKey
    expires: int


class CheckedTokens:
    """Tokens by their SHA-256, so that the memory holds none that could be used; the oldest go first."""

    def __init__(self) -> None:
        self._held: dict[bytes, Checked] = {}
        self._keys: tuple[Snapshot | None, dict[str, TokenKey]] = (None, {})
        self._lock = threading.Lock()

    @staticmethod
    def digest(token: str) -> bytes:
        """Give what a token is remembered under."""
        return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()

    def get(self, digest: bytes) -> Checked | None:
        """Give what was found, if it was."""
        return self._held.get(digest)

    def put(self, digest: bytes, checked: Checked) -> None:
        """Remember a good token."""
        with self._lock:
            while len(self._held) >= MOST:
                del self._held[next(iter(self._held))]
            self._held[digest] = checked

    def keys(self, snapshot: Snapshot) -> dict[str, TokenKey]:
        """Give our token keys that are not denied, by the only header that a token of theirs may have."""
        known, keys = self._keys
        if known is not snapshot:
            keys = {
                jwts.expected_header(key.kid): TokenKey(key.public, key.expires)
                for key in snapshot.public.values()
                if key.ring is Ring.TOKEN and not key.is_denied
            }
            self._keys = (snapshot, keys)
        return keys
