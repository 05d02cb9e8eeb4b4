"""Reads the chunks of a WebP file (RFC 9649)."""

from collections.abc import Iterator
from struct import pack, unpack_from
from typing import Final

from qe_ban.publishing.adapters.containers.container import (
    ANIMATION,
    BROKEN,
    INCOMPLETE,
    MAX_CHUNKS,
    MAX_PROFILE_BYTES,
    WEBP,
    Container,
    check_size,
    orientation_of,
)
from qe_ban.publishing.errors import NotAPicture

Chunk = tuple[bytes, bytes]
_FRAME_HEADER: Final = 16


def read(data: bytes) -> Container:
    """Read a WebP file; what follows its end is left away. Raises NotAPicture, StructError, IndexError."""
    chunks, profile, orientation, sizes = list[bytes](), None, 1, list[tuple[int, int]]()
    for kind, body in _still(list(_chunks(data))):
        if kind == b"VP8X":
            sizes.append(_canvas(body))
            # of what was announced only the transparency stays
            body = bytes([body[0] & 0x10]) + body[1:]  # noqa: PLW2901
        elif kind == b"ICCP" and len(body) <= MAX_PROFILE_BYTES:
            profile = body
        elif kind == b"EXIF":
            orientation = orientation_of(body.removeprefix(b"Exif\0\0"))
        if kind in (b"VP8 ", b"VP8L"):
            sizes.append(_frame(kind, body))
        if kind in (b"VP8X", b"ALPH", b"VP8 ", b"VP8L"):
            chunks.append(pack("<4sI", kind, len(body)) + body + b"\0" * (len(body) % 2))
    if not sizes or len(set(sizes)) > 1:
        raise NotAPicture(BROKEN)
    width, height = sizes[0]
    check_size(WEBP, width, height)
    body = b"WEBP" + b"".join(chunks)
    return Container(WEBP, width, height, pack("<4sI", b"RIFF", len(body)) + body, profile, orientation)


def _still(chunks: list[Chunk]) -> list[Chunk]:
    """Return the chunks of a picture that does not move; the one frame of an animation of one (RFC 9649, 2.7.1.1).

    Raises NotAPicture.
    """
    frames, headers = _bodies(chunks, b"ANMF"), _bodies(chunks, b"VP8X")
    still = [chunk for chunk in chunks if chunk[0] not in (b"ANIM", b"ANMF")]
    if not frames:
        return still
    canvas = _canvas(headers[0]) if headers else None
    place, size = frames[0][:6], tuple(1 + int.from_bytes(frames[0][at : at + 3], "little") for at in (6, 9))
    if len(frames) > 1 or any(place) or size != canvas:
        raise NotAPicture(ANIMATION)
    return [*still, *_chunks_from(frames[0], _FRAME_HEADER, len(frames[0]))]


def _bodies(chunks: list[Chunk], kind: bytes) -> list[bytes]:
    return [body for other, body in chunks if other == kind]


def _chunks(data: bytes) -> Iterator[Chunk]:
    end = 8 + unpack_from("<I", data, 4)[0]
    if end > len(data):
        raise NotAPicture(INCOMPLETE)
    yield from _chunks_from(data, 12, end)


def _chunks_from(data: bytes, at: int, end: int) -> Iterator[Chunk]:
    for _ in range(MAX_CHUNKS):
        if at + 8 > end:
            return
        kind, length = unpack_from("<4sI", data, at)
        if at + 8 + length > end:
            raise NotAPicture(INCOMPLETE)
        yield kind, data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def _canvas(body: bytes) -> tuple[int, int]:
    return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")


def _frame(kind: bytes, body: bytes) -> tuple[int, int]:
    """Return the size that the picture's own data tell (RFC 9649, 2.5 and 2.6)."""
    if kind == b"VP8 ":
        if body[3:6] != b"\x9d\x01\x2a":
            raise NotAPicture(BROKEN)
        width, height = unpack_from("<HH", body, 6)
        return width & 0x3FFF, height & 0x3FFF
    if body[0] != 0x2F:
        raise NotAPicture(BROKEN)
    bits = unpack_from("<I", body, 1)[0]
    return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
