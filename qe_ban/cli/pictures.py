"""Reads codes off pictures with zxing-cpp, a decoder that has nothing in common with what draws them."""

from gettext import gettext as _
from io import BytesIO

import zxingcpp
from PIL import Image, UnidentifiedImageError

from qe_ban.cli.refusals import Refused

MAX_PIXELS = 20_000_000


def text_of(content: bytes, name: str) -> str:
    """Read the text of the one code off a picture. Raises Refused, naming the picture `name`."""
    try:
        with Image.open(BytesIO(content)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Refused(
                    _("{name}: more than {largest} million pixels").format(name=name, largest=MAX_PIXELS // 1000000)
                )
            barcodes = zxingcpp.read_barcodes(image.convert("L"), formats=zxingcpp.barcode_formats_from_str("QRCode"))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise Refused(_("{name}: no picture that can be read").format(name=name)) from error
    if len(barcodes) != 1:
        raise Refused(
            _("{name}: {codes} on this picture").format(
                name=name, codes=_("no code") if not barcodes else _("several codes")
            )
        )
    text: str = barcodes[0].text
    return text
