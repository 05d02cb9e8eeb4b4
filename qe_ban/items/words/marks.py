"""Says which parts of a name to highlight."""

from collections.abc import Iterable, Sequence

from qe_ban.items.words import sounds, text
from qe_ban.items.words.pieces import Kind, Piece

Part = tuple[int, int]
"""From the first character to the one after the last."""


def held(name: str, pieces: Sequence[Piece]) -> list[Part]:
    """Give the parts of a name that pieces of a query stand for, in order."""
    folded = [text.folded(letter) for letter in name]
    joined = "".join(folded)
    places = [place for place, letters in enumerate(folded) for _ in letters]
    found: list[Part] = []
    for piece in pieces:
        words = [word for word, _ in piece.words if word in joined]
        if words and piece.kind is not Kind.NOISE:
            word = max(words, key=len)
            start = joined.index(word)
            found.append((places[start], places[start + len(word) - 1] + 1))
    return _merged(found)


def begun(name: str, compact: str) -> Part | None:
    """Give the part of a name that begins as somebody typed: in characters, pinyin or initials."""
    letters = [(place, folded) for place, letter in enumerate(name) if (folded := text.compact(text.folded(letter)))]
    for spelled in (
        [folded for _, folded in letters],
        [sounds.heard(folded) for _, folded in letters],
        [sounds.heard(folded)[:1] for _, folded in letters],
    ):
        part = _begun(spelled, compact)
        if part is not None:
            return letters[part[0]][0], letters[part[1] - 1][0] + 1
    return None


def _begun(spelled: Sequence[str], compact: str) -> Part | None:
    joined = "".join(spelled)
    if compact not in joined:
        return None
    starts = [0]
    for syllable in spelled:
        starts.append(starts[-1] + len(syllable))
    for first in range(len(spelled)):
        if joined.startswith(compact, starts[first]):
            end = starts[first] + len(compact)
            last = next(place for place, start in enumerate(starts) if start >= end)
            return first, last
    return None


def _merged(parts: Iterable[Part]) -> list[Part]:
    merged: list[Part] = []
    for start, end in sorted(parts):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
