"""Suggests names while somebody types: what begins so, in characters, pinyin or initials, the popular first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.orm import Session

from qe_ban.items.queries import finding, suggesting
from qe_ban.items.service import ranking, understanding
from qe_ban.items.service.searching import district_of
from qe_ban.items.words import marks, sounds, text
from qe_ban.kernel.city import City

MOST: Final = 10
LOOKED_AT: Final = 25
WITHIN: Final = 8
"""What it takes from a weight that only a later word begins so: it must be used four times as much."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A name to go on with. `alias`: what it is also called and begins as was typed; `matched`: parts to highlight."""

    name: str
    code: str
    alias: str | None
    matched: Sequence[tuple[int, int]]


def suggest(
    session: Session, city: City, q: str, *, hall: str | None, now: datetime, limit: int = MOST
) -> list[Suggestion]:
    """Return at most `limit` names, each once. Where nothing begins so, what a search finds. Raises HallUnknown."""
    district = district_of(city, hall)
    compact = text.compact(understanding.normalise(q))
    parameters = {"hall": district, "now": now}
    suggestions: list[Suggestion] = []
    for keys in _keys(compact):
        suggestions = _suggestions(session, _ids(session, keys), compact, parameters, limit)
        if len(suggestions) == limit:
            break
    if not suggestions and len(compact) > 1:
        scored = ranking.rank(session, q, city.districts).scored[:LOOKED_AT]
        ids = [(one.candidate.id, place) for place, one in enumerate(scored)]
        suggestions = _suggestions(session, ids, compact, parameters, limit)
    return suggestions


def _keys(compact: str) -> list[list[tuple[str, int]]]:
    """Return the beginnings to look up, each with what it takes from the weight; a second list where the first is poor.

    What is very short is at first looked for at the beginning of names only: later words begin with anything.
    """
    if not compact:
        return []
    is_short = len(compact) < (3 if compact.isascii() else 2)
    if not compact.isascii():
        names, words = [(f"0h{compact}", 0)], [(f"1h{compact}", WITHIN)]
        if any(letter.isascii() for letter in compact):
            names.append((f"0p{sounds.heard(compact)}", 1))
    elif len(compact) == 1:
        return [[(f"0i{compact}", 0), (f"0h{compact}", 0)]]
    else:
        names, words = (
            [(f"{mark}{kind}{compact}", rank) for kind in "pih"] for mark, rank in (("0", 0), ("1", WITHIN))
        )
    return [names, [*names, *words]] if is_short else [[*names, *words]]


def _ids(session: Session, keys: Sequence[tuple[str, int]]) -> list[tuple[int, int]]:
    lows = [low for low, _ in keys]
    parameters = {
        "lows": lows,
        "highs": [low + finding.LAST for low in lows],
        "ranks": [rank for _, rank in keys],
        "most": LOOKED_AT,
    }
    return [(row.text_id, -row.weight) for row in session.execute(suggesting.HEADS, parameters)]


def _suggestions(
    session: Session, ids: Sequence[tuple[int, int]], compact: str, parameters: Mapping[str, Any], limit: int
) -> list[Suggestion]:
    if not ids:
        return []
    columns = {"ids": [text_id for text_id, _ in ids], "places": [place for _, place in ids]}
    suggestions: dict[str, Suggestion] = {}
    for row in session.execute(suggesting.MEANT, {**parameters, **columns}):
        if len(suggestions) == limit:
            break
        if row.name not in suggestions:
            suggestions[row.name] = _suggestion(row, compact)
    return list(suggestions.values())


def _suggestion(row: Row[Any], compact: str) -> Suggestion:
    part = marks.prefix_part(row.name, compact)
    if part is not None:
        return Suggestion(row.name, row.code, None, [part])
    alias = next((name for name in row.names[1:] if marks.prefix_part(name, compact)), None)
    return Suggestion(row.name, row.code, alias, [])
