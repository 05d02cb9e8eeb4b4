"""What every container of a picture tells, and the bounds that all of them keep."""

from dataclasses import dataclass
from struct import error as StructError  # noqa: N812 - struct's only exception
from struct import unpack_from
from typing import Final

from qe_ban.publishing.errors import NotAPicture

JPEG: Final = "image/jpeg"
PNG: Final = "image/png"
WEBP: Final = "image/webp"

MAX_PIXELS: Final = {JPEG: 40_000_000, PNG: 40_000_000, WEBP: 16_000_000}
"""WebP is decoded whole and several times over: it gets less."""
MAX_SIDE: Final = 12_000
MAX_PROFILE_BYTES: Final = 1 << 20
MAX_CHUNKS: Final = 100_000

INCOMPLETE: Final = "图片文件不完整"
BROKEN: Final = "图片文件已损坏"
TOO_MANY: Final = "图片文件的分块过多，请重新导出后上传"
ANIMATION: Final = "不支持动图，请上传静态图片"


@dataclass(frozen=True, slots=True)
class SeeThrough:
    """The colour of a PNG file that stands for nothing: one value (grey) or three, of `depth` bits each."""

    values: tuple[int, ...]
    depth: int


@dataclass(frozen=True, slots=True)
class Container:
    """A picture's file. `clean` is a file of the same picture without anything beside it.

    `profile`: its ICC profile; `orientation`: how it is to be turned (EXIF 2.32, 4.6.5.1: 1 to 8); `see_through`: the
    colour that is transparent, which `clean` does not tell.
    """

    type: str
    width: int
    height: int
    clean: bytes
    profile: bytes | None
    orientation: int
    see_through: SeeThrough | None = None


def check_size(kind: str, width: int, height: int) -> None:
    """Refuse a picture that is larger than is taken, before it is decoded. Raises NotAPicture."""
    if not (width and height):
        raise NotAPicture(BROKEN)
    most = MAX_PIXELS[kind]
    if max(width, height) > MAX_SIDE or width * height > most:
        message = f"图片尺寸过大：最多 {most // 10_000} 万像素、每边 {MAX_SIDE} 像素"
        raise NotAPicture(f"{message}，现为 {width}×{height}")


def orientation_of(tiff: bytes) -> int:
    """Return the orientation that EXIF data tell; 1, as it is, where they tell none or cannot be read."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return 1
    try:
        at = unpack_from(f"{order}I", tiff, 4)[0]
        for number in range(min(unpack_from(f"{order}H", tiff, at)[0], 100)):
            tag, kind, count, value = unpack_from(f"{order}HHIH", tiff, at + 2 + 12 * number)
            if (tag, kind, count) == (0x0112, 3, 1):
                return value if 1 <= value <= 8 else 1
    except StructError:
        return 1
    return 1
