"""Understands a query: normalises it, looks its words up and cuts it into pieces."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.orm import Session

from qe_ban.items.queries import finding
from qe_ban.items.words import dictionary, districts, latin, numerals, pieces, slips, text
from qe_ban.items.words.pieces import Kind, Piece
from qe_ban.items.words.vocabulary import CatalogueWord, Vocabulary

LONGEST: Final = 100
MOST_GRAMS: Final = 1000
SHREDS: Final = 3
LONGEST_TERM: Final = 8
SAYS_NOTHING: Final = 0.1
RARE: Final = 0.01
"""A word is rare that is in so small a part of all wordings."""


@dataclass(slots=True)
class Understood:
    """A query as it is searched for. `compact`: without spaces and punctuation; `near`: the district that it names."""

    normal: str
    compact: str
    vocabulary: Vocabulary
    pieces: Sequence[Piece]

    @property
    def wanted(self) -> list[Piece]:
        """The pieces that a wording should hold."""
        return [piece for piece in self.pieces if piece.wanted]

    @property
    def garbled(self) -> bool:
        """Whether letters in it are no pinyin of words, so that a slip is likelier than anything else."""
        return any(
            piece.text.isascii() and not piece.solid and piece.kind is not Kind.DISTRICT for piece in self.pieces
        )

    @property
    def solid_pieces(self) -> list[Piece]:
        """The pieces that say something by themselves, and that a wording should hold."""
        return [piece for piece in self.wanted if piece.solid]

    @property
    def is_empty(self) -> bool:
        """Whether nothing in it can be looked for: it is blank, or names a district and nothing else."""
        return not self.wanted and not self.unknown

    @property
    def unknown(self) -> bool:
        """Whether something in it is in no wording at all."""
        return any(piece.kind is Kind.UNKNOWN for piece in self.pieces)

    @property
    def shredded(self) -> bool:
        """Whether most of it fell apart into what is no word, as a word does in which two characters are swapped."""
        loose = sum(len(piece.text) for piece in self.pieces if piece.wanted and not self._is_word(piece))
        return not self.compact.isascii() and loose >= SHREDS and 2 * loose >= len(self.compact)

    @property
    def is_term(self) -> bool:
        """Whether it names something in a few words; a sentence is longer, or has words that say nothing in it."""
        return len(self.compact) <= LONGEST_TERM and not any(
            piece.kind is Kind.NOISE or (piece.kind is Kind.UNKNOWN and piece.emphasis < SAYS_NOTHING)
            for piece in self.pieces
        )

    @property
    def swapped(self) -> bool:
        """Whether a mended word has but its letters in another order."""
        return any(
            piece.kind is Kind.MENDED and pieces.is_swapped(piece.text, piece.words[0][0]) for piece in self.pieces
        )

    @property
    def strong(self) -> list[Piece]:
        """The pieces that say what is wanted by themselves: real words, and rare ones."""
        rare = self.vocabulary.rarity_of(RARE)
        return [piece for piece in self.wanted if piece.rarity >= rare and self._is_word(piece)]

    def _is_word(self, piece: Piece) -> bool:
        return piece.solid and self.vocabulary.is_word(piece.text)

    @property
    def near(self) -> str | None:
        """The district that the query names."""
        names = [piece.text for piece in self.pieces if piece.kind is Kind.DISTRICT]
        return self.vocabulary.districts[names[0]] if names else None

    @property
    def certain(self) -> list[str]:
        """The words of the language in it, which are right as they stand."""
        runs = [run for kind, run in text.runs(self.normal) if kind == "han"]
        return [run[first:last] for run in runs for first, last in dictionary.spans(run[: pieces.LONGEST_RUN])]

    @property
    def is_mended(self) -> bool:
        """Whether something in it was taken for a slip."""
        return any(piece.kind is Kind.MENDED for piece in self.pieces)

    def corrected(self, names: Sequence[str]) -> str | None:
        """Return the query as it was meant, where a slip was mended to words of `names` (of the best wording).

        None where something in it is still no word: then nobody can tell what was meant.
        """
        if not self.is_mended or self.unknown:
            return None
        meant = [_meant(piece, names) for piece in self.pieces]
        return "".join(meant) if all(meant) else None


def _meant(piece: Piece, names: Sequence[str]) -> str:
    if piece.kind is not Kind.MENDED:
        return piece.text
    return next((word for word, _ in piece.words if any(word in name for name in names)), "")


def understand(session: Session, query: str, names: Mapping[str, str]) -> Understood:
    """Understand a query of at most 100 characters; `names`: the districts' names by code."""
    variants = numerals.variants(normalise(query))
    exact, pinyins, initials = _candidates(variants)
    vocabulary = Vocabulary(districts=districts.spellings(names))
    if exact:
        parameters = {"exact": ["", *sorted(exact)], "heard": sorted(pinyins), "initials": sorted(initials)}
        for row in session.execute(finding.VOCABULARY, parameters):
            if row.alike is not None:
                vocabulary.add_group(row.alike)
            else:
                vocabulary.add(_catalogue_word(row))
    return _understand_variants(variants, vocabulary)


def normalise(query: str) -> str:
    """Return a query of at most 100 characters as wordings are spelled, its pinyin in plain letters."""
    return text.normalise(latin.plain(unicodedata.normalize("NFKC", query[:LONGEST])))


def as_typed(query: str) -> str:
    """Return a query of at most 100 characters without spaces and punctuation, in lower case, its digits as they stand.

    For codes: in `ca21` the 2 is no tone of a syllable.
    """
    return text.compact(text.normalise(unicodedata.normalize("NFKC", query[:LONGEST])))


def mend(session: Session, understood: Understood) -> Understood | None:
    """Look for words within one slip of a piece of the query; None where there are none."""
    grams = _grams(understood)
    if not grams:
        return None
    every_gram = {gram for grams_of_piece in grams.values() for gram in grams_of_piece}
    words = [_catalogue_word(row) for row in session.execute(finding.LIKE, {"grams": sorted(every_gram)})]
    vocabulary = understood.vocabulary
    vocabulary.lookalikes.update(_lookalikes(grams, words))
    if not vocabulary.lookalikes:
        return None
    for word in words:
        vocabulary.add(word)
    mended = _understand_variants([understood.normal], vocabulary)
    return mended if mended.is_mended else None


def _catalogue_word(row: Row[Any]) -> CatalogueWord:
    return CatalogueWord(row.term, row.texts, row.word, row.pinyin, row.initials)


def _lookalikes(grams: Mapping[str, Sequence[str]], words: Iterable[CatalogueWord]) -> dict[str, list[CatalogueWord]]:
    """Return for each piece, by its grams, the words that are one slip from it; pieces without any are left out."""
    by_gram = _by_gram(words)
    lookalikes: dict[str, list[CatalogueWord]] = {}
    for piece, grams_of_piece in grams.items():
        near = {word.term: word for gram in grams_of_piece for word in by_gram.get(gram, ()) if _is_near(piece, word)}
        if near:
            lookalikes[piece] = list(near.values())
    return lookalikes


def _candidates(variants: Sequence[str]) -> tuple[set[str], set[str], set[str]]:
    exact, pinyins, initials = zip(*map(pieces.candidates, variants), strict=True)
    return set().union(*exact), set().union(*pinyins), set().union(*initials)


def _understand_variants(variants: Sequence[str], vocabulary: Vocabulary) -> Understood:
    normal, best_pieces = pieces.cut_best(variants, vocabulary)
    return Understood(normal, text.compact(normal), vocabulary, best_pieces)


def _by_gram(words: Iterable[CatalogueWord]) -> dict[str, list[CatalogueWord]]:
    by_gram: dict[str, list[CatalogueWord]] = {}
    for word in words:
        for gram in slips.grams(word.term, word.pinyin):
            by_gram.setdefault(gram, []).append(word)
    return by_gram


@lru_cache(4096)
def _is_near(piece: str, word: CatalogueWord) -> bool:
    return slips.apart(piece, word.pinyin if piece.isascii() else word.term) <= 1


def _grams(understood: Understood) -> dict[str, list[str]]:
    """Return the pieces in which there may be a slip, each with its grams, as far as one look-up takes them."""
    grams: dict[str, list[str]] = {}
    count = 0
    for kind, run in text.runs(understood.normal):
        fewest = slips.FEWEST_HAN if kind == "han" else slips.FEWEST_LATIN
        for piece in _stretches(run[: pieces.LONGEST_RUN], fewest, 6 if kind == "han" else 14):
            grams[piece] = slips.of(piece, fewest)
            count += len(grams[piece])
            if count > MOST_GRAMS:
                return grams
    return grams


def _stretches(run: str, fewest: int, most: int) -> Iterable[str]:
    for length in range(min(most, len(run)), fewest - 1, -1):
        for start in range(len(run) - length + 1):
            yield run[start : start + length]
