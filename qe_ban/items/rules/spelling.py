"""How a text or a list of words is spelled in one cell, so that a sheet, a person and a program read the same."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

NONE: Final = "无"
"""Alone in the key column of a table: the item has no such rows."""

SEPARATORS: Final = "、；;，,\n"
JOINED: Final = "、"

_IDLE: Final = frozenset({"无", "无。", "/", "-"})
"""What people type into a cell of which they have nothing to say."""

_FORMULA = ("=", "+", "-", "@")
_LONGEST_IDLE: Final = 6
_RUINED = re.compile(r"#(?:REF!|N/A|NAME\?|VALUE!|DIV/0!|NUM!|NULL!)|[0-9]+(?:\.[0-9]+)?[Ee]\+[0-9]+", re.ASCII)
_LINE_ENDS = re.compile(r"\r\n?")
_GUARD: Final = "'"
_QUOTE: Final = '"'
_SPLIT = re.compile(f"[{SEPARATORS}]")


def written(text: str, *, formulas: bool) -> str:
    """Give a text as a cell holds it: with an apostrophe before what a reader would else trim or take for something.

    `formulas`: also before what a spreadsheet program would compute (CSV has no types: OWASP, CSV injection).
    """
    # whoever reads it takes an apostrophe off, so one that is really there gets another
    guarded = text.startswith(_GUARD) and _is_guarded(text[1:])
    if guarded or _would_change(text) or (formulas and text.startswith(_FORMULA)):
        return _GUARD + text
    return text


def read(cell: str) -> str:
    """Give the text that a cell holds: trimmed, or exactly as it stands behind the apostrophe of `written`."""
    text = _LINE_ENDS.sub("\n", cell) if "\r" in cell else cell
    if text.startswith(_GUARD) and _is_guarded(text[1:]):
        return text[1:]
    return text.strip()


def is_none(cell: str) -> bool:
    """Tell whether a cell holds the word that means "no rows"."""
    return cell.strip() == NONE


def says_nothing(cell: str) -> bool:
    """Tell whether a cell holds what people type instead of leaving it empty (无, /, -, of any width)."""
    return len(cell) <= _LONGEST_IDLE and unicodedata.normalize("NFKC", cell.strip()) in _IDLE


def is_ruined(cell: str) -> bool:
    """Tell whether a cell holds what a spreadsheet program leaves of a long number or of a failed formula."""
    return _RUINED.fullmatch(cell.strip()) is not None


def joined(words: Iterable[str]) -> str:
    """Give words as one text; those that a reader would take apart stand in quotes, as in CSV (RFC 4180, 2.7)."""
    return JOINED.join(_quoted(word) for word in words)


def split(text: str) -> list[str]:
    """Give the words of a text, trimmed, without empty ones. Raises ValueError where a quote is not closed."""
    if _QUOTE not in text:
        return [word for part in _SPLIT.split(text) if (word := part.strip())]
    words, at = [], 0
    while at < len(text):
        word, at = _next_word(text, at)
        if word:
            words.append(word)
    return words


def _is_guarded(text: str) -> bool:
    core = text.lstrip(_GUARD)
    return core.startswith(_FORMULA) or _would_change(core)


def _would_change(text: str) -> bool:
    return text != text.strip() or text == NONE or is_ruined(text)


def _quoted(word: str) -> str:
    if _SPLIT.search(word) or word.startswith(_QUOTE) or word != word.strip():
        return _QUOTE + word.replace(_QUOTE, _QUOTE * 2) + _QUOTE
    return word


def _next_word(text: str, at: int) -> tuple[str, int]:
    """Give the word that begins at a place, and where the next one does."""
    while at < len(text) and text[at].isspace():
        at += 1
    if not text.startswith(_QUOTE, at):
        found = _SPLIT.search(text, at)
        end = found.start() if found else len(text)
        return text[at:end].strip(), end + 1
    end = at + 1
    while True:
        end = text.find(_QUOTE, end)
        if end < 0:
            raise ValueError("a quote is not closed")
        if not text.startswith(_QUOTE, end + 1):
            break
        end += 2
    found = _SPLIT.search(text, end)
    after = found.start() if found else len(text)
    if text[end + 1 : after].strip():
        raise ValueError("something stands behind a closing quote")
    return text[at + 1 : end].replace(_QUOTE * 2, _QUOTE), after + 1
