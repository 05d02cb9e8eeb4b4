"""Pinyin as people write it: with tone marks or digits, with ü, v or u:, brought to plain letters."""

import re
import unicodedata
from typing import Final

from qe_ban.items.words import sounds

_TONES: Final = "\u0300\u0301\u0304\u030c\u0306"
"""Grave, acute, macron and caron; the breve, by which many write the caron."""
_DIAERESIS: Final = "\u0308"
_LETTERS = re.compile("[a-zA-Z\u00c0-\u024f\u0300-\u030c:'’]+")
_NUMBERED = re.compile("(?:[a-z]+[1-5]){2,}|[a-z]{2,}[1-5]")
_NUMBERED_PART = re.compile("([a-z]+)[1-5]")
_LONGEST_SYLLABLE: Final = 6


def plain(query: str) -> str:
    """Return a query with its pinyin as plain letters: jiéhūn and jie2hun1 are jiehun, lǜshī and lu:shi are lvshi."""
    if query.isascii() and not any(letter.isdigit() or letter in ":'" for letter in query):
        return query
    bare = _LETTERS.sub(lambda match: _without_marks(match[0]), query)
    return _NUMBERED.sub(lambda match: _without_digits(match[0]), bare)


def _without_marks(letters: str) -> str:
    if letters.isascii() and "u:" not in letters.lower() and "'" not in letters:
        return letters
    taken = unicodedata.normalize("NFD", letters)
    taken = "".join(letter for letter in taken if letter not in _TONES).lower()
    return re.sub("['’](?=[a-z])", "", taken.replace("u" + _DIAERESIS, "v").replace("u:", "v"))


def _without_digits(numbered: str) -> str:
    """Return numbered syllables without their digits; what is no pinyin (a3, mp3) keeps them.

    Several syllables may share a digit (paiwu4zheng4): not everybody types one behind each.
    """
    parts = _NUMBERED_PART.findall(numbered)
    return "".join(parts) if all(_is_pinyin(part) for part in parts) else numbered


def _is_pinyin(letters: str) -> bool:
    """Return whether letters are syllables, one behind the other."""
    known = sounds.syllables()
    ends = {0}
    for end in range(1, len(letters) + 1):
        if any(letters[start:end] in known for start in ends if end - start <= _LONGEST_SYLLABLE):
            ends.add(end)
    return len(letters) in ends
