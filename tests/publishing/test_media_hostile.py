"""Files that are no pictures, or meant to do harm: refused before they are decoded, without a crash or a warning."""

import io
import random
import struct
import time
import tracemalloc
import zlib
from contextlib import suppress

import pytest

from qe_ban.publishing.adapters import pictures
from qe_ban.publishing.errors import NotAPicture, PicturesBusy
from tests.publishing import photos
from tests.publishing.photos import made

MAGICS = (
    b"\xff\xd8\xff\xe0",
    b"\x89PNG\r\n\x1a\n",
    b"RIFF\x40\0\0\0WEBP",
    b"RIFF\x40\0\0\0WEBPVP8 ",
    b"\xff\xd8\xff\xdb",
)


def refused(data, said=None):
    with pytest.raises(NotAPicture, match=said):
        made(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"\xff\xd8\xff",
        b"GIF89a" + bytes(100),
        b"GIF87a" + b"\xff\xd8\xff",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<?xml version='1.0'?><svg/>",
        b"<!DOCTYPE html><script>alert(1)</script>",
        b"BM" + bytes(100),
        b"II*\0" + bytes(100),
        b"\0\0\0\x1cftypavif" + bytes(100),
        b"\0\0\0\x18ftypheic" + bytes(100),
        b"%PDF-1.7",
        b"PK\x03\x04" + bytes(100),
        "青岛".encode(),
        bytes(10_000),
        b"\n" + photos.png(),
        b"<script>" + photos.jpeg(),
    ],
)
def test_what_is_no_picture_is_refused(data):
    refused(data, "JPEG、PNG 或 WebP|损坏")


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "PPM", "TGA", "PCX", "ICO", "MPO"])
def test_other_kinds_of_pictures_are_refused_and_a_second_picture_in_a_photo_is_left(kind):
    data = photos.written(photos.image(), kind)
    if kind == "MPO":
        assert made(data).type == "image/jpeg"
    else:
        refused(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_file_that_is_cut_off_anywhere_is_refused(kind):
    data = photos.written(photos.image(200, 150), kind)
    for at in [*range(60), *range(60, len(data) - 1, max(1, len(data) // 60)), len(data) - 1]:
        refused(data[:at])


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_what_moves_is_refused(kind):
    frames = [photos.image(seed=1), photos.image(seed=2)]
    refused(photos.written(frames[0], kind, save_all=True, append_images=frames[1:]), "动图|JPEG、PNG")


@pytest.mark.parametrize(
    "size", [(12_001, 1), (1, 12_001), (8000, 5001), (0, 5), (5, 0), (2**31, 2**31), (2**32 - 1, 2**32 - 1)]
)
@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
def test_a_bomb_is_refused_before_it_is_decoded(kind, size):
    width, height = size
    if kind == "png":
        data = photos.png_of(width, height, pixels=bytes(1_000_000))
    elif kind == "jpeg":
        plain = photos.jpeg()
        at = plain.index(b"\xff\xc0") + 5
        data = plain[:at] + struct.pack(">HH", height & 0xFFFF, width & 0xFFFF) + plain[at + 4 :]
    else:
        canvas = b"".join((max(0, side - 1) & 0xFFFFFF).to_bytes(3, "little") for side in size)
        body = b"WEBPVP8X\x0a\0\0\0" + bytes(4) + canvas
        data = b"RIFF" + struct.pack("<I", len(body)) + body
    tracemalloc.start()
    began = time.process_time()
    try:
        refused(data)
        assert tracemalloc.get_traced_memory()[1] < 4 * len(data) + 200_000
    finally:
        tracemalloc.stop()
    assert time.process_time() - began < 1


def test_text_and_profiles_that_unfold_to_gigabytes_do_not():
    bomb = zlib.compress(bytes(60_000_000), 9)
    row = b"\0" + bytes(30)
    data = photos.png_of(
        10,
        10,
        photos.chunk(b"iCCP", b"x\0\0" + bomb),
        *(photos.chunk(b"zTXt", b"x\0\0" + bomb) for _ in range(20)),
        pixels=row * 10,
    )
    tracemalloc.start()
    try:
        assert made(data).width == 10
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
    finally:
        tracemalloc.stop()


def test_a_picture_of_thousands_of_scans_or_chunks_is_refused_at_once():
    progressive = photos.jpeg(3000, 3000, progressive=True)
    scan = progressive.rindex(b"\xff\xda")
    refused(progressive[:-2] + progressive[scan:-2] * 500 + b"\xff\xd9", "扫描")
    empty = photos.chunk(b"IDAT", b"")
    began = time.process_time()
    refused(photos.png()[:33] + empty * 800_000, "分块")
    refused(photos.jpeg()[:2] + b"\xff\xfe\0\2" * 2_000_000, "分块")
    refused(photos.jpeg()[:2] + b"\xff\xd0" * 5_000_000, "分块")
    refused(photos.jpeg()[:2] + b"\xff" * 10_000_000)
    assert time.process_time() - began < 3


def test_pixels_that_are_more_than_the_header_says_are_left():
    data = photos.png_of(10, 10, pixels=(b"\0" + bytes(30)) * 10 + bytes(50_000_000))
    assert made(data).height == 10


def test_a_file_that_is_too_large_is_refused():
    refused(photos.jpeg() + bytes(10 * 1024 * 1024), "10 MB")


@pytest.mark.parametrize("change", ["two sizes", "another size than the canvas", "a wrong sum"])
def test_files_that_contradict_themselves_are_refused(change):
    if change == "two sizes":
        data = photos.jpeg()
        frame = data[data.index(b"\xff\xc0") : data.index(b"\xff\xc4")]
        data = data.replace(frame, frame + frame)
    elif change == "a wrong sum":
        data = bytearray(photos.png())
        data[-20] ^= 1
    else:
        data = bytearray(photos.written(photos.image(), "WEBP", exif=photos.exif(1)))
        data[24] += 1
    refused(bytes(data))


@pytest.mark.parametrize("seed", range(6))
def test_random_bytes_behind_a_magic_are_refused_and_never_crash_or_warn(seed):
    dice = random.Random(seed)
    for _ in range(150):
        refused(dice.choice(MAGICS) + dice.randbytes(dice.randrange(400)))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("seed", range(3))
def test_pictures_with_wrong_bytes_are_pictures_or_refused_and_never_crash_or_warn(kind, seed):
    dice = random.Random(seed)
    options = {"exif": photos.exif(6), "icc_profile": photos.profile()}
    data = photos.written(photos.image(40, 30, seed=seed), kind, **options)
    for _ in range(150):
        broken = bytearray(data)
        for _ in range(dice.randrange(1, 6)):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        with suppress(NotAPicture):
            assert made(bytes(broken)).width <= 2560


def test_who_waits_too_long_for_another_picture_is_told_so():
    with pictures._one, pytest.raises(PicturesBusy):
        pictures.reencode(io.BytesIO(photos.jpeg()), wait=0.05)
    assert made(photos.jpeg())
