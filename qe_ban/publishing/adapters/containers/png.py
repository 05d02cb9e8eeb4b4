"""Reads the chunks of a PNG file (ISO/IEC 15948, 5)."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from struct import pack, unpack_from
from typing import Final

from qe_ban.publishing.adapters.containers.container import (
    ANIMATION,
    BROKEN,
    INCOMPLETE,
    MAX_CHUNKS,
    MAX_PROFILE_BYTES,
    PNG,
    TOO_MANY,
    Container,
    SeeThrough,
    check_size,
    orientation_of,
)
from qe_ban.publishing.errors import NotAPicture

MAGIC: Final = b"\x89PNG\r\n\x1a\n"

_CHUNKS_OF_INTEREST = frozenset({b"tRNS", b"iCCP", b"eXIf"})
_COLOUR_VALUES = {0: 1, 2: 3}
"""By colour type (grey, RGB): of how many values of 16 bits a colour consists that stands for nothing."""


@dataclass(slots=True)
class _Picture:
    """What the chunks say: `chunks` stay as they are, `pixels` are parts of one stream, `by_kind` are of interest."""

    width: int = 0
    height: int = 0
    depth: int = 0
    colour_type: int = 0
    chunks: list[bytes] = field(default_factory=list)
    pixels: list[bytes] = field(default_factory=list)
    by_kind: dict[bytes, bytes] = field(default_factory=dict)

    def add(self, kind: bytes, body: bytes) -> None:
        """Add a chunk. Raises NotAPicture for one that cannot stand here, StructError."""
        if not self.width and kind != b"IHDR":
            raise NotAPicture(BROKEN)
        if kind == b"IHDR":
            self.width, self.height, self.depth, self.colour_type = unpack_from(">IIBB", body)
            check_size(PNG, self.width, self.height)
            self.chunks.append(_chunk(kind, body))
        elif kind == b"PLTE":
            self.chunks.append(_chunk(kind, body))
        elif kind == b"IDAT":
            self.pixels.append(body)
        elif kind == b"acTL" and unpack_from(">I", body)[0] != 1:
            # a single frame moves nothing
            raise NotAPicture(ANIMATION)
        elif kind in _CHUNKS_OF_INTEREST:
            self.by_kind[kind] = body


def read(data: bytes) -> Container:
    """Read a PNG file; what follows its end is left away. Raises NotAPicture, StructError."""
    picture = _Picture()
    for kind, body in _chunks(data):
        picture.add(kind, body)
    if not picture.pixels:
        raise NotAPicture(INCOMPLETE)
    chunks, by_kind = picture.chunks, picture.by_kind
    see_through = _see_through(by_kind.get(b"tRNS"), picture.colour_type, picture.depth)
    if see_through is None and b"tRNS" in by_kind:
        chunks.append(_chunk(b"tRNS", by_kind[b"tRNS"]))
    clean = b"".join((MAGIC, *chunks, _chunk(b"IDAT", b"".join(picture.pixels)), _chunk(b"IEND", b"")))
    profile = _decompress(by_kind[b"iCCP"]) if b"iCCP" in by_kind else None
    orientation = orientation_of(by_kind.get(b"eXIf", b""))
    return Container(PNG, picture.width, picture.height, clean, profile, orientation, see_through)


def _see_through(body: bytes | None, colour_type: int, depth: int) -> SeeThrough | None:
    """Return the colour that is transparent: of its values only `depth` bits count (ISO/IEC 15948, 11.3.2.1).

    None where there is none, and for palettes. It is kept from the decoder, which would compare scaled samples with it.
    """
    if body is None or colour_type not in _COLOUR_VALUES:
        return None
    values = unpack_from(f">{_COLOUR_VALUES[colour_type]}H", body)
    return SeeThrough(tuple(value & ((1 << depth) - 1) for value in values), depth)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(MAGIC)
    for _ in range(MAX_CHUNKS):
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


def _decompress(body: bytes) -> bytes | None:
    """Return the profile of an iCCP chunk; None where it is too large, or broken: colours then stay as they are."""
    _, _, rest = body.partition(b"\0")
    reader = zlib.decompressobj()
    try:
        profile = reader.decompress(rest[1:], MAX_PROFILE_BYTES)
    except zlib.error:
        return None
    return profile if reader.eof else None
