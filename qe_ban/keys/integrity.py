"""Tells the keys that we made from rows that whoever owns the database put there: each row has a MAC, its seal.

A wrapped secret proves itself by its tag. A public half proves nothing, and what verifies by it is anybody's who can
write the table; nor do the days and moments of any key. So all of that lies under a MAC by the master key. What a
deny changes does not: it must be possible at a row that is otherwise left alone, and only ever refuses more. To take a
deny back takes the database alone; the audit has it.
"""

import hmac
import json
from collections.abc import Sequence
from datetime import UTC, datetime

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from qe_ban.keys import wrapping
from qe_ban.keys.models import SIGNING, Key

_LABEL = b"qe-ban ring_keys row seal v1"


class Judge:
    """Seals rows under a master key, and tells genuine ones: those sealed under it or under the next."""

    def __init__(self, master: bytes, following: bytes | None = None) -> None:
        """`following`: the next master key, while it is being changed."""
        self._masters = [key for key in (master, following) if key is not None]
        self._keys = [_derive_key(key) for key in self._masters]

    def seal(self, row: Key) -> None:
        """Set the seal of a row that we made or have judged, whose other columns are complete."""
        row.seal = hmac.digest(self._keys[0], _canonical_bytes(row), "sha256")

    def has_valid_seal(self, row: Key) -> bool:
        """Return whether the row is as it was sealed."""
        if row.seal is None:
            return False
        message = _canonical_bytes(row)
        return any(hmac.compare_digest(hmac.digest(key, message, "sha256"), row.seal) for key in self._keys)

    def proves_itself(self, row: Key) -> bool:
        """Return whether a row without a seal, of a program before seals, is from one that had the master key.

        Its secret opens, and a public half belongs to it. Of a row that has a seal that says nothing.
        """
        if row.seal is not None or row.wrapped is None:
            return False
        for master in self._masters:
            try:
                secret = wrapping.unwrap(master, row.kid, row.ring, row.wrapped)
            except wrapping.MasterKeyWrong:
                continue
            return belongs(row, secret)
        return False

    def is_genuine(self, row: Key) -> bool:
        """Return whether a process that had the master key made the row as it stands."""
        return self.has_valid_seal(row) or self.proves_itself(row)


def belongs(row: Key, secret: bytes) -> bool:
    """Return whether a row's public half is that of the secret in it."""
    if row.ring not in SIGNING:
        return row.public is None
    return row.public == wrapping.public_jwk(wrapping.private_key(secret).public_key(), row.kid)


def _derive_key(master: bytes) -> bytes:
    """Return the key of the seals (RFC 5869)."""
    return HKDF(hashes.SHA256(), 32, salt=None, info=_LABEL).derive(master)


def _canonical_bytes(row: Key) -> bytes:
    """Spell what is sealed of a row as JSON, moments in UTC with every digit."""
    values: Sequence[object] = (
        row.kid,
        str(row.ring),
        row.public,
        _moment(row.not_before),
        _moment(row.expires),
        row.slot,
        row.day.isoformat() if row.day is not None else None,
    )
    return json.dumps(values, ensure_ascii=True, separators=(",", ":"), sort_keys=True).encode()


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
