"""Opaque ids: UUIDs of version 7 (RFC 9562, 5.7), so that rows made together lie together in an index."""

import secrets
import time
from uuid import UUID


def new_id() -> UUID:
    """Make a new id: 48 bits of milliseconds, 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & ((1 << 48) - 1)) << 80 | 7 << 76 | secrets.randbits(12) << 64
    return UUID(int=value | 0b10 << 62 | secrets.randbits(62))


def secret_id() -> UUID:
    """Make an id that nobody guesses and that tells nothing, not even when it was made: 128 random bits."""
    return UUID(bytes=secrets.token_bytes(16))


def parse_id(text: str) -> UUID | None:
    """Return the id that a client sent, in small letters or capitals (RFC 9562, 4); None where the text is no id."""
    try:
        value = UUID(text)
    except ValueError:
        return None
    return value if str(value) == text.lower() else None
