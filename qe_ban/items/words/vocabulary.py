"""What is known of the words of one query: the part of the vocabulary and of the synonyms that it touches."""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Final

from qe_ban.items.words import sounds

NOISE: Final = "noise.txt"
MOST_OF_ONE_SOUND = 8
FEW = 3


@dataclass(frozen=True, slots=True)
class CatalogueWord:
    """A word of the catalogue and in how many wordings it is; see `lexemes.Term`."""

    term: str
    texts: int
    word: bool
    pinyin: str
    initials: str


@dataclass(slots=True)
class Vocabulary:
    """Words by what they are looked up by. `total`: how many wordings there are; `districts`: codes by spelling."""

    total: int = 1
    districts: Mapping[str, str] = field(default_factory=dict)
    terms: dict[str, CatalogueWord] = field(default_factory=dict)
    synonyms: dict[str, frozenset[str]] = field(default_factory=dict)
    lookalikes: dict[str, list[CatalogueWord]] = field(default_factory=dict)
    _by_pinyin: dict[str, list[CatalogueWord]] = field(default_factory=dict)
    _by_initials: dict[str, list[CatalogueWord]] = field(default_factory=dict)

    def add(self, word: CatalogueWord) -> None:
        """Take in a word; the empty one says how many wordings there are."""
        if not word.term:
            self.total = max(1, word.texts)
        elif word.term not in self.terms:
            self.terms[word.term] = word
            self._by_pinyin.setdefault(word.pinyin, []).append(word)
            if word.word:
                self._by_initials.setdefault(word.initials, []).append(word)

    def add_group(self, words: Collection[str]) -> None:
        """Take in words that mean the same; a word of several groups means what all of them mean."""
        for word in words:
            self.synonyms[word] = self.synonyms.get(word, frozenset()) | (frozenset(words) - {word})

    def is_word(self, text: str) -> bool:
        """Return whether a text is a word of the catalogue, or one that has synonyms."""
        word = self.terms.get(text)
        return text in self.synonyms or (word is not None and word.word)

    def sounding(self, pinyin: str, *, words: bool) -> list[CatalogueWord]:
        """Return what sounds so, the most frequent first; `words`: real ones only."""
        return _frequent(word for word in self._by_pinyin.get(pinyin, ()) if word.word or not words)

    def with_initials(self, initials: str) -> list[CatalogueWord]:
        """Return the words with these initials, the most frequent first."""
        return _frequent(self._by_initials.get(initials, ()))

    def rarity(self, words: Iterable[str]) -> float:
        """Return how much it says to hold one of these words (inverse document frequency); unknown ones are rare."""
        return self._rarity(max((self.terms[word].texts for word in words if word in self.terms), default=0))

    def rarity_of(self, part: float) -> float:
        """Return the rarity of a word that is in this part of all wordings, in a small catalogue in three."""
        return self._rarity(max(FEW, self.total * part))

    def _rarity(self, texts: float) -> float:
        return math.log(1 + self.total / (texts + 0.5))


def _frequent(words: Iterable[CatalogueWord]) -> list[CatalogueWord]:
    return sorted(words, key=lambda one: (-one.texts, one.term))[:MOST_OF_ONE_SOUND]


@cache
def noise() -> frozenset[str]:
    """Return what people say round what they want, and its pinyin where that is long enough to be nothing else."""
    lines = (resources.files("qe_ban.items.words") / NOISE).read_text("utf-8").splitlines()
    words = {word for line in lines if not line.startswith("#") for word in line.split()}
    return frozenset(words | {sounds.heard(word) for word in words if len(word) > 2})
