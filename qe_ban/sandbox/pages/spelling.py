"""Turns what a page of the sample says into what can be saved: codes for names of items, moments for times from now."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from qe_ban.kernel.clock import CITY_TIME, rfc3339
from qe_ban.sandbox.catalogue.entries import entries

_ITEMS: Final = frozenset({"item"})
_PICTURES: Final = frozenset({"picture", "icon", "cover", "banner"})
_MOMENTS: Final = frozenset({"starts_at", "ends_at"})
_DATES: Final = frozenset({"published_on", "issued_on"})
_OFFSET: Final = re.compile(r"([+-][0-9]+)([dh])")
_UNITS: Final = {"d": timedelta(days=1), "h": timedelta(hours=1)}


def items() -> dict[str, str]:
    """Return the codes of the sample catalogue's entries, by name."""
    return {entry.name: entry.code for entry in entries()}


def pictures(content: Any) -> Iterator[str]:
    """Yield the names of the pictures that a content, a block or a row shows."""
    if isinstance(content, list):
        for one in content:
            yield from pictures(one)
    elif isinstance(content, Mapping):
        for name, value in content.items():
            if name in _PICTURES and isinstance(value, str):
                yield value
            else:
                yield from pictures(value)


@dataclass(frozen=True, slots=True)
class Speller:
    """Spells for one moment; `items`: codes by name, `pictures`: digests by name."""

    items: Mapping[str, str]
    pictures: Mapping[str, str]
    now: datetime

    def resolve(self, content: Any) -> Any:
        """Return a content, a block or a row as it can be saved. Raises KeyError for an unknown item or picture."""
        if isinstance(content, list):
            return [self.resolve(one) for one in content]
        if isinstance(content, Mapping):
            return {name: self._value(name, value) for name, value in content.items()}
        return content

    def _value(self, name: str, value: Any) -> Any:
        if not isinstance(value, str):
            return self.resolve(value)
        if name in _ITEMS:
            return self.items[value]
        if name in _PICTURES:
            return self.pictures[value]
        if name in _MOMENTS:
            return rfc3339(self._moment(value))
        if name in _DATES:
            return self._moment(value).astimezone(CITY_TIME).date().isoformat()
        return value

    def _moment(self, offset: str) -> datetime:
        """Return the moment that is so far from now: `+2h`, `-3d`."""
        match = _OFFSET.fullmatch(offset)
        if match is None:
            raise ValueError(f"{offset!r} is no time from now")
        return self.now + int(match[1]) * _UNITS[match[2]]
