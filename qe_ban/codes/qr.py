"""Draws a code's card, a QR under its title, as PNG, as SVG and for a terminal."""

import re
import unicodedata
from functools import lru_cache
from html import escape
from importlib import resources
from io import BytesIO
from itertools import chain, cycle, islice, zip_longest
from typing import Literal, NamedTuple

from PIL import Image, ImageDraw, ImageFont
from qrcode import LUT, base, constants, util
from qrcode.main import QRCode

from qe_ban.kernel import colours

WIDTH = 576
QUIET_ZONE = 4  # modules (ISO/IEC 18004, 5.3.8)
_MARGIN = 12
_HEADER = 108
_PANEL = WIDTH - 2 * _MARGIN
HEIGHT = _HEADER + _PANEL + _MARGIN
_RADIUS = 20
# The panel's round corners must not reach into the quiet zone.
_CORNER = 6
# Trying all eight masks takes eight times as long and gains nothing on sealed, random-looking content.
_MASK = 0
_ALPHANUMERIC = bytes.maketrans(util.ALPHA_NUM, bytes(range(45)))

_RUN_LENGTHS = 3  # zlib's Z_RLE: the fastest for rows of blocks, and no larger
_TITLE_MAX = 60
_TITLE_SIZE, _TITLE_SIZE_MIN = 56, 32
_TITLE_WIDTH = WIDTH - 6 * _MARGIN
_SVG_FONTS = "'PingFang SC','HarmonyOS Sans SC','MiSans','Microsoft YaHei','Noto Sans CJK SC','Noto Sans SC',sans-serif"

_Rgb = tuple[int, int, int]
_WHITE: _Rgb = (255, 255, 255)
_INK: _Rgb = (17, 17, 17)
_NEUTRAL: _Rgb = (58, 63, 71)
_CONTRAST = 4.5  # of text (WCAG 2, 1.4.3)
_CONTRAST_LARGE = 3.0

# The picture's 16 colours: four bits a pixel keep it small and quick to pack. 0 and 1 are the modules.
_RAMP = 7
_BAND = 2
_TO_WHITE = _BAND + _RAMP


class TextTooLong(ValueError):
    """No QR code of level L holds the text."""


class _Matrix(NamedTuple):
    rows: list[list[bool]]  # True is dark; without the quiet zone
    scale: int  # pixels a module on the card
    left: int  # of the first module on the card, in pixels
    top: int


def png(text: str, *, title: str, colour: str | None) -> bytes:
    """Return the card as a PNG of WIDTH x HEIGHT pixels in 16 colours: `text` in black on white, `title` above.

    `colour` (`#rrggbb`; None is a neutral dark grey) is that of the band and the frame, made a little darker where a
    white title would not stand out; a light one takes a dark title. Raises TextTooLong; ValueError for another colour.
    """
    matrix = _layout(_modules(text))
    size = len(matrix.rows)
    card = _blank_card(title, colour).copy()
    modules = Image.frombytes("P", (size, size), b"".join(map(bytes, matrix.rows)))
    card.paste(modules.resize((size * matrix.scale,) * 2, Image.Resampling.NEAREST), (matrix.left, matrix.top))
    out = BytesIO()
    card.save(out, "PNG", compress_type=_RUN_LENGTHS)
    return out.getvalue()


def svg(text: str, *, title: str, colour: str | None) -> str:
    """Return the same card as an SVG document of its own, the modules as one path. Raises what `png` raises."""
    matrix = _layout(_modules(text))
    band, ink = (_hex(rgb) for rgb in _colours(colour))
    line, font_size = _fit(title)
    path = "".join(
        f"M{matrix.left + start * matrix.scale} {matrix.top + y * matrix.scale}"
        f"h{length * matrix.scale}v{matrix.scale}h-{length * matrix.scale}z"
        for y, row in enumerate(matrix.rows)
        for start, length in _runs(row)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
        f' role="img" aria-labelledby="t"><title id="t">{escape(_clean(title))}</title>'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{band}"/>'
        f'<text x="{WIDTH // 2}" y="{_HEADER // 2}" dy=".36em" text-anchor="middle" font-size="{font_size}"'
        f' font-weight="700" font-family="{_SVG_FONTS}" fill="{ink}">{escape(line)}</text>'
        f'<rect x="{_MARGIN}" y="{_HEADER}" width="{_PANEL}" height="{_PANEL}" rx="{_RADIUS}" fill="#fff"/>'
        f'<path shape-rendering="crispEdges" d="{path}"/></svg>'
    )


def terminal(text: str, *, ansi: bool = True) -> str:
    """Return the code in half blocks, quiet zone included, one line for two rows of modules, with a newline after each.

    Light modules are drawn and dark ones left out, as a dark terminal needs it; with `ansi` colours are set as well,
    so that it reads on a light one too. Raises TextTooLong.
    """
    rows = _modules(text)
    side = len(rows) + 2 * QUIET_ZONE
    light = [[True] * side for _ in range(side)] + [[False] * side]
    for y, row in enumerate(rows, QUIET_ZONE):
        light[y][QUIET_ZONE:-QUIET_ZONE] = [not dark for dark in row]
    before, after = ("\x1b[97;40m", "\x1b[0m") if ansi else ("", "")
    pairs = (zip(*light[y : y + 2], strict=True) for y in range(0, side, 2))
    lines = ("".join(" ▄▀█"[2 * up + down] for up, down in pair) for pair in pairs)
    return "".join(f"{before}{line}{after}\n" for line in lines)


def _modules(text: str) -> list[list[bool]]:
    """Return the smallest code of level L that holds the text, alphanumeric where its characters allow."""
    data = text.encode()
    alphanumeric = util.RE_ALPHA_NUM.match(data) is not None
    bits = len(data) // 2 * 11 + len(data) % 2 * 6 if alphanumeric else len(data) * 8
    mode: Literal[2, 4] = 2 if alphanumeric else 4  # util.MODE_ALPHA_NUM, util.MODE_8BIT_BYTE
    limits = util.BIT_LIMIT_TABLE[constants.ERROR_CORRECT_L]
    fitting = (v for v in range(1, 41) if 4 + util.length_in_bits(mode, v) + bits <= limits[v])
    version = next(fitting, None)
    if version is None:
        raise TextTooLong(f"{len(data)} bytes do not fit a QR code")
    head = f"{mode:04b}{len(data):0{util.length_in_bits(mode, version)}b}"
    body = _alphanumeric_bits(data) if alphanumeric else "".join(f"{byte:08b}" for byte in data)
    code = QRCode(version, constants.ERROR_CORRECT_L, border=QUIET_ZONE, mask_pattern=_MASK)
    # The library would put bit by bit and divide polynomials as lists: two thirds of the time of a whole card.
    code.data_cache = _codewords(head + body, version)
    code.make(fit=False)
    return code.modules  # type: ignore[return-value]  # no module is None once it is made


def _alphanumeric_bits(data: bytes) -> str:
    """Return eleven bits for two characters, six for the last of an odd number (ISO/IEC 18004, 7.4.4)."""
    values = data.translate(_ALPHANUMERIC)
    last = f"{values[-1]:06b}" if len(values) % 2 else ""
    return "".join(f"{45 * one + two:011b}" for one, two in zip(values[::2], values[1::2], strict=False)) + last


def _codewords(bits: str, version: int) -> list[int]:
    """Return data and error correction of level L, padded and with blocks interleaved (7.4.10, 7.5, 7.6)."""
    blocks = base.rs_blocks(version, constants.ERROR_CORRECT_L)
    capacity = sum(block.data_count for block in blocks)
    bits += "0" * min(4, 8 * capacity - len(bits))
    bits += "0" * (-len(bits) % 8)
    content = int(bits, 2).to_bytes(len(bits) // 8)
    codewords = iter(content + bytes(islice(cycle((util.PAD0, util.PAD1)), capacity - len(content))))
    data = [bytes(islice(codewords, block.data_count)) for block in blocks]
    parity = [_parity(part, block.total_count - block.data_count) for part, block in zip(data, blocks, strict=True)]
    columns = chain(zip_longest(*data), zip_longest(*parity))
    return [word for column in columns for word in column if word is not None]


def _parity(block: bytes, length: int) -> bytes:
    """Return the Reed-Solomon check bytes of a block: the remainder of its division by the generator of that length."""
    table, mask, top, rest = _remainders(length), (1 << 8 * length) - 1, 8 * (length - 1), 0
    for byte in block:
        rest = (rest << 8 & mask) ^ table[byte ^ rest >> top]
    return rest.to_bytes(length)


@lru_cache(maxsize=32)
def _remainders(length: int) -> list[int]:
    """Return what each leading byte adds to the remainder."""
    generator = [base.glog(factor) for factor in LUT.rsPoly_LUT[length][1:]]
    rows = (bytes(base.gexp(base.glog(lead) + power) for power in generator) for lead in range(1, 256))
    return [0, *(int.from_bytes(row) for row in rows)]


def _layout(rows: list[list[bool]]) -> _Matrix:
    """Return the matrix in whole pixels for each module, as large as the panel allows, in its middle."""
    scale = (_PANEL - 2 * _CORNER) // (len(rows) + 2 * QUIET_ZONE)
    gap = (_PANEL - len(rows) * scale) // 2
    return _Matrix(rows, scale, _MARGIN + gap, _HEADER + gap)


def _runs(row: list[bool]) -> list[tuple[int, int]]:
    """Return (first, length) of each run of dark modules."""
    runs: list[tuple[int, int]] = []
    for x, dark in enumerate(row):
        if dark and x and row[x - 1]:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        elif dark:
            runs.append((x, 1))
    return runs


@lru_cache(maxsize=16)  # 0.4 MB each
def _blank_card(title: str, colour: str | None) -> Image.Image:
    """Return the card without its modules; not to be changed."""
    band, ink = _colours(colour)
    line, size = _fit(title)
    words = Image.new("L", (WIDTH, _HEADER))
    ImageDraw.Draw(words).text((WIDTH / 2, _HEADER / 2), line, fill=255, font=_font(size), anchor="mm")
    fine = 4  # drawn larger and scaled down, for smooth corners
    corners = Image.new("L", (_PANEL * fine,) * 2)
    ImageDraw.Draw(corners).rounded_rectangle((0, 0, *(_PANEL * fine - 1,) * 2), _RADIUS * fine, fill=255)
    panel = corners.resize((_PANEL,) * 2, Image.Resampling.BOX)
    card = Image.new("L", (WIDTH, HEIGHT), _BAND)
    card.paste(words.point([_BAND + level * (_RAMP - 1) // 255 for level in range(256)]), (0, 0))
    card.paste(panel.point([_TO_WHITE + level * (_RAMP - 1) // 255 for level in range(255)] + [0]), (_MARGIN, _HEADER))
    card.putpalette(bytes((*_WHITE, 0, 0, 0, *_ramp(band, ink), *_ramp(band, _WHITE))))
    return card


def _ramp(start: _Rgb, end: _Rgb) -> list[int]:
    return [a + (b - a) * step // (_RAMP - 1) for step in range(_RAMP) for a, b in zip(start, end, strict=True)]


@lru_cache(maxsize=64)
def _fit(title: str) -> tuple[str, int]:
    """Return the title as it fits on one line, and the size of its letters in pixels; too long a one is cut."""
    line = _clean(title)[:_TITLE_MAX]
    for size in range(_TITLE_SIZE, _TITLE_SIZE_MIN, -4):
        if _font(size).getlength(line) <= _TITLE_WIDTH:
            return line, size
    smallest = _font(_TITLE_SIZE_MIN)
    if smallest.getlength(line) > _TITLE_WIDTH:
        while smallest.getlength(line + "…") > _TITLE_WIDTH:
            line = line[:-1]
        line += "…"
    return line, _TITLE_SIZE_MIN


def _clean(title: str) -> str:
    """Return the title on one line without control, direction and surrogate characters, which XML cannot hold."""
    return "".join(char for char in " ".join(title.split()) if not unicodedata.category(char).startswith("C"))


@lru_cache(maxsize=16)
def _font(size: int) -> ImageFont.FreeTypeFont:
    data = resources.files("qe_ban.codes").joinpath("fonts", "QECardSans-Bold.otf").read_bytes()
    return ImageFont.truetype(BytesIO(data), size, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=64)
def _colours(colour: str | None) -> tuple[_Rgb, _Rgb]:
    """Return the band and the ink on it; a light band takes dark ink, for a darkened yellow is yellow no more."""
    if colour is None:
        return _NEUTRAL, _WHITE
    if not re.fullmatch("#[0-9a-fA-F]{6}", colour):
        raise ValueError("a colour is written #rrggbb")
    red, green, blue = bytes.fromhex(colour[1:])
    band = (red, green, blue)
    if colours.contrast(_hex(band), _hex(_WHITE)) < _CONTRAST_LARGE:
        return band, _INK
    while colours.contrast(_hex(band), _hex(_WHITE)) < _CONTRAST:
        band = (band[0] * 97 // 100, band[1] * 97 // 100, band[2] * 97 // 100)
    return band, _WHITE


def _hex(rgb: _Rgb) -> str:
    return f"#{bytes(rgb).hex()}"
