"""Says which parts of a name to highlight."""

from collections.abc import Iterable, Sequence

from qe_ban.items.words import sounds, text
from qe_ban.items.words.pieces import Kind, Piece

Part = tuple[int, int]
"""From the first character to the one after the last."""


def highlights(name: str, pieces: Sequence[Piece]) -> list[Part]:
    """Return the parts of a name that pieces of a query stand for, in order."""
    letters = [text.folded(letter) for letter in name]
    whole = "".join(letters)
    places = [place for place, folds in enumerate(letters) for _ in folds]
    parts: list[Part] = []
    for piece in pieces:
        words = [word for word, _ in piece.words if word in whole]
        if words and piece.kind is not Kind.NOISE:
            word = max(words, key=len)
            start = whole.index(word)
            parts.append((places[start], places[start + len(word) - 1] + 1))
    return _union(parts)


def prefix_part(name: str, compact: str) -> Part | None:
    """Return the part of a name that begins as somebody typed: in characters, pinyin or initials."""
    letters = [(place, folds) for place, letter in enumerate(name) if (folds := text.compact(text.folded(letter)))]
    for syllables in (
        [folds for _, folds in letters],
        [sounds.heard(folds) for _, folds in letters],
        [sounds.heard(folds)[:1] for _, folds in letters],
    ):
        part = _syllables_of(compact, syllables)
        if part is not None:
            return letters[part[0]][0], letters[part[1] - 1][0] + 1
    return None


def _syllables_of(compact: str, syllables: Sequence[str]) -> Part | None:
    whole = "".join(syllables)
    if compact not in whole:
        return None
    starts = [0]
    for syllable in syllables:
        starts.append(starts[-1] + len(syllable))
    for first in range(len(syllables)):
        if whole.startswith(compact, starts[first]):
            end = starts[first] + len(compact)
            last = next(place for place, start in enumerate(starts) if start >= end)
            return first, last
    return None


def _union(parts: Iterable[Part]) -> list[Part]:
    union: list[Part] = []
    for start, end in sorted(parts):
        if union and start <= union[-1][1]:
            union[-1] = (union[-1][0], max(end, union[-1][1]))
        else:
            union.append((start, end))
    return union
