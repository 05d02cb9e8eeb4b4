"""Which office does an item for whom: what pages show of the items that they name, and the items most used."""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from qe_ban.items.queries import offering as queries
from qe_ban.items.rules.codes import parse

Offered = dict[str, Any]
"""An item as pages take it: `entry`, `name`, and its `offices`, the city's own first.

Of each office `district` (None: the city's), `code`, `name`, `department` (its name), `online`, `reach` (`office`: it
serves only who comes there) and `link` (the address where a phone does it, or None).
"""

_ENTRY: Final = re.compile(r"[0-9]{12}(?:[0-9]{2})?", re.ASCII)
_WORDINGS: Final = 25
"""How many wordings are looked through for each hot item that nobody has used yet."""


def entry_of(key: str) -> str | None:
    """Give the entry of an entry's or an item's code; None for what has no code's shape."""
    if _ENTRY.fullmatch(key):
        return key
    parsed = parse(key)
    return parsed.entry if parsed is not None else None


def source(session: Session, keys: Collection[str], now: datetime) -> Mapping[str, Offered]:
    """Give by key the items that are done now, with all their offices: a key is an entry or an item's full code.

    A full code stands as long as that very item does; of several offices in one district the one it names comes first.
    The name is the city's, else the most common. One statement, however many keys.
    """
    entries = {key: entry for key in keys if (entry := entry_of(key)) is not None}
    offices: dict[str, list[dict[str, Any]]] = {}
    if entries:
        asked = {"entries": sorted(set(entries.values())), "now": now}
        for row in session.execute(queries.OFFICES, asked).mappings():
            office = dict(row)
            offices.setdefault(office.pop("entry"), []).append(office)
    found = {}
    for key, entry in entries.items():
        those = offices.get(entry, [])
        if key != entry:
            code = key.upper()
            those = sorted(those, key=lambda office: office["code"] != code)
            those = those if those and those[0]["code"] == code else []
        if those:
            found[key] = {"entry": entry, "name": _name(those), "offices": those}
    return found


def hot(session: Session, district: str | None, limit: int, now: datetime) -> list[Offered]:
    """Give the items that are used most, of those that a district (None: the city's own hall) has an office for.

    That is one of its own, the city's, or one that is done anywhere. Items that nobody has used yet come last, by name.
    """
    asked = {"district": district or "", "most": limit, "wordings": _WORDINGS * limit, "now": now}
    entries = list(session.scalars(queries.HOT, asked))
    found = source(session, entries, now)
    return [found[entry] for entry in entries if entry in found]


def names(session: Session, entries: Collection[str], now: datetime) -> dict[str, str]:
    """Give what entries are called or were called when an office still did them."""
    asked = {"entries": sorted(set(entries)), "now": now}
    return {row.entry: row.name for row in session.execute(queries.LAST_NAMES, asked)}


def _name(offices: Sequence[Mapping[str, Any]]) -> str:
    city: list[str] = [office["name"] for office in offices if office["district"] is None]
    names: list[str] = city or [office["name"] for office in offices]
    return Counter(names).most_common(1)[0][0]
