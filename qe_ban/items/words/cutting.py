"""Cuts names into words with jieba and the catalogue's own words; for the writing path only (70 MiB, a second)."""

import threading
import warnings
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib import import_module, resources
from typing import Any, Final

from qe_ban.items.words import text

WORDS: Final = "catalogue.txt"
_FREQUENT = 50_000
_LOCK = threading.Lock()


def cut(normal: str) -> list[str]:
    """Give a normalised text as words one after the other, without spaces and punctuation."""
    return [word for kind, run in text.runs(normal) for word in (_cut_han(run) if kind == "han" else (run,))]


@lru_cache(4096)
def cut_finely(word: str) -> tuple[str, ...]:
    """Give the shorter words within a word of Han."""
    return tuple(inner for inner in _tokenizer().cut_for_search(word, HMM=False) if len(inner) < len(word))


def _cut_han(run: str) -> list[str]:
    return list(_tokenizer().cut(run, HMM=False))


def _tokenizer() -> Any:
    with _LOCK:
        return _load()


@cache
def _load() -> Any:
    """Make a tokenizer of our own: jieba's keeps a cache in /tmp that anybody could have put there, and logs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        jieba = import_module("jieba")
    made = jieba.Tokenizer()
    with (resources.files("jieba") / "dict.txt").open("rb") as dictionary:
        made.FREQ, made.total = made.gen_pfdict(dictionary)
    made.initialized = True
    for word in own_words():
        made.add_word(word, freq=_FREQUENT)
    return made


@cache
def own_words() -> Sequence[str]:
    """Give the words of government business that jieba's dictionary lacks or cuts wrongly."""
    lines = (resources.files("qe_ban.items.words") / WORDS).read_text("utf-8").splitlines()
    return tuple(word for line in lines if not line.startswith("#") for word in line.split())
