"""Codes as they arrive from scanners that act as keyboards: what the keyboard did to them, undone at the edge.

A code is base45: digits, capitals, the space and `$%*+-./:`. So whatever else stands in it was put there on the way,
and where it can stem from one character only, that one is meant. The format itself (`token`) stays strict.
"""

import re
from typing import Final

from qe_ban.codes import token
from qe_ban.codes.token.parsing import PREFIX

MOST: Final = token.MAX_CHARACTERS + 64
"""Characters that are looked at: a code, and what a scanner puts around it."""

_FULL_WIDTH: Final = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
# Chinese input methods: ￥ for $, 。 for ., 、 for /, 】 for the ] of an AIM prefix; spaces that are none of ASCII
_CHINESE: Final = {
    **dict.fromkeys(map(ord, "￥¥"), "$"),
    **dict.fromkeys(map(ord, "。｡"), "."),
    ord("、"): "/",
    ord("×"): "*",
    ord("】"): "]",
    **dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2212"), "-"),
    **dict.fromkeys(map(ord, "\u00a0\u3000"), " "),
}
# STX, ETX, GS and their like frame what industrial scanners send; marks such as the BOM come from files and clipboards.
# A TAB within is left: it may stand for a space
_FRAMES: Final = dict.fromkeys(
    code
    for code in (*range(0x20), *range(0x7F, 0xA0), *range(0x200B, 0x2010), 0xAD, *range(0x2028, 0x202F), 0x2060, 0xFEFF)
    if code != ord("\t")
)
_TABLE: Final = str.maketrans(_FULL_WIDTH | _CHINESE | _FRAMES)
_MOJIBAKE_BOM: Final = "ï»¿"
# ISO/IEC 15424: ] and two characters name the symbology; with ECI, \ and six digits follow
_AIM: Final = re.compile(r"\](?:[A-Z][0-9A-Z])(?:\\[0-9]{6})?", re.ASCII)


def undo_keyboard(text: str) -> str:
    """Return the text as it was before a keyboard typed it, as far as there is no doubt; a code as it should be stays.

    Undone are: swapped case (caps lock), full-width and Chinese characters, AIM prefixes, control and invisible
    characters, spaces around (a code neither begins nor ends with one). What is too long for a code is left alone.
    """
    if _is_clean(text) or len(text) > MOST:
        return text
    normal = text.removeprefix(_MOJIBAKE_BOM).translate(_TABLE).strip(" \t")
    if not normal.isascii():
        return text
    normal = normal.upper()
    return normal[prefix.end() :].strip(" \t") if (prefix := _AIM.match(normal)) else normal


def _is_clean(text: str) -> bool:
    """Return whether nothing is to be undone: a few passes in C, for every scan comes through here."""
    return text.startswith(PREFIX) and text.isascii() and text.isprintable() and text.isupper() and text[-1] != " "


def is_keyboard_fault(text: str) -> bool:
    """Return whether a malformed text is a code that a keyboard of another layout, or without Shift, has typed.

    It is not undone: which layout it was is a guess.
    """
    if len(text) > MOST:
        return False
    content = text.strip(" \t\r\n")
    if content[:4].upper() == _WITHOUT_SHIFT:
        return True
    return any(_is_readable(content.translate(layout)) for layout in _LAYOUTS)


def _is_readable(text: str) -> bool:
    try:
        token.parse(undo_keyboard(text))
    except token.Refused:
        return False
    return True


_WITHOUT_SHIFT: Final = "QE1;"
_YZ_SWAP: Final = str.maketrans("YZyz", "ZYZY")
_GERMAN: Final = _YZ_SWAP | str.maketrans({"Ö": ":", "ö": ":", "-": "/", "ß": "-", "(": "*", "`": "+"})
_FRENCH: Final = str.maketrans(
    {
        "A": "Q",
        "Q": "A",
        "W": "Z",
        "Z": "W",
        "?": "M",
        "M": ":",
        ":": ".",
        "!": "/",
        ")": "-",
        "4": "$",
        "5": "%",
        "8": "*",
    }
    | dict(zip("&é\"'(-è_çà", "1234567890", strict=True))
)
_LAYOUTS: Final = (_YZ_SWAP, _GERMAN, _FRENCH)
"""What a scanner set to the keyboard of the United States types on a computer set to another one, back again."""
