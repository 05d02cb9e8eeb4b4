"""Leaves and roots as in RFC 9162, 2.1.1, over SHA-256; a leaf's entry is salted."""

import hashlib
import json
from collections.abc import Mapping, Sequence

SALT = 16
HASH = 32


def canonical(row: Mapping[str, str | None]) -> bytes:
    """Spell a row as canonical JSON (RFC 8785; of an object of texts and nulls that is the sorted, tight form)."""
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def leaf(salt: bytes, row: Mapping[str, str | None]) -> bytes:
    """Return a row's leaf: SHA-256 of 0x00, the salt of 16 bytes, and the row's canonical JSON."""
    return hashlib.sha256(b"\x00" + salt + canonical(row)).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes in their order; that of none is the SHA-256 of nothing."""
    if not leaves:
        return hashlib.sha256().digest()
    # level by level, the last of an odd number rising as it is: the same tree as the standard's halves
    level = list(leaves)
    while len(level) > 1:
        parents = [_node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = parents + level[len(parents) * 2 :]
    return level[0]


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
