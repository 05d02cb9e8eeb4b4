"""Pictures are made anew from what their content is: upright, in sRGB, in sizes, and with nothing else of the file."""

import base64
import hashlib
import io
import random
import struct
import zlib

import pytest
from PIL import Image, ImageChops, ImageStat

from qe_ban.publishing.errors import NotAPicture
from tests.publishing import photos
from tests.publishing.photos import SECRET, made

RED, BLUE, LIME, WHITE = (255, 0, 0), (0, 0, 255), (0, 255, 0), (255, 255, 255)


def opened(data):
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def is_near(pixel, colour):
    return all(abs(one - other) < 40 for one, other in zip(pixel, colour, strict=True))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("width", [1, 319, 320, 1079, 1081])
def test_a_picture_has_the_sizes_that_are_not_larger_than_itself(kind, width):
    picture = made(photos.written(photos.image(width, 90), kind))
    assert (picture.type, picture.width, picture.height) == ("image/jpeg", width, 90)
    assert list(picture.sizes) == [size for size in (320, 640, 1080) if size <= width]
    for size, data in picture.sizes.items():
        assert opened(data).size == (size, round(90 * size / width))
    assert opened(picture.full).size == (width, 90)
    assert picture.digest == hashlib.sha256(picture.full).hexdigest()


def test_the_same_file_gives_the_same_picture():
    data = photos.jpeg(700, 500)
    assert made(data) == made(data)


@pytest.mark.parametrize("mode", ["L", "1", "P", "I;16", "RGB", "CMYK", "LA", "RGBA"])
def test_every_sort_of_colours_is_taken(mode):
    base = photos.image(50, 40, seed=1)
    if mode == "I;16":
        base = Image.frombytes("I;16", (50, 40), random.Random(2).randbytes(4000))
    data = photos.written(base if mode == "I;16" else base.convert(mode), "PNG" if mode != "CMYK" else "JPEG")
    picture = made(data)
    assert (picture.type, opened(picture.full).mode) == ("image/jpeg", "RGB"), "no point of it is transparent"


def test_a_grey_picture_of_sixteen_bits_keeps_its_shades():
    shades = Image.frombytes("I;16", (256, 1), b"".join(struct.pack("<H", 257 * n) for n in range(256))).resize(
        (256, 8)
    )
    told = opened(made(photos.written(shades, "PNG")).full).convert("L")
    assert abs(told.getpixel((64, 4)) - 64) < 5
    assert abs(told.getpixel((192, 4)) - 192) < 5


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_what_is_transparent_stays_so_in_a_format_of_old_phones(kind):
    logo = photos.image(700, 60, "RGBA")
    logo.putalpha(Image.linear_gradient("L").resize((700, 60)))
    picture = made(photos.written(logo, kind, lossless=True) if kind == "WEBP" else photos.written(logo, kind))
    assert picture.type == "image/png"
    assert opened(picture.full).getchannel("A").getextrema() == logo.getchannel("A").getextrema()
    assert {opened(data).mode for data in picture.sizes.values()} == {"RGBA"}


@pytest.mark.parametrize("mode", ["P", "L", "RGB"])
def test_a_colour_that_stands_for_nothing_is_transparent(mode):
    drawn = Image.new("RGB", (40, 40), "red").convert(mode)
    drawn.paste(drawn.getpixel((0, 0)), (0, 0, 40, 40))
    value = drawn.getpixel((0, 0))
    picture = made(photos.written(drawn, "PNG", transparency=value if mode != "P" else bytes([0] * 256)))
    assert (picture.type, opened(picture.full).getchannel("A").getextrema()) == ("image/png", (0, 0))


def png_of(depth, colour_type, width, rows, *, see_through=b"", more=()):
    """A PNG file of rows of packed samples, uncompressed by any filter; `more`: chunks before the pixels."""

    def chunk(kind, body):
        return struct.pack(">I4s", len(body), kind) + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, len(rows), depth, colour_type, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    parts = [chunk(b"IHDR", header), *([chunk(b"tRNS", see_through)] if see_through else [])]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [*parts, *(chunk(*one) for one in more), chunk(b"IDAT", pixels), chunk(b"IEND", b"")]
    )


def alphas(data, *points):
    picture = made(data)
    assert picture.type == "image/png"
    alpha = opened(picture.full).getchannel("A")
    return [alpha.getpixel(point) for point in points]


HALF_TRANSPARENT = (
    "iVBORw0KGgoAAAANSUhEUgAAAEAAAABAAgAAAADFsjajAAAAAnRSTlMAA++anIIAAAAYSURBVHicY/gPBQwwMCowKjAqMCpAnAAA/C3+EByoZEMA"
    "AAAASUVORK5CYII="
)


def test_the_transparent_half_of_a_grey_picture_of_two_bits_stays_transparent():
    assert alphas(base64.b64decode(HALF_TRANSPARENT), (0, 0), (31, 63), (32, 0), (63, 63)) == [0, 0, 255, 255]


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_each_grey_of_few_bits_can_be_the_one_that_is_transparent(depth):
    shades = 1 << depth
    for grey in range(0, shades, max(1, shades // 16)):
        # the bits above the depth say nothing
        said = struct.pack(">H", grey | (0xFF00 if depth == 8 else 0xFFFF & ~(shades - 1)))
        each, other = ((value << (8 - depth)) & 0xFF for value in (grey, (grey + 1) % shades))
        data = png_of(depth, 0, 1, [bytes([each]), bytes([other])], see_through=said)
        assert alphas(data, (0, 0), (0, 1)) == [0, 255]


def test_a_grey_of_sixteen_bits_is_transparent_only_where_all_of_its_bits_are_the_same():
    rows = [struct.pack(">HHH", 0x1234, 0x1235, 0x1334)]
    assert alphas(png_of(16, 0, 3, rows, see_through=b"\x12\x34"), (0, 0), (1, 0), (2, 0)) == [0, 255, 255]


@pytest.mark.parametrize(("depth", "form"), [(8, ">BBB"), (16, ">HHH")])
def test_a_colour_of_red_green_and_blue_is_transparent(depth, form):
    scale = 1 if depth == 8 else 257
    rows = [b"".join(struct.pack(form, *(scale * value for value in pixel)) for pixel in ((9, 8, 7), (9, 8, 6)))]
    see_through = struct.pack(">HHH", *(scale * value for value in (9, 8, 7)))
    assert alphas(png_of(depth, 2, 2, rows, see_through=see_through), (0, 0), (1, 0)) == [0, 255]


def test_a_grey_of_sixteen_bits_with_alpha_keeps_both():
    rows = [struct.pack(">HHHH", 0x8000, 0x0000, 0x8000, 0xFFFF)]
    assert alphas(png_of(16, 4, 2, rows), (0, 0), (1, 0)) == [0, 255]


def test_a_palette_of_which_a_part_is_transparent_keeps_each_shade():
    drawn = Image.new("P", (9, 9), 0)
    drawn.putpalette([255, 0, 0, 0, 0, 255])
    drawn.paste(1, (4, 0, 9, 9))
    data = photos.written(drawn, "PNG", transparency=bytes([0, 128]))
    assert alphas(data, (0, 0), (8, 8)) == [0, 128]


def test_an_animation_of_one_frame_is_a_picture():
    frames = [(b"acTL", struct.pack(">II", 1, 0)), (b"fcTL", struct.pack(">IIIIIHHBB", 0, 1, 1, 0, 0, 1, 1, 0, 0))]
    assert made(png_of(8, 0, 1, [b"\x80"], more=frames)).type == "image/jpeg"
    file = io.BytesIO()
    photos.image(20, 10).save(file, "WEBP", save_all=True, append_images=[photos.image(20, 10)])
    moving = file.getvalue()
    with pytest.raises(NotAPicture, match="动图"):
        made(moving)
    assert made(one_frame_of(moving)).width == 20


def one_frame_of(moving):
    """The same WebP file with its first frame only."""
    at = moving.index(b"ANMF")
    end = at + 8 + struct.unpack_from("<I", moving, at + 4)[0]
    return moving[:4] + struct.pack("<I", end - 8) + moving[8:end]


def test_a_palette_with_shades_of_transparency_is_taken_without_a_warning():
    drawn = photos.image(40, 40, seed=4).quantize(16)
    picture = made(photos.written(drawn, "PNG", transparency=bytes(range(0, 256, 16))))
    assert picture.type == "image/png"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_nothing_but_the_picture_is_kept_of_a_file(kind):
    options = {"exif": photos.exif(1), "icc_profile": photos.profile()}
    if kind == "JPEG":
        options["comment"] = SECRET
    if kind == "WEBP":
        options["xmp"] = SECRET
    data = photos.written(photos.image(400, 300), kind, **options)
    if kind == "PNG":
        at = 33
        extra = photos.chunk(b"tEXt", b"Comment\0" + SECRET) + photos.chunk(b"zTXt", b"a\0\0" + zlib.compress(SECRET))
        data = data[:at] + extra + photos.chunk(b"iTXt", b"b\0\0\0\0\0" + SECRET) + data[at:]
    data += SECRET + b"PK\x03\x04<script>alert(1)</script>"
    assert SECRET in data
    picture = made(data)
    for kept in (picture.full, *picture.sizes.values()):
        assert SECRET not in kept
        assert b"script" not in kept
        left = opened(kept)
        assert not left.getexif()
        assert not {"icc_profile", "comment", "xmp", "exif", "photoshop"} & set(left.info)
        assert b"ICC_PROFILE" not in kept
        assert b"Exif" not in kept


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_stands_upright_whichever_way_the_phone_was_held(kind, orientation):
    undone = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    held = photos.corners() if orientation == 1 else photos.corners().transpose(undone[orientation])
    picture = made(photos.written(held, kind, exif=photos.exif(orientation), quality=95))
    upright = opened(picture.full)
    assert upright.size == (picture.width, picture.height) == (60, 40)
    seen = [upright.getpixel(at) for at in ((8, 8), (50, 8), (8, 32), (50, 32))]
    assert all(is_near(pixel, colour) for pixel, colour in zip(seen, (RED, LIME, BLUE, WHITE), strict=True)), seen


@pytest.mark.parametrize(
    "tiff",
    [
        b"",
        b"II*\0",
        b"II*\0\xff\xff\xff\xff",
        b"II*\0\x08\0\0\0\xff\xff",
        b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x09\0\0\0",
        b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\0\0\0\0",
        b"XX*\0" * 9,
    ],
)
def test_exif_that_cannot_be_read_says_nothing(tiff):
    body = b"Exif\0\0" + tiff
    segment = b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
    data = photos.written(photos.corners(), "JPEG")
    assert made(data[:2] + segment + data[2:]).digest == made(data).digest


@pytest.mark.parametrize(("kind", "mode"), [("JPEG", "RGB"), ("PNG", "RGB"), ("PNG", "RGBA"), ("WEBP", "RGB")])
def test_colours_of_another_space_come_out_as_they_were_meant(kind, mode):
    red = Image.new("RGB", (40, 40), "red")
    if mode == "RGBA":
        red.putalpha(128)
    picture = made(photos.written(red, kind, icc_profile=photos.swapped_profile()))
    assert is_near(opened(picture.full).convert("RGB").getpixel((20, 20)), BLUE)


@pytest.mark.parametrize("profile", [b"x", b"\0" * 200, photos.profile()[:300], photos.profile() * 900])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_profile_that_is_none_changes_no_colour(kind, profile):
    red = photos.written(Image.new("RGB", (40, 40), "red"), kind, icc_profile=profile)
    assert is_near(opened(made(red).full).getpixel((20, 20)), RED)


def test_a_profile_of_other_colours_than_the_pictures_changes_none():
    grey = photos.written(Image.new("L", (40, 40), 90), "JPEG", icc_profile=photos.profile())
    assert ImageStat.Stat(opened(made(grey).full)).mean[0] == pytest.approx(90, abs=3)


def test_a_photo_looks_like_before():
    photo = Image.effect_mandelbrot((600, 400), (-2, -1.2, 1, 1.2), 60).convert("RGB")
    kept = opened(made(photos.written(photo, "PNG")).full)
    assert ImageStat.Stat(ImageChops.difference(photo, kept)).mean[0] < 4


def test_a_large_picture_is_kept_no_wider_than_screens_are_and_a_long_one_stays_readable():
    wide = made(photos.jpeg(6000, 1000))
    assert (wide.width, wide.height) == (2560, 427)
    long = made(photos.jpeg(1080, 11_000))
    assert (long.width, long.height) == (1080, 11_000)
    turned = made(photos.jpeg(600, 4000, exif=photos.exif(6)))
    assert (turned.width, turned.height) == (2560, 384)
