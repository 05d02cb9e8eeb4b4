"""Paints the sample's pictures: a sign on a colour, always the same file; no words, for those could not be read out."""

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

from PIL import Image, ImageDraw
from PIL.Image import Resampling

from qe_ban.sandbox.pages import files

ICON: Final = "icon"
"""Names of pictures: `icon/{sign}` or `{sign}/{colour}`, a banner of that colour (six hexadecimal digits)."""
BANNER_SIZE: Final = (800, 320)
ICON_SIZE: Final = 192
_GRID: Final = 100
"""Signs are drawn on so many units across."""
_SMOOTH: Final = 2
"""So much larger drawn than kept, for smooth edges."""
_ICON_COLOURS: Final = ("#12589e", "#1f6f43", "#8a3b12", "#7a1f5c", "#0f766e", "#5b2a86", "#8a5a00", "#9f1239")

Shape = Sequence[Any]


class Painter:
    """Paints pictures by their names."""

    def __init__(self) -> None:
        self._signs: Mapping[str, Sequence[Shape]] = files.read("glyphs")

    def paint(self, name: str) -> bytes:
        """Return a picture as a PNG file. Raises KeyError for a sign that there is not."""
        sign, _, colour = name.partition("/")
        picture = self._icon(colour) if sign == ICON else self._banner(sign, f"#{colour}")
        file = io.BytesIO()
        # it is made anew when it is put in: only speed counts here
        picture.save(file, "PNG", compress_level=1)
        return file.getvalue()

    def _icon(self, sign: str) -> Image.Image:
        colour = _ICON_COLOURS[list(self._signs).index(sign) % len(_ICON_COLOURS)]
        size = ICON_SIZE * _SMOOTH
        picture = Image.new("RGBA", (size, size))
        ImageDraw.Draw(picture).rounded_rectangle((0, 0, size - 1, size - 1), size // 5, fill=colour)
        edge = size // 5
        picture.paste("white", (edge, edge), self._sign(sign, size - 2 * edge))
        return picture.reduce(_SMOOTH)

    def _banner(self, sign: str, colour: str) -> Image.Image:
        width, height = BANNER_SIZE
        shade = Image.linear_gradient("L").rotate(270).resize(BANNER_SIZE, Resampling.BILINEAR)
        dark, light = Image.new("RGB", BANNER_SIZE, colour), Image.new("RGB", BANNER_SIZE, _lighter(colour))
        picture = Image.composite(dark, light, shade)
        veil = Image.new("L", BANNER_SIZE)
        draw = ImageDraw.Draw(veil)
        for x, y, radius in ((0.92, 0.1, 0.75), (0.62, 1.05, 0.5), (0.08, 0.95, 0.35)):
            middle, reach = (width * x, height * y), height * radius
            box = (middle[0] - reach, middle[1] - reach, middle[0] + reach, middle[1] + reach)
            draw.ellipse(box, fill=_veil_of(radius))
        picture.paste("white", (0, 0), veil)
        edge = height // 7
        side = height - 2 * edge
        sign_mask = self._sign(sign, side * _SMOOTH).reduce(_SMOOTH).point(lambda value: value * 9 // 10)
        picture.paste("white", (width - side - 2 * edge, edge), sign_mask)
        return picture

    def _sign(self, sign: str, size: int) -> Image.Image:
        """Return a sign as a mask of this size."""
        mask = Image.new("L", (size, size))
        draw, scale = ImageDraw.Draw(mask), size / _GRID
        for shape, *numbers in self._signs[sign]:
            kind = shape.removeprefix("cut-")
            _draw(draw, kind, numbers, scale, 255 if kind == shape else 0)
        return mask


def _veil_of(radius: float) -> int:
    """Return how much a circle brightens what it covers: large ones less."""
    return round(18 / radius)


def _draw(draw: ImageDraw.ImageDraw, kind: str, numbers: Sequence[float], scale: float, fill: int) -> None:
    width = 0.0
    if kind == "line":
        width, *numbers = numbers
    at = [number * scale for number in numbers]
    if kind == "poly":
        draw.polygon(at, fill=fill)
    elif kind == "disc":
        draw.ellipse(at, fill=fill)
    elif kind == "rect":
        draw.rectangle(at, fill=fill)
    elif kind == "round":
        draw.rounded_rectangle(at, 9 * scale, fill=fill)
    else:
        draw.line(at, fill=fill, width=round(width * scale), joint="curve")


def _lighter(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[place : place + 2], 16) * 6 // 10 + 76 for place in (1, 3, 5))
