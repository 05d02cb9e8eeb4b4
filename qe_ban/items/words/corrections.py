"""What may be taken for a slip at all: never a word of the language, never a digit.

No result is better than a wrong one. 信访 sounds like 新房 and 退押金 is one character from 退休金, but they are right.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from qe_ban.items.words import dictionary, sounds

_LONGEST_SYLLABLE: Final = 6
_FEWEST_LETTERS: Final = 5


def guard(run: str, start: int, end: int) -> Sequence[bool]:
    """Return for each gap and character of a part of a run whether a word of the dictionary holds it together.

    2n + 1 places: the gap before the first character, the character, the next gap and so on.
    """
    places = [False] * (2 * (end - start) + 1)
    for first, last in dictionary.spans(run):
        for place in range(2 * (first - start) + 1, 2 * (last - start)):
            if 0 <= place < len(places):
                places[place] = True
    return places


def may_be(piece: str, word: str, guard: Sequence[bool]) -> bool:
    """Return whether a piece may be a slip of a word: what differs lies outside all words of the dictionary.

    A slip keeps at least half of the characters; where there are but words of the dictionary, there is none.
    """
    if all(guard[1::2]):
        return False
    first = 0
    while first < min(len(piece), len(word)) and piece[first] == word[first]:
        first += 1
    tail = 0
    while tail < min(len(piece), len(word)) - first and piece[-1 - tail] == word[-1 - tail]:
        tail += 1
    if sorted(piece) != sorted(word) and 2 * (first + tail) < len(piece):
        return False
    differing = guard[2 * first + 1 : 2 * (len(piece) - tail)] or guard[2 * first : 2 * first + 1]
    return not any(differing)


@lru_cache(4096)
def may_be_pinyin_slip(letters: str) -> bool:
    """Return whether letters may be pinyin with a slip: long enough, and not one or two whole syllables."""
    return len(letters) >= _FEWEST_LETTERS and not any(
        letters[:end] in sounds.syllables() and (end == len(letters) or letters[end:] in sounds.syllables())
        for end in range(1, min(len(letters), _LONGEST_SYLLABLE) + 1)
    )
