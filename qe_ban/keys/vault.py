"""Column encryption: AES-256-GCM, a data key per day, bound to the column and the row."""

import secrets
from datetime import datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from qe_ban.keys.rings import KeyRings

VERSION = b"\x01"
HEADER = 1 + 4 + 12


class SealBroken(ValueError):
    """A stored ciphertext was changed, or moved to another row or column."""


def row_key(values: tuple[object, ...]) -> str:
    """Return what names a row whose key has several columns: they, with slashes between; of one column, that."""
    return "/".join(map(str, values))


def seal(rings: KeyRings, column: str, row: object, text: str, now: datetime) -> bytes:
    """Encrypt a text for a column (`residents.name`) of a row (its key): version 1, kid 4, nonce 12, ciphertext.

    Raises KeyMissing when today's data key was not made.
    """
    kid, key = rings.column_key_of_day(now)
    header = VERSION + bytes.fromhex(kid) + secrets.token_bytes(12)
    return header + AESGCM(key).encrypt(header[5:], text.encode(), header[:5] + f"{column}/{row}".encode())


def unseal(rings: KeyRings, column: str, row: object, sealed: bytes) -> str:
    """Give the text back. Raises SealBroken, and KeyMissing when its data key is not here."""
    header = sealed[:HEADER]
    key = rings.column_key(header[1:5].hex())
    try:
        text = AESGCM(key).decrypt(header[5:], sealed[HEADER:], header[:5] + f"{column}/{row}".encode())
    except InvalidTag as error:
        raise SealBroken(f"{column} does not open") from error
    return text.decode()
