"""How people write the city's districts: in full, without the last word, without what stands in brackets."""

import re
from collections.abc import Mapping
from functools import lru_cache

from qe_ban.items.words import sounds, text

_LAST = re.compile(r"(?:新区|区|市|县)$")
_BRACKETS = re.compile(r"[()]")


def spellings(districts: Mapping[str, str]) -> Mapping[str, str]:
    """Give the district's code by every spelling of its name, with its pinyin; `districts`: names by code."""
    return _spellings(tuple(districts.items()))


@lru_cache(8)
def _spellings(districts: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for code, name in districts:
        for part in filter(None, _BRACKETS.split(text.normalise(name))):
            short = _LAST.sub("", part)
            for spelling in (part, short, sounds.heard(short)):
                if len(spelling) > 1:
                    found.setdefault(spelling, code)
    return found
