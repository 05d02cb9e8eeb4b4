"""Says how well a wording answers a query: how much of the query it holds, how much of it the query names, how used.

score = coverage + 0.25 precision + 0.3 likeness + 0.25 popularity
coverage    how much of what was asked is there, words weighed by rarity; in the name best, in topics and result least
precision   how much of the best name or alias was asked for: the shortest that says it all wins
likeness    1 where the query is the name, less where the name begins with it, holds it in one piece, or an alias does
popularity  the weight of the entry, on its scale of logarithms
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Final

from qe_ban.items.words.pieces import Kind, Piece

IN_ALIAS, IN_OTHERS, MIXED = 0.96, 0.55, 0.97
NOISE, UNKNOWN, UNKNOWN_WORD, QUANTITY = 0.06, 0.3, 0.8, 0.3
LONGEST_QUANTITY: Final = 4
"""Ages, amounts and years have so many digits. They say of whom or when, and hardly ever what (60岁老年证)."""
MOST_ARRANGED, REARRANGED = 3, 0.97
PRECISION, LIKENESS, POPULARITY = 0.25, 0.3, 0.25
HEAVIEST: Final = 60.0
"""The weight (see `queries.wordings`) from which on an entry is as popular as can be."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A wording that may be meant. `direct`: how surely the whole query is the beginning of one of its words."""

    id: int
    entry: str
    names: Sequence[str]
    others: str
    weight: int
    direct: float = 0.0


@dataclass(frozen=True, slots=True)
class Scored:
    """A wording with how well it answers, and how much of the query it holds."""

    candidate: Candidate
    score: float
    coverage: float


class Scorer:
    """Scores wordings for one query; `compact` is the query without spaces and punctuation.

    `certain`: what a name must hold that only sounds as the query does.
    """

    def __init__(self, compact: str, pieces: Sequence[Piece], certain: Sequence[str] = ()) -> None:
        self._arrangements = _arrangements(compact, pieces)
        self._certain = certain
        self._pieces = [(piece, weight) for piece, weight in _weighed(pieces) if weight]
        self._whole = sum(weight for _, weight in self._pieces) or 1.0
        self._asked = sum(len(piece.text) for piece, _ in self._pieces)

    def score(self, candidate: Candidate) -> Scored:
        """Score one wording."""
        coverage = precision = likeness = 0.0
        for place, name in enumerate(candidate.names):
            where = IN_ALIAS if place else 1.0
            held, letters = self._hold(name, candidate.others, where)
            coverage = max(coverage, held)
            precision = max(precision, where * held * min(1.0, letters / max(1, len(name))))
            likeness = max(likeness, where * self._likeness(name))
        if len(candidate.names) > 1:
            mixed, _ = self._hold("\n".join(candidate.names), candidate.others, IN_ALIAS)
            coverage = max(coverage, mixed * MIXED)
        if candidate.direct > coverage and self._is_certain(candidate):
            coverage = candidate.direct
        popularity = min(1.0, candidate.weight / HEAVIEST)
        score = coverage + PRECISION * precision + LIKENESS * likeness + POPULARITY * popularity
        return Scored(candidate, score, coverage)

    def _hold(self, name: str, others: str, where: float) -> tuple[float, int]:
        """Give how much of the query a name holds, and how many of its letters that takes."""
        held, letters = 0.0, 0
        for piece, weight in self._pieces:
            best, length = 0.0, 0
            for word, sure in piece.words:
                if sure * where > best and word in name:
                    best, length = sure * where, len(word)
                elif sure * IN_OTHERS > best and word in others:
                    best, length = sure * IN_OTHERS, 0
            held += weight * best
            letters += length
        return held / self._whole, letters

    def _is_certain(self, candidate: Candidate) -> bool:
        return any(all(word in name for word in self._certain) for name in candidate.names)

    def _likeness(self, name: str) -> float:
        if len(self._arrangements) == 1:
            return _likeness(name, self._arrangements[0][0])
        return max(sure * _likeness(name, compact) for compact, sure in self._arrangements)


def _arrangements(compact: str, pieces: Sequence[Piece]) -> list[tuple[str, float]]:
    """Return the query and its few words in any other order (驾驶证补办, 补办驾驶证), each with its weight."""
    words = [piece.text for piece in pieces if piece.wanted and not piece.text.isascii()]
    arranged = [(compact, 1.0)]
    if 1 < len(words) <= MOST_ARRANGED and "".join(words) == compact:
        arranged += [("".join(order), REARRANGED) for order in permutations(words)]
    return arranged


def _likeness(name: str, compact: str) -> float:
    if name == compact:
        return 1.0
    if len(compact) < 2:
        return 0.0
    if name.startswith(compact):
        return 0.75
    return 0.5 if compact in name else 0.0


def holds(candidate: Candidate, pieces: Sequence[Piece]) -> bool:
    """Tell whether a name or an alias of a wording has a word of one of these pieces."""
    return any(word in name for piece in pieces for word, _ in piece.words for name in candidate.names)


def holds_together(candidate: Candidate, compact: str) -> bool:
    """Return whether two characters of a query stand together in a name, as they do in the query; one has no other."""
    pairs = [compact[place : place + 2] for place in range(len(compact) - 1)] or [compact]
    return any(pair in name for pair in pairs for name in candidate.names) or candidate.direct > 0


def _weighed(pieces: Sequence[Piece]) -> Iterator[tuple[Piece, float]]:
    """Yield the pieces of a query with their weights; a number and the character that it counts by say little."""
    is_after_number = False
    for piece in pieces:
        is_number = piece.text.isdigit() and len(piece.text) <= LONGEST_QUANTITY
        is_measure = is_after_number and len(piece.text) == 1
        yield piece, _weight(piece) * (QUANTITY if is_number or is_measure else 1.0)
        is_after_number = is_number


def _weight(piece: Piece) -> float:
    weight = piece.rarity * piece.emphasis
    match piece.kind:
        case Kind.DISTRICT:
            return 0.0
        case Kind.NOISE:
            return weight * NOISE
        case Kind.UNKNOWN:
            return weight * (UNKNOWN_WORD if is_unknown_word(piece) else UNKNOWN)
    return weight


def is_unknown_word(piece: Piece) -> bool:
    """Return whether a piece is a word of the language, or a number, that the catalogue does not have."""
    return piece.kind is Kind.UNKNOWN and (len(piece.text) > 1 or piece.text.isdigit())
