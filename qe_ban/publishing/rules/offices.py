"""Chooses the office that does a service item for a district: never by an ID number."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

ONLY_THERE: Final = "office"
"""The reach of an office that serves nobody from elsewhere."""

Office = Mapping[str, Any]


def choose_office(offices: Sequence[Office], district: str | None) -> Office | None:
    """Return a district's own office, else the city's, else one that serves all; None where people must choose.

    Each office has at least `district` (None: the city's) and `reach`.
    """
    own = (office for office in offices if district is not None and office["district"] == district)
    citys = (office for office in offices if office["district"] is None)
    wide = (office for office in offices if office["reach"] != ONLY_THERE)
    for choice in (own, citys, wide):
        for office in choice:
            return office
    return None


def with_office(item: Mapping[str, Any], district: str | None) -> dict[str, Any]:
    """Return what a screen tells of an item with its `offices`: where it is done for a district.

    Where no office is chosen, `code` is null and the client asks which of `districts`; `online` is then whether all of
    them do it online.
    """
    offices: Sequence[Office] = item["offices"]
    office = choose_office(offices, district) or _no_office(item, offices)
    return {
        "entry": item["entry"],
        "name": office["name"],
        "code": office["code"],
        "department": office["department"],
        "district": office["district"],
        "online": office["online"],
        "link": office["link"],
        "districts": sorted({one["district"] for one in offices if one["district"] is not None}),
    }


def _no_office(item: Mapping[str, Any], offices: Sequence[Office]) -> Office:
    """Return what stands in the place of an office until one is chosen."""
    online = bool(offices) and all(office["online"] for office in offices)
    return {"name": item["name"], "code": None, "department": None, "district": None, "online": online, "link": None}
