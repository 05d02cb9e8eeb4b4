"""Makes of one wording what it is found by: its lexemes, the vocabulary they add to, and the beginnings to type."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from qe_ban.items.words import cutting, slips, sounds, text

MOST_SYLLABLES = 14
"""How many syllables of a beginning are kept: nobody types on when the list is down to one."""
MOST_BEGINNINGS = 120
MOST_LETTERS = 60
LONGEST_WORD = 40


@dataclass(frozen=True, slots=True)
class Term:
    """A word as the vocabulary keeps it; `word` tells a real word from two characters that merely stand together."""

    term: str
    word: bool
    pinyin: str
    initials: str
    grams: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SearchKeys:
    """What a wording is found by. `heads`: what people may begin to type, marked for name (0) or a word within (1)."""

    lexemes: tuple[str, ...]
    heads: tuple[str, ...]
    terms: tuple[Term, ...]


def make(names: Sequence[str], others: Sequence[str]) -> SearchKeys:
    """Make the words of a name with its aliases, and of what else it is found by (topics, result)."""
    terms: dict[str, Term] = {}
    heads: dict[str, None] = {}
    for name in map(text.normalise, names):
        words = cutting.cut(name)
        readings = sounds.spoken(words)
        for term in (*_words(words, readings), *_characters(words, readings)):
            _keep(terms, term)
        heads.update(dict.fromkeys(_heads(words, readings)))
    for other in others:
        for term in _of_other(other):
            _keep(terms, term)
    return SearchKeys(tuple(sorted(terms)), tuple(heads)[:MOST_BEGINNINGS], tuple(terms[key] for key in sorted(terms)))


@lru_cache(4096)
def _of_other(other: str) -> tuple[Term, ...]:
    words = cutting.cut(text.normalise(other))
    return tuple(_words(words, sounds.spoken(words)))


def _keep(terms: dict[str, Term], term: Term) -> None:
    known = terms.get(term.term)
    if known is None or (term.word and not known.word):
        terms[term.term] = term


def _words(words: Sequence[str], readings: Sequence[Sequence[str]]) -> Iterator[Term]:
    """Give the words, and the words within them."""
    for word, spoken in zip(words, readings, strict=True):
        yield _term(word, tuple(spoken), word=True)
        if len(word) > 2 and text.script(word[0]) == "han":
            for inner in cutting.cut_finely(word):
                place = word.index(inner)
                yield _term(inner, tuple(spoken[place : place + len(inner)]), word=True)


def _characters(words: Sequence[str], readings: Sequence[Sequence[str]]) -> Iterator[Term]:
    """Give each character of Han, and each two that stand together."""
    letters = "".join(words)
    spoken = [syllable for word in readings for syllable in word]
    is_han = [text.script(letter) == "han" for letter in letters]
    for place, found in enumerate(is_han):
        if found:
            yield _term(letters[place], (spoken[place],), word=False)
            if all(is_han[place + 1 : place + 2] or [False]):
                yield _term(letters[place : place + 2], tuple(spoken[place : place + 2]), word=False)


@lru_cache(16384)
def _term(letters: str, spoken: tuple[str, ...], *, word: bool) -> Term:
    letters, spoken = letters[:LONGEST_WORD], spoken[:LONGEST_WORD]
    pinyin = "".join(spoken)
    initials = "".join(syllable[:1] for syllable in spoken)
    return Term(letters, word, pinyin, initials, slips.grams(letters, pinyin) if word else ())


def _heads(words: Sequence[str], readings: Sequence[Sequence[str]]) -> Iterator[str]:
    """Give what may be typed from each word on: the characters, the pinyin, the initials."""
    for start in range(len(words)):
        mark = "1" if start else "0"
        letters = "".join(words[start:])[:MOST_SYLLABLES]
        spoken = [syllable for word in readings[start:] for syllable in word][:MOST_SYLLABLES]
        for kind, key in _keys(letters, spoken):
            yield f"{mark}{kind}{key[:MOST_LETTERS]}"


def _keys(letters: str, spoken: Sequence[str]) -> Iterable[tuple[str, str]]:
    yield "h", letters
    if any(text.script(letter) == "han" for letter in letters):
        yield "p", "".join(spoken)
        yield "i", "".join(syllable[:1] for syllable in spoken)
