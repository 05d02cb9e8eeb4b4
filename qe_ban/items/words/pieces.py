"""Cuts a query into the pieces that the vocabulary knows: the cheapest way through each stretch of one script.

Every piece costs about one, so fewer and longer pieces win; what is less sure (a word that only sounds so, initials,
a mended slip) costs more, what nobody knows most. What the dictionary of the language knows is right as it stands: it
is never taken for another word, and where the catalogue does not have it, it is one unknown word, not its characters.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from qe_ban.items.words import corrections, dictionary, numerals, sounds, text
from qe_ban.items.words.vocabulary import CatalogueWord, Vocabulary, noise

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
    emphasis: float = 1.0

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
    """Return the pieces of a normalised query. If there is nothing but noise in it, the noise is what is wanted."""
    return _way(normal, vocabulary)[1]


def cut_best(variants: Sequence[str], vocabulary: Vocabulary) -> tuple[str, list[Piece]]:
    """Return the way to write a query that the vocabulary knows best, of equal ones the first, and its pieces."""
    ways = [(variant, *_way(variant, vocabulary)) for variant in variants]
    variant, _, best_pieces = min(ways, key=lambda way: way[1])
    return variant, best_pieces


def _way(normal: str, vocabulary: Vocabulary) -> tuple[float, list[Piece]]:
    way: list[Piece] = []
    whole = 0.0
    for kind, run in text.runs(normal):
        options = _han if kind == "han" else _latin
        cost, cheapest = _cheapest(run[:LONGEST_RUN], options, vocabulary)
        whole += cost
        way += _compounded(run[:LONGEST_RUN], cheapest) if kind == "han" else _trusted(cheapest)
    way = [_weighed(piece, vocabulary) for piece in way]
    if any(piece.kind is not Kind.NOISE for piece in way):
        return whole, way
    return whole, [replace(piece, kind=Kind.WORD) if piece.kind is Kind.NOISE else piece for piece in way]


def _weighed(piece: Piece, vocabulary: Vocabulary) -> Piece:
    words = [word for word, _ in piece.words]
    emphasis = 1.0
    if not piece.text.isascii():
        emphasis = dictionary.emphasis(piece.text, is_known=piece.kind is not Kind.UNKNOWN)
    return replace(piece, rarity=vocabulary.rarity(words), emphasis=emphasis)


def candidates(normal: str) -> tuple[set[str], set[str], set[str]]:
    """Return what must be looked up to cut a query: characters as they stand, how they sound, what may be initials."""
    exact: set[str] = set()
    pinyins: set[str] = set()
    initials: set[str] = set()
    for kind, whole in text.runs(normal):
        run = whole[:LONGEST_RUN]
        for start in range(len(run)):
            longest = LONGEST_HAN if kind == "han" else LONGEST_LATIN
            for end in range(start + 1, min(len(run), start + longest) + 1):
                piece = run[start:end]
                exact.add(piece)
                if kind == "latin":
                    pinyins.add(piece)
                    initials |= {piece} if 2 <= len(piece) <= LONGEST_HAN else set()
                elif len(piece) > 1:
                    pinyins.add(sounds.heard(piece))
    return exact, pinyins, initials


def _cheapest(run: str, options: _Options, vocabulary: Vocabulary) -> tuple[float, Sequence[Piece]]:
    best: list[tuple[float, tuple[Piece, ...]]] = [(0.0, ()), *[(float("inf"), ())] * len(run)]
    for start in range(len(run)):
        cost_here, before = best[start]
        for end, cost, piece in options(run, start, vocabulary):
            if cost_here + cost < best[end][0]:
                best[end] = (cost_here + cost, (*before, piece))
    return best[-1]


def _trusted(pieces: Sequence[Piece]) -> list[Piece]:
    """Return the pieces of Latin letters; where they are as short as chance makes them, initials are none.

    Nor is anything a slip where letters are left over: google is no pinyin, and neither are its parts.
    """
    short = len(pieces) > 1 and sum(len(piece.text) for piece in pieces) < LEAST_MEAN * len(pieces)
    torn = any(len(piece.text) == 1 for piece in pieces)
    return [
        Piece(piece.text, Kind.UNKNOWN, ())
        if (short and (piece.kind is Kind.INITIALS or len(piece.text) == 1)) or (torn and piece.kind is Kind.MENDED)
        else piece
        for piece in pieces
    ]


def _compounded(run: str, pieces: Sequence[Piece]) -> list[Piece]:
    """Return the pieces of a run of Han; a single character that ends or begins a word of the language stays with it.

    电影票 is no 电影 with a 票 anywhere: the 票 must stand behind it.
    """
    spans = [span for span in dictionary.spans(run) if span[1] - span[0] > 2]
    whole, start = list(pieces), 0
    for place, piece in enumerate(pieces):
        for first, last in spans:
            if len(piece.text) == 1 and piece.kind is Kind.WORD and first <= start < last:
                pair = run[start - 1 : start + 1] if start > first else run[start : start + 2]
                whole[place] = replace(piece, words=((pair, SAME),))
        start += len(piece.text)
    return whole


def _han(run: str, start: int, vocabulary: Vocabulary) -> Iterator[_Option]:
    for end in range(start + 1, min(len(run), start + LONGEST_HAN) + 1):
        piece = run[start:end]
        if piece in vocabulary.districts:
            yield end, 1.0, Piece(piece, Kind.DISTRICT, ())
        elif piece in noise() or vocabulary.is_word(piece):
            yield end, 1.0, _meaning(piece, piece in noise(), vocabulary)
        elif len(piece) == 1:
            yield end, 1.1 if piece in vocabulary.terms else 1.3, _single(piece, vocabulary)
        else:
            if _is_within_word(run, start, end):
                yield end, 0.5 + 0.6 * len(piece), Piece(piece, Kind.UNKNOWN, ())
            yield from _uncertain_han(run, start, end, vocabulary)


def _is_within_word(run: str, start: int, end: int) -> bool:
    """Return whether a stretch is a word of the language or a part of one."""
    return any(first <= start and end <= last for first, last in dictionary.spans(run))


def _uncertain_han(run: str, start: int, end: int, vocabulary: Vocabulary) -> Iterator[_Option]:
    piece = run[start:end]
    if piece in vocabulary.terms:
        yield end, 1.6, _meaning(piece, False, vocabulary)
        return
    guard = corrections.guard(run, start, end)
    homophones = [
        word
        for word in vocabulary.sounding(sounds.heard(piece), words=True)
        if corrections.may_be(piece, word.term, guard)
    ]
    if homophones:
        words = tuple((word.term, HOMOPHONE) for word in homophones)
        yield end, 1.6 if len(piece) > 2 else 1.9, Piece(piece, Kind.MENDED, words)
    lookalikes = [word for word in vocabulary.lookalikes.get(piece, ()) if corrections.may_be(piece, word.term, guard)]
    if lookalikes:
        yield end, 1 + 0.45 * len(piece), Piece(piece, Kind.MENDED, _lookalike_words(piece, lookalikes))


def _lookalike_words(piece: str, lookalikes: Sequence[CatalogueWord]) -> tuple[tuple[str, float], ...]:
    words = [(word.term, SWAPPED if is_swapped(piece, word.term) else SLIP) for word in lookalikes]
    return tuple(sorted(words, key=lambda word: -word[1]))


def is_swapped(piece: str, word: str) -> bool:
    """Return whether a word has the letters of another in another order."""
    return piece != word and sorted(piece) == sorted(word)


def _latin(run: str, start: int, vocabulary: Vocabulary) -> Iterator[_Option]:
    if run[start].isdigit():
        yield from _number(run, start, vocabulary)
        return
    yield start + 1, 1.3, Piece(run[start], Kind.UNKNOWN, ())
    for end in range(start + 1, min(len(run), start + LONGEST_LATIN) + 1):
        if run[end - 1].isdigit() and run[end : end + 1].isdigit():
            continue
        piece = run[start:end]
        for certain_piece in _certain_latin(piece, vocabulary):
            yield end, 1.0, certain_piece
        if piece.isalpha():
            for cost, uncertain_piece in _uncertain_latin(piece, vocabulary):
                yield end, cost, uncertain_piece


def _certain_latin(piece: str, vocabulary: Vocabulary) -> Iterator[Piece]:
    if piece in vocabulary.districts:
        yield Piece(piece, Kind.DISTRICT, ())
    if piece in noise():
        yield Piece(piece, Kind.NOISE, ())
    if piece in vocabulary.terms or piece in vocabulary.synonyms:
        yield _meaning(piece, False, vocabulary)


def _uncertain_latin(piece: str, vocabulary: Vocabulary) -> Iterator[tuple[float, Piece]]:
    yield from _pinyin(piece, vocabulary)
    if 2 <= len(piece) <= LONGEST_HAN and (words := vocabulary.with_initials(piece)):
        yield max(1.5, 2.6 - 0.3 * len(piece)), _heard(piece, words, Kind.INITIALS, INITIALS, vocabulary)
    if piece in vocabulary.lookalikes and corrections.may_be_pinyin_slip(piece):
        yield 2.2, _heard(piece, vocabulary.lookalikes[piece], Kind.MENDED, SLIP, vocabulary)


def _pinyin(piece: str, vocabulary: Vocabulary) -> Iterator[tuple[float, Piece]]:
    words = [word for word in vocabulary.sounding(piece, words=False) if word.term != piece]
    if not words:
        return
    if max(len(word.term) for word in words) == 1:
        yield 1.5, _heard(piece, words, Kind.SOUND, SYLLABLE, vocabulary)
        return
    is_word = any(word.word for word in words)
    yield 1.0 if is_word else 1.6, _heard(piece, words, Kind.SOUND, SOUND, vocabulary)


def _number(run: str, start: int, vocabulary: Vocabulary) -> Iterator[_Option]:
    """Return a number as a whole, or a word that begins with it: its digits are neither parted nor taken for others."""
    end = start + 1
    while run[end : end + 1].isdigit():
        end += 1
    number = run[start:end]
    known = number in vocabulary.terms or any(form in vocabulary.terms for form in numerals.forms(number))
    yield end, 1.0 if known else 1.3, _meaning(number, False, vocabulary) if known else Piece(number, Kind.UNKNOWN, ())
    for further in range(end + 1, min(len(run), start + LONGEST_LATIN) + 1):
        if run[start:further] in vocabulary.terms or run[start:further] in vocabulary.synonyms:
            yield further, 1.0, _meaning(run[start:further], False, vocabulary)


def _single(piece: str, vocabulary: Vocabulary) -> Piece:
    if piece not in vocabulary.terms:
        return Piece(piece, Kind.UNKNOWN, ())
    return Piece(piece, Kind.WORD, ((piece, SAME),))


def _meaning(piece: str, is_noise: bool, vocabulary: Vocabulary) -> Piece:
    forms = tuple((form, SAME) for form in numerals.forms(piece))
    others = tuple((word, SYNONYM) for word in sorted(vocabulary.synonyms.get(piece, ())))
    return Piece(piece, Kind.NOISE if is_noise else Kind.WORD, ((piece, SAME), *forms, *others))


def _heard(piece: str, known: Sequence[CatalogueWord], kind: Kind, sure: float, vocabulary: Vocabulary) -> Piece:
    """Return what a piece sounds like, with what that means: the synonyms of the most frequent word."""
    words = {one.term: sure for one in known}
    for one in known:
        for other in vocabulary.synonyms.get(one.term, ()):
            words.setdefault(other, sure * SYNONYM)
    return Piece(piece, kind, tuple(words.items()))
