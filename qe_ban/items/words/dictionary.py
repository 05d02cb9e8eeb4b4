"""The words of the language: jieba's dictionary, read where it lies.

A correction must not touch what is right Chinese, and what is right Chinese is more than the catalogue's own words. The
file is sorted, so a word is found by halving a memory map: its pages are shared by all processes and nothing is parsed.
jieba itself would take 70 MiB in each of them.
"""

import math
import mmap
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

TOTAL: Final = 60_101_967
"""The sum of all frequencies."""
LONGEST: Final = 8
_CONTENT: Final = frozenset("naijlvsm")
"""Classes of words that say something: nouns, adjectives, verbs, idioms, abbreviations, places, counts (一胎)."""
_GENERIC, _LEAST_EMPHASIS, _MOST_EMPHASIS = 11.0, 0.5, 1.6
_EMPTY_WORD: Final = 0.05


@dataclass(frozen=True, slots=True)
class Entry:
    """How often a word occurs in running text, and its class (`n`, `v`, `r` ...), the part of speech."""

    frequency: int
    tag: str


def entry(word: str) -> Entry | None:
    """Return what the dictionary says of a word of Han."""
    return _look_up(word)[0]


@lru_cache(2048)
def segment(run: str) -> tuple[str, ...]:
    """Return the likeliest words of a run of Han, one after the other; what is no word stays single characters."""
    best: list[tuple[float, int]] = [(0.0, 0), *[(-math.inf, 0)] * len(run)]
    for start in range(len(run)):
        for end in range(start + 1, min(len(run), start + LONGEST) + 1):
            found, is_prefix = _look_up(run[start:end])
            if found is not None or end == start + 1:
                likelihood = best[start][0] + math.log(max(1, found.frequency if found else 1) / TOTAL)
                if likelihood > best[end][0]:
                    best[end] = (likelihood, start)
            if not is_prefix and end > start + 1:
                break
    words: list[str] = []
    end = len(run)
    while end:
        start = best[end][1]
        words.append(run[start:end])
        end = start
    return tuple(reversed(words))


@lru_cache(2048)
def spans(run: str) -> tuple[tuple[int, int], ...]:
    """Return where words of at least two characters stand in a run, from the first character to behind the last."""
    places, start = [], 0
    for word in segment(run):
        if len(word) > 1:
            places.append((start, start + len(word)))
        start += len(word)
    return tuple(places)


def emphasis(word: str, *, is_known: bool) -> float:
    """Return how much a word says beside its rarity in the catalogue: general words less, long ones more.

    `is_known`: whether the catalogue has it. Of what it has not, pronouns, particles and the like say next to nothing.
    """
    found = entry(word)
    specific = 1.0
    if found is not None:
        if not is_known and len(word) > 1 and found.tag[:1] not in _CONTENT:
            return _EMPTY_WORD
        specific = max(_LEAST_EMPHASIS, min(1.0, math.log(TOTAL / max(1, found.frequency)) / _GENERIC))
    if not is_known or len(word) < 2:
        return specific
    return specific * min(_MOST_EMPHASIS, math.sqrt(len(word) / 2))


@lru_cache(16384)
def _look_up(word: str) -> tuple[Entry | None, bool]:
    """Return the entry of a word, and whether longer words begin with it."""
    lines, key = _lines(), word.encode()
    low, high = 0, len(lines)
    while low < high:
        middle = (low + high) // 2
        start = max(low, lines.rfind(b"\n", low, middle) + 1)
        end = lines.find(b"\n", middle)
        if lines[start:end].partition(b" ")[0] < key:
            low = end + 1
        else:
            high = start
    line = lines[low : max(low, lines.find(b"\n", low))]
    following = line
    found = None
    if line.partition(b" ")[0] == key:
        frequency, tag = line.split(b" ")[1:3]
        found = Entry(int(frequency), tag.decode())
        low += len(line) + 1
        following = lines[low : max(low, lines.find(b"\n", low))]
    return found, following.startswith(key)


@cache
def _lines() -> mmap.mmap:
    # the specification names the file without importing the package
    spec = find_spec("jieba")
    if spec is None or spec.origin is None:
        raise RuntimeError("jieba is not installed")
    with (Path(spec.origin).parent / "dict.txt").open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
