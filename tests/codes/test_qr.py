"""The cards are read by an independent decoder, clean and as cameras see them."""

import random
import re
import xml.etree.ElementTree as ET
from io import BytesIO

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageColor, ImageDraw, ImageFilter
from qrcode import util
from qrcode.main import QRCode

from qe_ban.codes import qr

ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
BLUE, ORANGE, YELLOW = "#1f5fbf", "#c9661a", "#f2b705"
SVG = "{http://www.w3.org/2000/svg}"


def code(length: int, seed: int = 1) -> str:
    return "QE1:" + "".join(random.Random(seed).choices(ALPHANUMERIC, k=length - 4))


ISSUED, PRINTED, PRESENTED, LONGEST = code(184), code(192), code(393), code(700)


def card(text: str = ISSUED, title: str = "身份码", colour: str | None = BLUE) -> Image.Image:
    return Image.open(BytesIO(qr.png(text, title=title, colour=colour)))


def read(picture: Image.Image) -> zxingcpp.Barcode:
    barcodes = zxingcpp.read_barcodes(picture.convert("L"))
    assert len(barcodes) == 1
    return barcodes[0]


def dark_modules(picture: Image.Image) -> tuple[int, int, int, int]:
    """Return the box of the black pixels below the title."""
    black = picture.convert("L").point([255] + [0] * 255)
    ImageDraw.Draw(black).rectangle((0, 0, qr.WIDTH, 107), fill=0)
    box = black.getbbox()
    assert box is not None
    return box


def rasterise(svg: str) -> Image.Image:
    """Return the rectangles and the path of an SVG of ours, without its text."""
    root = ET.fromstring(svg)
    picture = Image.new("RGB", (qr.WIDTH, qr.HEIGHT), "red")
    draw = ImageDraw.Draw(picture)
    for rect in root.iter(f"{SVG}rect"):
        x, y, width, height = (int(rect.get(name, "0")) for name in ("x", "y", "width", "height"))
        draw.rectangle((x, y, x + width - 1, y + height - 1), fill=ImageColor.getrgb(rect.get("fill", "")))
    (path,) = root.iter(f"{SVG}path")
    path_data = path.get("d", "")
    pattern = re.compile(r"M(\d+) (\d+)h(\d+)v(\d+)h-(\d+)z")
    assert pattern.sub("", path_data) == ""
    for x, y, width, height, _back in (map(int, numbers) for numbers in pattern.findall(path_data)):
        draw.rectangle((x, y, x + width - 1, y + height - 1), fill="black")
    return picture


@pytest.mark.parametrize(
    ("text", "version"), [(ISSUED, 6), (PRINTED, 6), (PRESENTED, 10), (LONGEST, 15), ("QE1:", 1), ("qe1:青岛", 1)]
)
def test_a_card_holds_the_very_text_in_the_smallest_code_of_level_l(text: str, version: int) -> None:
    barcode = read(card(text))
    assert barcode.text == text
    assert (barcode.extra["Version"], barcode.extra["ECLevel"]) == (str(version), "L")


@settings(deadline=None, max_examples=50)
@given(st.text(ALPHANUMERIC, min_size=1, max_size=700))
def test_every_text_of_the_format_is_drawn_and_read(text: str) -> None:
    assert read(card(text)).text == text


@pytest.mark.parametrize("length", [*range(40), 184, 192, 195, 196, 393, 700, 1500, 4296])
def test_the_modules_are_those_of_the_library(length: int) -> None:
    text = "".join(random.Random(length).choices(ALPHANUMERIC, k=length))
    library = QRCode(error_correction=1, mask_pattern=0)
    library.add_data(util.QRData(text.encode(), mode=util.MODE_ALPHA_NUM))
    library.make()
    assert qr._modules(text) == library.modules


@settings(deadline=None)
@given(st.binary(max_size=60).map(lambda data: data.decode("latin-1")))
def test_the_modules_of_other_texts_are_those_of_the_library(text: str) -> None:
    text = "a" + text
    library = QRCode(error_correction=1, mask_pattern=0)
    library.add_data(util.QRData(text.encode(), mode=util.MODE_8BIT_BYTE))
    library.make()
    assert qr._modules(text) == library.modules


def test_a_text_that_no_code_holds_is_refused() -> None:
    with pytest.raises(qr.TextTooLong):
        qr.png("A" * 4297, title="身份码", colour=None)


@pytest.mark.parametrize("text", [ISSUED, PRINTED, PRESENTED, LONGEST, "QE1:"])
@pytest.mark.parametrize("form", ["png", "svg"])
def test_four_modules_around_the_code_are_white(text: str, form: str) -> None:
    picture = card(text) if form == "png" else rasterise(qr.svg(text, title="", colour=BLUE))
    left, top, right, bottom = dark_modules(picture)
    scale = (right - left) // len(qr._modules(text))
    quiet = 4 * scale
    around = picture.convert("RGB").crop((left - quiet, top - quiet, right + quiet, bottom + quiet))
    ImageDraw.Draw(around).rectangle((quiet, quiet, quiet + right - left - 1, quiet + bottom - top - 1), fill="white")
    assert right - left == bottom - top
    assert around.getcolors() == [(around.width * around.height, (255, 255, 255))]


@pytest.mark.parametrize("text", [ISSUED, PRINTED, PRESENTED])
def test_modules_are_whole_pixels_black_on_white(text: str) -> None:
    picture = card(text).convert("RGB")
    left, top, right, bottom = dark_modules(picture)
    size = len(qr._modules(text))
    scale, rest = divmod(right - left, size)
    assert rest == 0
    for y in range(0, size, 5):
        for x in range(size):
            module = picture.crop(
                (left + x * scale, top + y * scale, left + (x + 1) * scale, top + (y + 1) * scale)
            ).getcolors()
            assert module in ([(scale * scale, (0, 0, 0))], [(scale * scale, (255, 255, 255))])
    assert bottom - top == right - left


@pytest.mark.parametrize("radius", [1, 2, 4])
@pytest.mark.parametrize("text", [ISSUED, PRINTED])
def test_a_blurred_card_is_read(text: str, radius: int) -> None:
    assert read(card(text).convert("RGB").filter(ImageFilter.GaussianBlur(radius))).text == text


@pytest.mark.parametrize("degrees", [3, 7, 13, 29, 45, 61, 90, 133, 180, 217, 301])
def test_a_turned_card_is_read(degrees: int) -> None:
    picture = card().convert("RGB").rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor="grey")
    assert read(picture).text == ISSUED


@pytest.mark.parametrize("centre", [(300, 390), (420, 480), (200, 420)])
def test_a_card_with_glare_is_read(centre: tuple[int, int]) -> None:
    x, y = centre
    glare = Image.new("L", (qr.WIDTH, qr.HEIGHT))
    ImageDraw.Draw(glare).ellipse((x - 120, y - 60, x + 120, y + 60), fill=150)  # a sheen that modules show through
    ImageDraw.Draw(glare).ellipse((x - 30, y - 14, x + 30, y + 14), fill=255)  # and a spot that hides them
    picture = card().convert("RGB")
    picture.paste("white", (0, 0), glare.filter(ImageFilter.GaussianBlur(4)))
    assert read(picture).text == ISSUED


@pytest.mark.parametrize("text", [ISSUED, PRESENTED])
def test_a_card_as_a_poor_jpeg_is_read(text: str) -> None:
    out = BytesIO()
    card(text).convert("RGB").save(out, "JPEG", quality=30)
    assert read(Image.open(out)).text == text


@pytest.mark.parametrize("text", [ISSUED, PRINTED])
def test_a_card_scaled_to_150_pixels_is_read(text: str) -> None:
    small = card(text).convert("RGB")
    small.thumbnail((150, 150 * qr.HEIGHT // qr.WIDTH))
    assert small.width == 150
    assert read(small).text == text


def test_a_dim_turned_blurred_poor_jpeg_is_read() -> None:
    picture = card().convert("RGB").resize((360, 420)).rotate(11, Image.Resampling.BICUBIC, expand=True)
    picture = picture.filter(ImageFilter.GaussianBlur(1)).point(lambda level: 40 + level // 2)
    out = BytesIO()
    picture.save(out, "JPEG", quality=30)
    assert read(Image.open(out)).text == ISSUED


@pytest.mark.parametrize("colour", [BLUE, ORANGE, YELLOW, None])
@pytest.mark.parametrize("text", [ISSUED, PRINTED, PRESENTED])
def test_the_svg_holds_the_very_text(text: str, colour: str | None) -> None:
    assert read(rasterise(qr.svg(text, title="身份码", colour=colour))).text == text


def test_svg_and_png_put_the_code_in_the_same_place() -> None:
    assert dark_modules(rasterise(qr.svg(ISSUED, title="身份码", colour=BLUE))) == dark_modules(card())


@pytest.mark.parametrize(
    "title", ['<script>alert("1")</script>', "a&b'c\"d", "]]>", "\x00\x1b[31m红\u202e码\ud800\uffff"]
)
def test_a_title_cannot_break_the_svg(title: str) -> None:
    root = ET.fromstring(qr.svg(ISSUED, title=title, colour=None))
    assert [element.tag.removeprefix(SVG) for element in root] == ["title", "rect", "text", "rect", "path"]
    assert root.get("role") == "img"
    printable = "".join(char for char in title if char.isprintable())
    assert root.findtext(f"{SVG}title") == printable
    assert root.findtext(f"{SVG}text") == printable


@settings(deadline=None, max_examples=50)
@given(st.text(st.characters(), max_size=80))
def test_any_title_is_drawn(title: str) -> None:
    assert read(card("QE1:", title=title)).text == "QE1:"
    assert ET.fromstring(qr.svg("QE1:", title=title, colour=None)).tag == f"{SVG}svg"


def test_a_long_title_is_cut_and_stays_on_the_card() -> None:
    title = "青岛市民身份码请勿转借他人使用有效期请刷新" * 3
    band = card(title=title).convert("RGB").crop((0, 0, qr.WIDTH, 100))
    blue = ImageColor.getrgb(BLUE)
    for edge in ((0, 0, 20, 100), (qr.WIDTH - 20, 0, qr.WIDTH, 100)):
        assert band.crop(edge).getcolors() == [(20 * 100, blue)]
    line = ET.fromstring(qr.svg(ISSUED, title=title, colour=None)).findtext(f"{SVG}text")
    assert line is not None
    assert line.endswith("…")
    assert title.startswith(line[:-1])


@pytest.mark.parametrize("title", ["身份码", "健康码", "医保码", "社保码", "就餐码"])
def test_the_shipped_font_has_the_titles(title: str) -> None:
    missing = qr._font(40).getmask("\U0001f600")
    glyphs = [qr._font(40).getmask(char) for char in title]
    assert all(bytes(glyph) != bytes(missing) for glyph in glyphs)
    assert len({bytes(glyph) for glyph in glyphs}) == 3


def luminance(rgb: tuple[int, ...]) -> float:
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (part / 255 for part in rgb)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


@settings(deadline=None)
@given(st.binary(min_size=3, max_size=3).map(lambda rgb: f"#{rgb.hex()}"))
def test_the_title_stands_out_on_any_colour(colour: str) -> None:
    root = ET.fromstring(qr.svg("QE1:", title="身份码", colour=colour))
    band, ink = (element.get("fill", "") for element in (root[1], root[2]))
    darker, lighter = sorted((luminance(ImageColor.getrgb(band)), luminance(ImageColor.getrgb(ink))))
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5


@pytest.mark.parametrize(("colour", "band"), [(BLUE, BLUE), (YELLOW, YELLOW), (None, "#3a3f47")])
def test_band_and_frame_have_the_colour_of_the_kind(colour: str | None, band: str) -> None:
    picture = card(colour=colour).convert("RGB")
    for place in ((0, 0), (qr.WIDTH - 1, 0), (5, qr.HEIGHT // 2), (qr.WIDTH // 2, qr.HEIGHT - 1)):
        assert picture.getpixel(place) == ImageColor.getrgb(band)


@pytest.mark.parametrize("colour", ["", "blue", "#12345", "#12345g", '"/><script>', "#1234567"])
def test_another_colour_is_refused(colour: str) -> None:
    for draw in (qr.png, qr.svg):
        with pytest.raises(ValueError, match="#rrggbb"):
            draw(ISSUED, title="身份码", colour=colour)


def test_a_card_leaves_no_trace_on_the_next() -> None:
    first = qr.png(ISSUED, title="身份码", colour=BLUE)
    assert read(card(code(20, seed=2))).text == code(20, seed=2)
    assert qr.png(ISSUED, title="身份码", colour=BLUE) == first


def test_a_card_is_small() -> None:
    assert len(qr.png(ISSUED, title="身份码", colour=BLUE)) < 8_000
    assert len(qr.svg(ISSUED, title="身份码", colour=BLUE)) < 12_000


@pytest.mark.parametrize("text", [ISSUED, PRESENTED])
@pytest.mark.parametrize("ansi", [True, False])
def test_a_dark_terminal_shows_a_code_that_is_read(text: str, ansi: bool) -> None:
    output = qr.terminal(text, ansi=ansi)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", output)
    assert (plain != output) is ansi
    lines = plain.splitlines()
    side = len(qr._modules(text)) + 8
    assert {len(line) for line in lines} == {side}
    picture = Image.new("L", (side, 2 * len(lines)))
    for y, line in enumerate(lines):
        for x, char in enumerate(line):
            picture.putpixel((x, 2 * y), 255 * (char in "▀█"))
            picture.putpixel((x, 2 * y + 1), 255 * (char in "▄█"))
    assert picture.crop((0, 0, side, 4)).getcolors() == [(4 * side, 255)]
    canvas = Image.new("L", (side + 10, side + 10))
    canvas.paste(picture, (5, 5))
    assert read(canvas.resize((5 * canvas.width, 5 * canvas.height), Image.Resampling.NEAREST)).text == text
