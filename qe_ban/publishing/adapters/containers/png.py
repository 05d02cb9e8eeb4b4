"""Reads the chunks of a PNG file (ISO/IEC 15948, 5)."""

import zlib
from collections.abc import Iterator
from struct import pack, unpack_from
from typing import Final

from qe_ban.publishing.adapters.containers.container import (
    ANIMATED,
    BROKEN,
    INCOMPLETE,
    LARGEST_PROFILE,
    MOST_CHUNKS,
    PNG,
    TOO_MANY,
    Container,
    check_size,
    orientation_of,
)
from qe_ban.publishing.errors import NotAPicture

MAGIC: Final = b"\x89PNG\r\n\x1a\n"

_NEEDED = frozenset({b"PLTE", b"tRNS"})


def read(data: bytes) -> Container:
    """Read a PNG file; what follows its end is left away. Raises NotAPicture, StructError."""
    chunks, pixels, profile, orientation = list[bytes](), list[bytes](), None, 1
    width = height = 0
    for kind, body in _chunks(data):
        if not width and kind != b"IHDR":
            raise NotAPicture(BROKEN)
        if kind == b"IHDR":
            width, height = unpack_from(">II", body)
            check_size(PNG, width, height)
            chunks.append(_chunk(kind, body))
        elif kind in _NEEDED:
            chunks.append(_chunk(kind, body))
        elif kind == b"IDAT":
            pixels.append(body)
        elif kind == b"acTL":
            raise NotAPicture(ANIMATED)
        elif kind == b"iCCP":
            profile = _unfolded(body)
        elif kind == b"eXIf":
            orientation = orientation_of(body)
    if not pixels:
        raise NotAPicture(INCOMPLETE)
    clean = b"".join((MAGIC, *chunks, _chunk(b"IDAT", b"".join(pixels)), _chunk(b"IEND", b"")))
    return Container(PNG, width, height, clean, profile, orientation)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(MAGIC)
    for _ in range(MOST_CHUNKS):
        length, kind = unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        if unpack_from(">I", data, at + 8 + length)[0] != zlib.crc32(kind + body):
            raise NotAPicture(BROKEN)
        if kind == b"IEND":
            return
        yield kind, body
        at += 12 + length
    raise NotAPicture(TOO_MANY)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return pack(">I4s", len(body), kind) + body + pack(">I", zlib.crc32(kind + body))


def _unfolded(body: bytes) -> bytes | None:
    """Give the profile of an iCCP chunk; none where it is too large, or broken: colours are then taken as they are."""
    _, _, rest = body.partition(b"\0")
    reader = zlib.decompressobj()
    try:
        profile = reader.decompress(rest[1:], LARGEST_PROFILE)
    except zlib.error:
        return None
    return profile if reader.eof else None
