"""Says how well a wording answers a query: how much of the query it holds, how much of it the query names, how used.

score = coverage + 0.25 precision + 0.3 likeness + 0.25 popularity
coverage    how much of what was asked is there, words weighed by rarity; in the name best, in topics and result least
precision   how much of the best name or alias was asked for: the shortest that says it all wins
likeness    1 where the query is the name, less where the name begins with it, holds it in one piece, or an alias does
popularity  the weight of the entry, on its scale of logarithms
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from qe_ban.items.words.pieces import Kind, Piece

IN_ALIAS, IN_OTHERS, MIXED = 0.96, 0.55, 0.97
NOISE, UNKNOWN, SINGLE = 0.06, 0.3, 0.5
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
    """Scores wordings for one query; `compact` is the query without spaces and punctuation."""

    def __init__(self, compact: str, pieces: Sequence[Piece]) -> None:
        self._compact = compact
        self._pieces = [(piece, _weight(piece)) for piece in pieces if _weight(piece)]
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
        coverage = max(coverage, candidate.direct)
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

    def _likeness(self, name: str) -> float:
        if name == self._compact:
            return 1.0
        if len(self._compact) < 2:
            return 0.0
        if name.startswith(self._compact):
            return 0.75
        return 0.5 if self._compact in name else 0.0


def holds(candidate: Candidate, pieces: Sequence[Piece]) -> bool:
    """Tell whether a name or an alias of a wording has a word of one of these pieces."""
    return any(word in name for piece in pieces for word, _ in piece.words for name in candidate.names)


def _weight(piece: Piece) -> float:
    if piece.kind is Kind.NOISE:
        return piece.rarity * NOISE
    if piece.kind is Kind.UNKNOWN:
        return piece.rarity * UNKNOWN
    if piece.kind is Kind.DISTRICT:
        return 0.0
    return piece.rarity if piece.solid else piece.rarity * SINGLE
