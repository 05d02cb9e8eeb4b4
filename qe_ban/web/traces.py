"""Describes an unexpected exception for the log without what the request said.

Messages of exceptions quote the values that broke something (a driver's even the row), so only types and places are
kept; the sandbox, where nobody is real, keeps the messages too.
"""

import traceback
from typing import Any

from qe_ban.config import Settings
from qe_ban.web.parts import part

_LONGEST_CHAIN = 5


def describe(error: BaseException) -> dict[str, Any]:
    """Return `exception` (the types, outermost first) and `traceback` (file, line and function), for a log line."""
    talkative = part(Settings).sandbox
    links = _chain(error)
    names = [_name(link) + (f": {link}" if talkative else "") for link in links]
    frames = [
        f"{frame.filename}:{frame.lineno} {frame.name}"
        for link in reversed(links)
        for frame in traceback.extract_tb(link.__traceback__)
    ]
    return {"exception": " <- ".join(names), "traceback": frames}


def _chain(error: BaseException) -> list[BaseException]:
    links: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in links and len(links) < _LONGEST_CHAIN:
        links.append(link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return links


def _name(error: BaseException) -> str:
    kind = type(error)
    return f"{kind.__module__}.{kind.__qualname__}"
