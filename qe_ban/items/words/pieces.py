"""Cuts a query into the pieces that the vocabulary knows: the cheapest way through each stretch of one script.

Every piece costs about one, so fewer and longer pieces win; what is less sure (a word that only sounds so, initials,
a mended slip) costs more, what nobody knows most.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from qe_ban.items.words import sounds, text
from qe_ban.items.words.vocabulary import Known, Vocabulary, noise

LONGEST_HAN = 8
LONGEST_LATIN = 30
LONGEST_RUN = 40
LEAST_MEAN = 2.5
"""How long pieces of Latin letters must be on average: any letters at all can be cut into initials of two."""


class Kind(StrEnum):
    """How a piece was recognised."""

    WORD = "word"
    SOUND = "sound"  # typed as pinyin
    INITIALS = "initials"
    MENDED = "mended"  # another character of the same sound, or a slip
    NOISE = "noise"
    DISTRICT = "district"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a query and the words that it may stand for, each with how sure that is (1: it is the word)."""

    text: str
    kind: Kind
    words: tuple[tuple[str, float], ...]
    rarity: float = 0.0

    @property
    def solid(self) -> bool:
        """Whether it says something by itself: a single character or syllable does not."""
        return self.wanted and any(len(word) > 1 for word, _ in self.words)

    @property
    def wanted(self) -> bool:
        """Whether a wording should hold it: noise and districts need not, the unknown cannot."""
        return self.kind not in (Kind.NOISE, Kind.DISTRICT, Kind.UNKNOWN)


_Option = tuple[int, float, Piece]
_Options = Callable[[str, int, Vocabulary], Iterator[_Option]]
SAME, SYNONYM, SOUND, SYLLABLE, INITIALS, HOMOPHONE, SWAPPED, SLIP = 1.0, 0.9, 0.95, 0.6, 0.8, 0.85, 0.85, 0.75


def cut(normal: str, vocabulary: Vocabulary) -> list[Piece]:
    """Give the pieces of a normalised query. If there is nothing but noise in it, the noise is what is wanted."""
    found: list[Piece] = []
    for kind, run in text.runs(normal):
        if kind == "han":
            found += _cheapest(run[:LONGEST_RUN], _han, vocabulary)
        else:
            found += _trusted(_cheapest(run[:LONGEST_RUN], _latin, vocabulary))
    weighed = [replace(piece, rarity=vocabulary.rarity(word for word, _ in piece.words)) for piece in found]
    if any(piece.kind is not Kind.NOISE for piece in weighed):
        return weighed
    return [replace(piece, kind=Kind.WORD) if piece.kind is Kind.NOISE else piece for piece in weighed]


def candidates(normal: str) -> tuple[set[str], set[str], set[str]]:
    """Give what must be looked up to cut a query: characters as they stand, how they sound, what may be initials."""
    exact: set[str] = set()
    heard: set[str] = set()
    initials: set[str] = set()
    for kind, whole in text.runs(normal):
        run = whole[:LONGEST_RUN]
        for start in range(len(run)):
            longest = LONGEST_HAN if kind == "han" else LONGEST_LATIN
            for end in range(start + 1, min(len(run), start + longest) + 1):
                piece = run[start:end]
                exact.add(piece)
                if kind == "latin":
                    heard.add(piece)
                    initials |= {piece} if 2 <= len(piece) <= LONGEST_HAN else set()
                elif len(piece) > 1:
                    heard.add(sounds.heard(piece))
    return exact, heard, initials


def _cheapest(run: str, options: _Options, vocabulary: Vocabulary) -> Sequence[Piece]:
    best: list[tuple[float, tuple[Piece, ...]]] = [(0.0, ()), *[(float("inf"), ())] * len(run)]
    for start in range(len(run)):
        cost_here, before = best[start]
        for end, cost, piece in options(run, start, vocabulary):
            if cost_here + cost < best[end][0]:
                best[end] = (cost_here + cost, (*before, piece))
    return best[-1][1]


def _trusted(pieces: Sequence[Piece]) -> list[Piece]:
    """Give the pieces of Latin letters; where they are as short as chance makes them, initials are none."""
    if len(pieces) == 1 or sum(len(piece.text) for piece in pieces) >= LEAST_MEAN * len(pieces):
        return list(pieces)
    return [
        Piece(piece.text, Kind.UNKNOWN, ()) if piece.kind is Kind.INITIALS or len(piece.text) == 1 else piece
        for piece in pieces
    ]


def _han(run: str, start: int, vocabulary: Vocabulary) -> Iterator[_Option]:
    for end in range(start + 1, min(len(run), start + LONGEST_HAN) + 1):
        piece = run[start:end]
        known = vocabulary.terms.get(piece)
        if piece in vocabulary.districts:
            yield end, 1.0, Piece(piece, Kind.DISTRICT, ())
        elif piece in vocabulary.synonyms or (known is not None and known.word):
            yield end, 1.0, _meaning(piece, piece in noise(), vocabulary)
        elif piece in noise():
            yield end, 1.0, _meaning(piece, True, vocabulary)
        elif len(piece) == 1:
            yield end, 1.1 if known else 1.3, _single(piece, known)
        else:
            yield from _uncertain_han(piece, end, known, vocabulary)


def _uncertain_han(piece: str, end: int, known: Known | None, vocabulary: Vocabulary) -> Iterator[_Option]:
    if known is not None:
        yield end, 1.6, Piece(piece, Kind.WORD, ((piece, SAME),))
        return
    alike = vocabulary.sounding(sounds.heard(piece), words=True)
    if alike:
        words = tuple((one.term, HOMOPHONE) for one in alike)
        yield end, 1.6 if len(piece) > 2 else 1.9, Piece(piece, Kind.MENDED, words)
    if piece in vocabulary.mended:
        near = [(one.term, SWAPPED if is_swapped(piece, one.term) else SLIP) for one in vocabulary.mended[piece]]
        words = tuple(sorted(near, key=lambda word: -word[1]))
        yield end, 1 + 0.45 * len(piece), Piece(piece, Kind.MENDED, words)


def is_swapped(piece: str, word: str) -> bool:
    """Tell whether a word has the letters of another in another order."""
    return piece != word and sorted(piece) == sorted(word)


def _latin(run: str, start: int, vocabulary: Vocabulary) -> Iterator[_Option]:
    yield start + 1, 1.3, Piece(run[start], Kind.UNKNOWN, ())
    for end in range(start + 1, min(len(run), start + LONGEST_LATIN) + 1):
        piece = run[start:end]
        if piece in vocabulary.districts:
            yield end, 1.0, Piece(piece, Kind.DISTRICT, ())
        if piece in noise():
            yield end, 1.0, Piece(piece, Kind.NOISE, ())
        if piece in vocabulary.terms or piece in vocabulary.synonyms:
            yield end, 1.0, _meaning(piece, False, vocabulary)
        sounding = [one for one in vocabulary.sounding(piece, words=False) if one.term != piece]
        if sounding:
            longest = max(len(one.term) for one in sounding)
            is_word = any(one.word for one in sounding)
            cost = 1.5 if longest == 1 else 1.0 if is_word else 1.6
            yield end, cost, _heard(piece, sounding, Kind.SOUND, SYLLABLE if longest == 1 else SOUND, vocabulary)
        if 2 <= len(piece) <= LONGEST_HAN and (short := vocabulary.abbreviated(piece)):
            yield end, max(1.5, 2.6 - 0.3 * len(piece)), _heard(piece, short, Kind.INITIALS, INITIALS, vocabulary)
        if piece in vocabulary.mended:
            yield end, 2.2, _heard(piece, vocabulary.mended[piece], Kind.MENDED, SLIP, vocabulary)


def _single(piece: str, known: Known | None) -> Piece:
    if known is None:
        return Piece(piece, Kind.UNKNOWN, ())
    return Piece(piece, Kind.WORD, ((piece, SAME),))


def _meaning(piece: str, is_noise: bool, vocabulary: Vocabulary) -> Piece:
    others = tuple((word, SYNONYM) for word in sorted(vocabulary.synonyms.get(piece, ())))
    return Piece(piece, Kind.NOISE if is_noise else Kind.WORD, ((piece, SAME), *others))


def _heard(piece: str, known: Sequence[Known], kind: Kind, sure: float, vocabulary: Vocabulary) -> Piece:
    """Give what a piece sounds like, with what that means: the synonyms of the most frequent word."""
    words = {one.term: sure for one in known}
    for one in known:
        for other in vocabulary.synonyms.get(one.term, ()):
            words.setdefault(other, sure * SYNONYM)
    return Piece(piece, kind, tuple(words.items()))
