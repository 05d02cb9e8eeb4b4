"""How Han text sounds: by words with pypinyin where texts are written, by single characters where they are asked for.

pypinyin takes 60 MiB; a query needs only the first reading of each character, which lies in `syllables.txt` (made of
pypinyin's own table; a test compares them).
"""

from collections.abc import Sequence
from functools import cache
from importlib import import_module, resources
from types import ModuleType
from typing import Final

SYLLABLES: Final = "syllables.txt"


@cache
def _readings() -> dict[str, str]:
    lines = (resources.files("qe_ban.items.words") / SYLLABLES).read_text("utf-8").splitlines()
    return {letter: syllable for syllable, letters in map(str.split, lines) for letter in letters}


@cache
def _pypinyin() -> ModuleType:
    return import_module("pypinyin")


@cache
def syllables() -> frozenset[str]:
    """Give every syllable there is, without tones; ü is written v."""
    return frozenset(_readings().values())


def heard(text: str) -> str:
    """Give a text with each Han character by its first reading; what has none stays."""
    readings = _readings()
    return "".join(readings.get(letter, letter) for letter in text)


def spoken(words: Sequence[str]) -> list[list[str]]:
    """Give the readings of words one after the other, a reading for each character; what has none stays itself.

    The words' own readings decide (银行 yin hang). Imports pypinyin: for the writing path only.
    """
    given = _pypinyin().lazy_pinyin(list(words), errors=list, v_to_u=False)
    if len(given) != sum(map(len, words)):  # a character that pypinyin counts otherwise than Python does
        given = [heard(letter) for word in words for letter in word]
    readings = iter(given)
    return [[next(readings).lower() for _ in word] for word in words]
