"""Makes pictures as phones, cameras and tricksters make them."""

import io
import random
import struct
import zlib
from typing import Any

from PIL import Image, ImageCms

from qe_ban.publishing.adapters.pictures import Picture, reencode

SECRET = b"36.0671N 120.3826E"
"""What must never come out of a picture again."""


def image(width: int = 64, height: int = 48, mode: str = "RGB", seed: int | None = None) -> Image.Image:
    """A picture of few large patches; with a seed always the same one, without never the same."""
    patches = random.Random(seed)
    bands = len(Image.new(mode, (1, 1)).getbands())
    small = Image.frombytes(mode, (4, 3), patches.randbytes(12 * bands))
    return small.resize((width, height), Image.Resampling.NEAREST)


def corners(width: int = 60, height: int = 40) -> Image.Image:
    """A picture that is red above on the left, green above on the right, blue below on the left, else white."""
    made = Image.new("RGB", (width, height), "white")
    half = (width // 2, height // 2)
    for colour, at in (("red", (0, 0)), ("lime", (half[0], 0)), ("blue", (0, half[1]))):
        made.paste(Image.new("RGB", half, colour), at)
    return made


def written(picture: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def jpeg(width: int = 64, height: int = 48, **options: Any) -> bytes:
    return written(image(width, height), "JPEG", **options)


def png(width: int = 64, height: int = 48, mode: str = "RGB", **options: Any) -> bytes:
    return written(image(width, height, mode), "PNG", **options)


def exif(orientation: int) -> bytes:
    """EXIF with an orientation, a place and a comment."""
    made = Image.Exif()
    made[0x0112] = orientation
    made[0x010E] = SECRET.decode()
    made.get_ifd(0x8825)[1] = "N"
    return made.tobytes()


def profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def swapped_profile() -> bytes:
    """A valid profile by which red and blue are exchanged: whoever ignores it shows other colours."""
    return profile().replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")


def made(data: bytes) -> Picture:
    """What becomes of a file that is handed in."""
    return reencode(io.BytesIO(data))


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_of(width: int, height: int, *chunks: bytes, pixels: bytes = b"", depth: int = 8, colours: int = 2) -> bytes:
    """A PNG file made by hand."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(pixels, 9))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + data + chunk(b"IEND", b"")
