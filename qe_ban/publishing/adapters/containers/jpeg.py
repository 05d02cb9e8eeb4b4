"""Reads the segments of a JPEG file (ITU-T T.81, annex B)."""

import re
from collections.abc import Iterator
from struct import unpack_from
from typing import Final

from qe_ban.publishing.adapters.containers.container import (
    BROKEN,
    INCOMPLETE,
    JPEG,
    MAX_CHUNKS,
    MAX_PROFILE_BYTES,
    TOO_MANY,
    Container,
    check_size,
    orientation_of,
)
from qe_ban.publishing.errors import NotAPicture

MAGIC: Final = b"\xff\xd8\xff"
MAX_SCANS: Final = 32
"""A progressive file of thousands of scans keeps a decoder busy for minutes; cameras write about ten."""

_SOI, _EOI, _SOS = b"\xff\xd8", 0xD9, 0xDA
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ESSENTIAL = _FRAMES | {0xC4, 0xDB, 0xDD, _SOS}
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})
# in a scan's data 0xff is followed by 0 or a restart; an expression with a repetition takes twenty times as long
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7]")


def read(data: bytes) -> Container:
    """Read a JPEG file; what follows its end is left away. Raises NotAPicture, StructError, IndexError."""
    segments, sizes, profile, orientation, scans = [_SOI], list[tuple[int, int]](), dict[int, bytes](), 1, 0
    for marker, segment, scan in _segments(data):
        payload = segment[4:]
        if marker in _FRAMES:
            sizes.append(unpack_from(">HH", payload, 1))
        elif marker == _SOS:
            scans += 1
        elif marker == 0xE1 and payload.startswith(b"Exif\0\0"):
            orientation = orientation_of(payload[6:])
        elif marker == 0xE2 and payload.startswith(b"ICC_PROFILE\0"):
            profile[payload[12]] = payload[14:]
        if marker in _ESSENTIAL or _tells_colours(marker, payload):
            segments += (segment, scan)
    if len(sizes) != 1 or not scans:
        raise NotAPicture(BROKEN)
    height, width = sizes[0]
    check_size(JPEG, width, height)
    if scans > MAX_SCANS:
        raise NotAPicture("图片的扫描次数过多，请重新导出后上传")
    icc = b"".join(profile[number] for number in sorted(profile))
    clean = b"".join((*segments, b"\xff\xd9"))
    return Container(JPEG, width, height, clean, icc if 0 < len(icc) <= MAX_PROFILE_BYTES else None, orientation)


def _segments(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Return the segments up to the end of the picture: marker, the whole segment, a scan's data after it."""
    at = 2
    for _ in range(MAX_CHUNKS):
        if data[at] != 0xFF:
            raise NotAPicture(BROKEN)
        while data[at + 1] == 0xFF:
            at += 1
        marker = data[at + 1]
        if marker == _EOI:
            return
        if marker in _STANDALONE:
            at += 2
            continue
        length = unpack_from(">H", data, at + 2)[0]
        end = at + 2 + length
        if length < 2 or end > len(data):
            raise NotAPicture(INCOMPLETE)
        following = end
        if marker == _SOS:
            match = _AFTER_SCAN.search(data, end)
            if match is None:
                raise NotAPicture(INCOMPLETE)
            following = match.start()
        yield marker, data[at:end], data[end:following]
        at = following
    raise NotAPicture(TOO_MANY)


def _tells_colours(marker: int, payload: bytes) -> bool:
    """Return whether an application's segment says how the colours are to be read."""
    return (marker == 0xE0 and payload.startswith(b"JFIF\0")) or (marker == 0xEE and payload.startswith(b"Adobe"))
