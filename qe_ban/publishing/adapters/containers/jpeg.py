"""Reads the segments of a JPEG file (ITU-T T.81, annex B)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
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


@dataclass(slots=True)
class _Headers:
    """What the segments say of the picture; each of `sizes` is height and width."""

    sizes: list[tuple[int, int]] = field(default_factory=list)
    scans: int = 0
    orientation: int = 1
    profile_parts: dict[int, bytes] = field(default_factory=dict)

    def add(self, marker: int, payload: bytes) -> None:
        if marker in _FRAMES:
            self.sizes.append(unpack_from(">HH", payload, 1))
        elif marker == _SOS:
            self.scans += 1
        elif marker == 0xE1 and payload.startswith(b"Exif\0\0"):
            self.orientation = orientation_of(payload[6:])
        elif marker == 0xE2 and payload.startswith(b"ICC_PROFILE\0"):
            self.profile_parts[payload[12]] = payload[14:]

    def profile(self) -> bytes | None:
        profile = b"".join(self.profile_parts[number] for number in sorted(self.profile_parts))
        return profile if 0 < len(profile) <= MAX_PROFILE_BYTES else None


def read(data: bytes) -> Container:
    """Read a JPEG file; what follows its end is left away. Raises NotAPicture, StructError, IndexError."""
    segments, headers = [_SOI], _Headers()
    for marker, segment, scan in _segments(data):
        payload = segment[4:]
        headers.add(marker, payload)
        if marker in _ESSENTIAL or _tells_colours(marker, payload):
            segments += (segment, scan)
    if len(headers.sizes) != 1 or not headers.scans:
        raise NotAPicture(BROKEN)
    height, width = headers.sizes[0]
    check_size(JPEG, width, height)
    if headers.scans > MAX_SCANS:
        raise NotAPicture("图片的扫描次数过多，请重新导出后上传")
    clean = b"".join((*segments, b"\xff\xd9"))
    return Container(JPEG, width, height, clean, headers.profile(), headers.orientation)


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
