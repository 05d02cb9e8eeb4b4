"""Brings what people type, as keyboards and address books give it, to the one form that is judged and compared.

Names keep what a name may be written with; numbers and codes lose everything that only groups their characters. What
could mean two things is left as it is, and refused or not confirmed by whoever judges it.
"""

import re
import unicodedata
from typing import Final

_SPACES: Final = (
    "\u0020\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
)
# Marks that only steer how text is shown: address books and chat programs put them around what they copy. Within a
# name they stay, and are refused by whoever reads it: there they make text read otherwise than it is stored.
_INVISIBLE: Final = "\u00ad\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
_HYPHENS: Final = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d"
# Of no text are these part: where a line may break, and which picture of a sign is meant.
_WITHIN: Final = ("\u00ad", *map(chr, range(0xFE00, 0xFE10)), *map(chr, range(0xE0100, 0xE01F0)))
_KEYCAP: Final = "\u20e3"
_APOSTROPHES: Final = "\u0060\u00b4\u2018\u2019\u201b\u02b9\u02bb\u02bc\u2032\uff07"
_FULL_STOPS: Final = ".\u2024\ufe52\uff0e"
_DOTS: Final = (
    "\u00b7\u0387\u02d9\u1427\u16eb\u2022\u2027\u2219\u22c5\u25cf\u2981\u2e31\u2e33\u3002\u30fb\u318d\ua78f\uff61\uff65"
    "\U00010101"
)
SEPARATOR: Final = "\u00b7"
"""Stands between the parts of a name, as the register writes it (GB/T 2312's 间隔号)."""

_NAME_TABLE: Final = str.maketrans(
    {chr(code): chr(code - 0xFEE0) for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))}
    | dict.fromkeys(_WITHIN, "")
    | dict.fromkeys(_SPACES, " ")
    | dict.fromkeys(_HYPHENS, "-")
    | dict.fromkeys(_APOSTROPHES, "'")
    | dict.fromkeys(_FULL_STOPS, ".")
    | dict.fromkeys(_DOTS, SEPARATOR)
)
_HAN: Final = "\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
_AROUND: Final = f"\t\n\r\v\f{_SPACES}{_INVISIBLE}"
_RUN_OF_SPACES: Final = re.compile(" {2,}")
_SPACE_WITHIN_HAN: Final = re.compile(f"(?<=[{_HAN}]) (?=[{_HAN}])")
_RUN_OF_DOTS: Final = re.compile(rf" *[.{SEPARATOR}](?:[ .{SEPARATOR}]*[.{SEPARATOR}])? *")
_DASHES: Final = frozenset("\u02d7\u2043\u2212\u30fc")
"""Used as dashes in numbers, and of another category than Pd."""
_RUN_OF_HYPHENS: Final = re.compile("-{2,}")


def normalise_name(text: str) -> str:
    """Return a person's name in the form in which registers are asked and names are compared.

    NFC; full-width Latin as ASCII; every dot between parts as U+00B7 without spaces around it; typographic apostrophes
    and hyphens as ASCII; no soft hyphens; one space for a run of them, none between Han characters; nothing invisible
    around it. A full stop between Latin letters stays, for it may end an abbreviation (`John F. Kennedy`). Doing it
    again changes nothing.
    """
    text = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).translate(_NAME_TABLE)).strip(_AROUND)
    text = _SPACE_WITHIN_HAN.sub("", _RUN_OF_SPACES.sub(" ", text))
    return _RUN_OF_DOTS.sub(_name_dot, text)


def _name_dot(run: re.Match[str]) -> str:
    before, after = run.string[: run.start()][-1:], run.string[run.end() :][:1]
    if not before or not after:
        return run[0]
    is_abbreviation = SEPARATOR not in run[0] and _is_latin(before) and _is_latin(after)
    return run[0] if is_abbreviation else SEPARATOR


def _is_latin(char: str) -> bool:
    # combining marks stand only where NFC has no letter that includes them
    return char in "'-)" or unicodedata.category(char) == "Mn" or unicodedata.name(char, "").startswith("LATIN ")


def has_name_characters(text: str) -> bool:
    """Return whether a normalised name has a letter, and nothing that no name is written with: digits, symbols."""
    categories = {unicodedata.category(char) for char in text}
    return bool(categories & _LETTERS) and not categories & _NOT_IN_NAMES and _PUNCTUATION.isdisjoint(text)


# rare Han characters are still typed in the private use area; of other scripts, marks between syllables belong to names
_LETTERS: Final = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Nl", "Co"})
_NOT_IN_NAMES: Final = frozenset({"Cc", "Cf", "Nd", "No", "Pc", "Sc", "Sm", "So"})
_PUNCTUATION: Final = frozenset('!"#%&*/:;?@[\\]^{}！＂＃％＆＊／：；？＠［＼］＾｛｝，、﹑〈〉《》「」『』【】〔〕“”…')


def normalise_number(text: str) -> str:
    """Return a number or code without what only groups it: NFKC; no format characters, white space or dashes.

    Case stays. Doing it again changes nothing.
    """
    if text.isascii() and text.isalnum():
        return text
    for _ in range(_ROUNDS):
        normal = "".join(char for char in unicodedata.normalize("NFKC", text) if not _only_groups(char))
        if normal == text:
            break
        text = normal
    return text


_ROUNDS: Final = 4
"""What is dropped may let marks meet letters, which NFKC then joins: more often than this, nothing does."""


def _only_groups(char: str) -> bool:
    return char.isspace() or char in _DASHES or char in _UNSEEN or unicodedata.category(char) in _GROUPING


_UNSEEN: Final = frozenset({*_WITHIN, _KEYCAP})
_GROUPING: Final = frozenset({"Cf", "Pd", "Zs", "Zl", "Zp"})


def normalise_hyphenated(text: str) -> str:
    """Return a number of which hyphens are part (a case, a fixed line): as `normalise_number`, but a dash is `-`."""
    hyphens_only = "".join("-" if _is_dash(char) else char for char in unicodedata.normalize("NFKC", text))
    return _RUN_OF_HYPHENS.sub("-", "-".join(normalise_number(part) for part in hyphens_only.split("-")))


def _is_dash(char: str) -> bool:
    return char in _DASHES or unicodedata.category(char) == "Pd"
