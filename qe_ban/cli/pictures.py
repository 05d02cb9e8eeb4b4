"""Reads codes off pictures with zxing-cpp, a decoder that has nothing in common with what draws them."""

from io import BytesIO

import zxingcpp
from PIL import Image, UnidentifiedImageError

from qe_ban.cli.refusals import Refused

LARGEST = 20_000_000


def text_of(content: bytes, name: str) -> str:
    """Give the text of the one code on a picture. Raises Refused, naming the picture `name`."""
    try:
        with Image.open(BytesIO(content)) as image:
            if image.width * image.height > LARGEST:
                raise Refused(f"{name}: more than {LARGEST // 1_000_000} million pixels")
            found = zxingcpp.read_barcodes(image.convert("L"), formats=zxingcpp.barcode_formats_from_str("QRCode"))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise Refused(f"{name}: no picture that can be read") from error
    if len(found) != 1:
        raise Refused(f"{name}: {'no code' if not found else 'several codes'} on this picture")
    text: str = found[0].text
    return text
