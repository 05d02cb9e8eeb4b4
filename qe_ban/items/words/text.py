"""Brings texts that people write differently to one spelling: width, case, traditional characters, spaces."""

import re
import unicodedata
from functools import cache, lru_cache
from itertools import groupby
from typing import Final, Literal

import opencc

Script = Literal["han", "latin", "other"]

HAN: Final = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff\u3007"
_HAN = re.compile(f"[{HAN}]")
_LATIN = re.compile(r"[a-z0-9]")
_ROUNDS = 4


@cache
def _converter() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")


def normalise(text: str) -> str:
    """Give a text as it is compared: NFKC, no case, simplified characters, single spaces, nothing invisible.

    Doing it again changes nothing. Never raises, whatever the text.
    """
    for _ in range(_ROUNDS):
        changed = _once(text)
        if changed == text:
            break
        text = changed
    return text


def _once(text: str) -> str:
    visible = "".join(" " if letter.isspace() else letter for letter in text if _is_visible(letter))
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", visible).casefold())
    return " ".join(_converter().convert(folded).split())


def _is_visible(letter: str) -> bool:
    """Tell whether a character stays: control and format characters, surrogates and unassigned ones go."""
    return letter.isspace() or not unicodedata.category(letter).startswith("C")


@lru_cache(16384)
def folded(letter: str) -> str:
    """Give one character of a text as it is compared: none where it is invisible, several where it stands for them."""
    return normalise(letter)


def script(letter: str) -> Script:
    """Tell what a character of a normalised text is: Han, a Latin letter or digit, or neither."""
    if _HAN.match(letter):
        return "han"
    return "latin" if _LATIN.match(letter) else "other"


def runs(text: str) -> list[tuple[Script, str]]:
    """Take a normalised text apart into stretches of one script; what is neither Han nor Latin only divides."""
    found = [(kind, "".join(letters)) for kind, letters in groupby(text, script)]
    return [(kind, run) for kind, run in found if kind != "other"]


def compact(text: str) -> str:
    """Give a normalised text without spaces and punctuation: Han, Latin letters and digits only."""
    return "".join(letter for letter in text if script(letter) != "other")
