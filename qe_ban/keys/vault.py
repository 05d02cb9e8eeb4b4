"""Column encryption: AES-256-GCM under the column key of the day, bound to the column and the row.

What belongs to one resident, demand or dispute takes a second key, the owner's data key, which is destroyed when that
owner's data ends: who has the column keys alone opens nothing then.
"""

import hmac
import secrets
from datetime import datetime
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from qe_ban.keys.rings import KeyRings

OF_DAY: Final = b"\x01"
OF_OWNER: Final = b"\x02"
_KID: Final = slice(1, 5)
_NUMBER: Final = slice(5, 13)
_NONCE: Final = 12
_LABEL: Final = b"qe-ban/vault/2"


class SealBroken(ValueError):
    """A stored ciphertext was changed, or moved to another row or column."""


def row_key(values: tuple[object, ...]) -> str:
    """Return what names a row whose key has several columns: they, with slashes between; of one column, that."""
    return "/".join(map(str, values))


def seal(rings: KeyRings, column: str, row: object, text: str, now: datetime, *, data_key: int | None = None) -> bytes:
    """Encrypt a text for a column (`residents.name`) of a row (its key): version 1, kid 4, nonce 12, ciphertext.

    With the number of a data key, after the kid: number 8. Raises KeyMissing when today's column key was not made, and
    DataKeyDestroyed, DataKeysAway.
    """
    kid, key = rings.column_key_of_day(now)
    head = OF_DAY + bytes.fromhex(kid)
    if data_key is not None:
        head = OF_OWNER + bytes.fromhex(kid) + data_key.to_bytes(8)
        key = _with_data_key(rings, key, data_key)
    nonce = secrets.token_bytes(_NONCE)
    return head + nonce + AESGCM(key).encrypt(nonce, text.encode(), head + f"{column}/{row}".encode())


def unseal(rings: KeyRings, column: str, row: object, ciphertext: bytes) -> str:
    """Return the text.

    Raises SealBroken, KeyMissing when its column key is not here, and DataKeyDestroyed, DataKeysAway.
    """
    key, number = rings.column_key(ciphertext[_KID].hex()), data_key_of(ciphertext)
    length = _KID.stop
    if number is not None:
        length, key = _NUMBER.stop, _with_data_key(rings, key, number)
    head, nonce = ciphertext[:length], ciphertext[length : length + _NONCE]
    try:
        text = AESGCM(key).decrypt(nonce, ciphertext[length + _NONCE :], head + f"{column}/{row}".encode())
    except InvalidTag as error:
        raise SealBroken(f"{column} does not open") from error
    return text.decode()


def data_key_of(ciphertext: bytes) -> int | None:
    """Return the number of the data key that something is sealed under, None where it is the day's key alone."""
    return int.from_bytes(ciphertext[_NUMBER]) if ciphertext[:1] == OF_OWNER else None


def _with_data_key(rings: KeyRings, key: bytes, number: int) -> bytes:
    """Return the key of both: who lacks either has nothing."""
    return hmac.digest(key, rings.data_keys.key(number) + _LABEL, "sha256")
