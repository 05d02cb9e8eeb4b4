"""Makes pictures anew: turned upright, in sRGB, without anything that tells of whoever took them, in several sizes."""

import hashlib
import io
import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import BinaryIO, Final

from PIL import Image, ImageChops, ImageCms, JpegImagePlugin, PngImagePlugin, WebPImagePlugin
from PIL.Image import Resampling, Transpose

from qe_ban.publishing.adapters import containers
from qe_ban.publishing.adapters.containers import JPEG, PNG, WEBP, Container, SeeThrough
from qe_ban.publishing.adapters.media import FULL
from qe_ban.publishing.errors import NotAPicture, PicturesBusy

MAX_BYTES: Final = 10 * 1024 * 1024
"""Bytes of a file that is handed in."""
WIDTHS: Final = (320, 640, 1080)
MAX_WIDTH: Final = 2560
MAX_PIXELS: Final = 16_000_000
"""Pixels that are kept; by width and not by the longer side, so that long pictures of text stay readable."""
QUALITY: Final = 85
WAIT: Final = 3.0
"""Seconds that one may stand in line: a picture takes much memory and up to seconds, so one is made at once."""

_OPENERS: Final[Mapping[str, Callable[[BinaryIO], Image.Image]]] = {
    JPEG: JpegImagePlugin.JpegImageFile,
    PNG: PngImagePlugin.PngImageFile,
    WEBP: WebPImagePlugin.WebPImageFile,
}
_TURNS: Final = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
_SIDEWAYS: Final = frozenset({5, 6, 7, 8})
_BROKEN: Final = (OSError, SyntaxError, ValueError, EOFError, OverflowError)
"""What Pillow's readers say of files that are broken; they never warn of what `containers` lets pass."""

_one = threading.BoundedSemaphore(1)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it is kept; `sizes`: its smaller files by their width in pixels. `digest`: SHA-256 of `full`."""

    type: str
    width: int
    height: int
    full: bytes = field(repr=False)
    sizes: Mapping[int, bytes] = field(repr=False)
    digest: str

    @property
    def files(self) -> Mapping[str, bytes]:
        """All files by their names in the store."""
        return {FULL: self.full} | {str(width): data for width, data in self.sizes.items()}


def reencode(file: BinaryIO, wait: float = WAIT) -> Picture:
    """Read a picture and make it anew; the same file always gives the same.

    Opaque pictures become JPEG, transparent ones PNG: every phone shows them. `wait`: seconds to stand in line.
    Raises NotAPicture, PicturesBusy.
    """
    data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise NotAPicture(f"图片文件过大，最多 {MAX_BYTES >> 20} MB")
    container = containers.read(data)
    del data
    if not _one.acquire(timeout=wait):
        raise PicturesBusy
    try:
        image = _upright(container)
        return _to_picture(image, sharp=container.type == PNG)
    except _BROKEN as error:
        raise NotAPicture("图片文件不完整或已损坏") from error
    finally:
        _one.release()


def type_of(head: bytes) -> str:
    """Return the type of a file that we made, by its first bytes."""
    return PNG if head.startswith(b"\x89PNG") else JPEG


def _upright(container: Container) -> Image.Image:
    """Decode a picture, no larger than it is kept: in RGB or RGBA, upright."""
    size = _kept_size(container)
    image = _OPENERS[container.type](io.BytesIO(container.clean))
    if image.size != (container.width, container.height):
        raise NotAPicture("图片文件已损坏")
    # a JPEG's decoder can give a half, a quarter or an eighth at once, without ever holding the whole
    image.draft(None, size)
    image.load()
    opacity = _opacity(image, container.see_through) if container.see_through is not None else None
    image = _plain(image)
    if opacity is not None:
        image.putalpha(opacity)
        image = image.convert("RGBA")
    # else what a reader noted down would be written into our files
    image.info.clear()
    if image.size != size:
        image = image.resize(size, Resampling.LANCZOS, reducing_gap=2.0)
    if container.profile is not None:
        image = _in_srgb(image, container.profile)
    if image.mode not in ("RGB", "RGBA"):
        image = image.convert("RGB")
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        image = image.convert("RGB")
    turn = _TURNS.get(container.orientation)
    return image if turn is None else image.transpose(turn)


def _kept_size(container: Container) -> tuple[int, int]:
    """Return the size in which a picture is kept, as it lies in its file."""
    width, height = container.width, container.height
    shown_width = height if container.orientation in _SIDEWAYS else width
    scale = min(1.0, MAX_WIDTH / shown_width, math.sqrt(MAX_PIXELS / (width * height)))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _opacity(image: Image.Image, colour: SeeThrough) -> Image.Image:
    """Return where a picture is opaque (255) and where it has the colour that stands for nothing (0)."""
    if image.mode == "I;16":
        # both bytes of each sample, for the decoder's other modes keep only the upper one
        samples = image.tobytes()
        bands = [Image.frombytes("L", image.size, samples[byte::2]) for byte in (1, 0)]
        values = [colour.values[0] >> 8, colour.values[0] & 0xFF]
    elif len(colour.values) == 1:
        bands, values = [image.convert("L")], [colour.values[0] * 255 // ((1 << colour.depth) - 1)]
    else:
        # the decoder gives colours of 16 bits in their upper 8
        bands, values = (
            list(image.convert("RGB").split()),
            [value >> max(0, colour.depth - 8) for value in colour.values],
        )
    unlike = [
        band.point([0 if one == value else 255 for one in range(256)])
        for band, value in zip(bands, values, strict=True)
    ]
    return reduce(ImageChops.lighter, unlike)


def _plain(image: Image.Image) -> Image.Image:
    """Return a picture in a mode that can be scaled: L, RGB, RGBA or CMYK."""
    if image.mode in ("L", "RGB", "CMYK") and "transparency" not in image.info:
        return image
    if image.mode.startswith("I;16") or image.mode == "I":
        return _of_eight_bits(image)
    see_through = "transparency" in image.info or image.mode in ("LA", "PA", "La", "RGBA", "RGBa")
    mode = "RGBA" if see_through else "RGB"
    return image if image.mode == mode else image.convert(mode)


def _of_eight_bits(image: Image.Image) -> Image.Image:
    """Return a grey picture of 16 bits in 8: Pillow's own conversion cuts all that is brighter than 255 to white."""
    return image.convert("I").point(lambda value: value / 256).convert("L")


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Return a picture in sRGB; as it is, where its profile is of other colours than its own, or broken."""
    colours = image.convert("RGB") if image.mode == "RGBA" else image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        target = ImageCms.createProfile("sRGB")
        converted_image = ImageCms.profileToProfile(colours, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, *_BROKEN):
        return image
    if converted_image is None:
        return image
    if image.mode == "RGBA":
        converted_image.putalpha(image.getchannel("A"))
    return converted_image


def _to_picture(image: Image.Image, *, sharp: bool) -> Picture:
    """Write a picture's files; `sharp` spares the edges of drawings and of text."""
    full = _encode(image, sharp=sharp)
    sizes: dict[int, bytes] = {}
    for width in WIDTHS:
        if width == image.width:
            sizes[width] = full
        elif width < image.width:
            height = max(1, round(image.height * width / image.width))
            smaller = image.resize((width, height), Resampling.LANCZOS, reducing_gap=3.0)
            sizes[width] = _encode(smaller, sharp=sharp)
    kind = PNG if image.mode == "RGBA" else JPEG
    return Picture(kind, image.width, image.height, full, sizes, hashlib.sha256(full).hexdigest())


def _encode(image: Image.Image, *, sharp: bool) -> bytes:
    file = io.BytesIO()
    if image.mode == "RGBA":
        image.save(file, "PNG", compress_level=6)
    else:
        # 4:4:4 for what is drawn, 4:2:0 for what is photographed
        image.save(file, "JPEG", quality=QUALITY, subsampling=0 if sharp else 2)
    return file.getvalue()
