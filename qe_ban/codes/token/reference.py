"""The sealed reference (QE1 section 3): names an entitlement to the issuer, and looks random to everybody else."""

from dataclasses import dataclass
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

VERSION = 1
ENTITLEMENT_BYTES, RANDOM_BYTES, KEY_BYTES, BLOCK_BYTES = 7, 8, 32, 16


class ReferenceUnreadable(Exception):
    """The block opens to a version that we do not know: it was sealed with another key, or by a newer issuer."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What a sealed reference holds: its version, whether a guardian shows the code, and the entitlement's number."""

    version: int
    guardian: bool
    entitlement: int


def seal(key: bytes, *, entitlement: int, guardian: bool, random: bytes) -> bytes:
    """Return a code's cti: 16 bytes that differ whenever the 8 bytes `random` do.

    `key` has 32 bytes and `entitlement` is below 2^56; else: ValueError.
    """
    if len(random) != RANDOM_BYTES or not 0 <= entitlement < 1 << 56:
        raise ValueError("a sealed reference takes 8 random bytes and an entitlement below 2^56")
    first = VERSION << 1 | guardian
    block = bytes((first,)) + entitlement.to_bytes(ENTITLEMENT_BYTES, "big") + random
    return _cipher(key).encryptor().update(block)


def open_(key: bytes, cti: bytes) -> Reference:
    """Return what `cti` (16 bytes) holds; raises ReferenceUnreadable, and ValueError for wrong lengths.

    The block cipher authenticates nothing, the code's signature does: call this for verified codes only.
    """
    if len(cti) != BLOCK_BYTES:
        raise ValueError("a sealed reference has 16 bytes")
    block = _cipher(key).decryptor().update(cti)
    version, guardian = divmod(block[0], 2)
    if version != VERSION:
        raise ReferenceUnreadable(f"version {version}")
    return Reference(version, bool(guardian), int.from_bytes(block[1 : 1 + ENTITLEMENT_BYTES], "big"))


@lru_cache(maxsize=8)
def _cipher(key: bytes) -> Cipher[modes.ECB]:
    if len(key) != KEY_BYTES:
        raise ValueError("a sealing key has 32 bytes")
    # one block, never two: with 8 random bytes inside there is nothing for a mode to hide
    return Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305
