"""Searches rows of a page (solutions, policies): every word must occur, every filter must fit."""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

_NO_TEXT: Final = frozenset({"block", "key", "link", "starts_at", "ends_at"})
"""What nobody reads."""

Row = Mapping[str, Any]
Filters = Mapping[str, str | None]


def search(rows: Sequence[Row], q: str | None, filters: Filters | None = None) -> list[Row]:
    """Return the rows in which every word of `q` occurs, and which fit every filter that is not None, in their order.

    Words are told apart by white space; case and width make no difference. A filter names a field and a word: it fits
    where the field is, or has, that word, and where the field says nothing, for then the row is for all.
    """
    words = _fold(q or "").split()
    active_filters = {name: word for name, word in (filters or {}).items() if word is not None}
    return [row for row in rows if _fits(row, active_filters) and _says(row, words)]


def _fits(row: Row, active_filters: Mapping[str, str]) -> bool:
    for name, word in active_filters.items():
        value = row.get(name)
        if value and word not in ((value,) if isinstance(value, str) else value):
            return False
    return True


def _says(row: Row, words: Sequence[str]) -> bool:
    if not words:
        return True
    text = _fold("\n".join(_texts(row)))
    return all(word in text for word in words)


def _texts(row: Row) -> Iterator[str]:
    for name, value in row.items():
        if name in _NO_TEXT:
            continue
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            yield from (word for word in value if isinstance(word, str))


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
