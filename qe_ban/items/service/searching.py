"""Searches the catalogue: ranks wordings, then gives for each entry the item that fits, with counts by filter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from qe_ban.items.errors import HallUnknown
from qe_ban.items.queries import listing
from qe_ban.items.rules.fields import AUDIENCES
from qe_ban.items.service import ranking
from qe_ban.items.words import marks
from qe_ban.kernel.city import City

DEEPEST: Final = 1000
"""How far a list can be read on."""
COUNTED: Final = 100
"""How many entries are counted and listed; more only for who reads on."""
OWN: Final = 0.08
"""What it adds to an item's score to be the hall's own."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What items must be; None is whatever. `hall`: `city` or a district's slug; `topic` means those below it too."""

    hall: str | None = None
    department: str | None = None
    audience: str | None = None
    topic: str | None = None
    online: bool | None = None
    reach: str | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """How many entries a choice of a filter leaves."""

    value: Any
    count: int
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A department or a district, by code and name."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Hit:
    """An item of a list. `offices`: how many other offices do it; `matched`: parts of the name to highlight."""

    code: str
    name: str
    item_type: str
    department: Place
    district: Place | None
    reach: str
    audiences: Sequence[str]
    topics: Sequence[str]
    online: bool
    handling: str
    offices: int
    matched: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Found:
    """A page of what was found. `capped`: there are more than `total`; `corrected`: what was probably meant.

    `more`: there is a page after this one; `missed`: no wording answers, whatever the filters.
    """

    items: Sequence[Hit]
    total: int
    capped: bool
    counts: Mapping[str, Sequence[Count]]
    corrected: str | None
    more: bool
    missed: bool


def search(
    session: Session, city: City, q: str | None, filters: Filters, *, offset: int, limit: int, now: datetime
) -> Found:
    """Give a page of the items that answer `q`, or where there is none of all items, the popular ones first.

    With a hall: the district's own item for each entry, else the city's, else one that is done anywhere. A district
    that the query names is preferred likewise, without leaving the others out. Raises HallUnknown.
    """
    hall = district_of(city, filters.hall)
    asked = _asked(filters, hall, now)
    if q is None or not q.strip():
        rows = _browse(session, filters, asked, offset + limit)
        texts = [(row.id, row.entry, 1.0) for row in rows]
        return _found(session, city, texts, asked | _page(hall, offset, limit), None, capped=False)
    ranked = ranking.rank(session, q, city.districts)
    near = ranked.understood.near or hall
    asked |= _page(near, offset, limit)
    found = _found(session, city, _texts(ranked), asked, ranked, capped=ranked.capped)
    if ranked.capped and found.total < offset + limit and filters != Filters():
        narrowed = ranking.narrow(session, ranked, asked)
        return _found(session, city, _texts(narrowed), asked, ranked, capped=narrowed.capped)
    return found


def _texts(ranked: ranking.Ranked) -> list[tuple[int, str, float]]:
    return [(one.candidate.id, one.candidate.entry, one.score) for one in ranked.scored]


def district_of(city: City, hall: str | None) -> str | None:
    """Give the district of a hall; None without a hall. The city's own hall has the empty one. Raises HallUnknown."""
    if hall is None:
        return None
    try:
        return city.hall(hall) or ""
    except KeyError:
        raise HallUnknown from None


def _asked(filters: Filters, hall: str | None, now: datetime) -> dict[str, Any]:
    return {
        "hall": hall,
        "department": filters.department,
        "audience": filters.audience,
        "topic": filters.topic,
        "online": filters.online,
        "reach": filters.reach,
        "now": now,
    }


def _page(near: str | None, offset: int, limit: int) -> dict[str, Any]:
    return {
        "near": near,
        "own": OWN if near else 0.0,
        "offset": offset,
        "limit": limit,
        "departments": listing.FIRST_DEPARTMENTS,
    }


def _browse(session: Session, filters: Filters, asked: Mapping[str, Any], end: int) -> Sequence[Any]:
    few = filters.department is not None or filters.topic is not None
    most = max(COUNTED, end) + 1
    return session.execute(listing.BROWSE_FEW if few else listing.BROWSE, {**asked, "most": most}).all()


def _found(
    session: Session,
    city: City,
    texts: Sequence[tuple[int, str, float]],
    asked: Mapping[str, Any],
    ranked: ranking.Ranked | None,
    *,
    capped: bool,
) -> Found:
    places: dict[str, int] = {}
    for _, entry, _ in texts:
        places.setdefault(entry, len(places))
    bound = max(COUNTED, asked["offset"] + asked["limit"])
    texts = [one for one in texts if places[one[1]] < bound]
    capped = capped or len(places) > bound
    row = session.execute(
        listing.PAGE,
        {
            **asked,
            "texts": [text_id for text_id, *_ in texts],
            "places": [places[entry] for _, entry, _ in texts],
            "scores": [score for *_, score in texts],
        },
    ).one()
    hits = [_hit(city, item, ranked) for item in row.items or ()]
    counts = {
        "department": _counts(row.departments),
        "audience": [Count(word, many, AUDIENCES.get(word, word)) for word, many in row.audiences or ()],
        "topic": _counts(row.topics),
        "online": _counts(row.online),
        "district": [
            Count(code, many, city.districts.get(code, code) if code else None) for code, many in row.districts or ()
        ],
    }
    corrected = ranked.corrected if ranked is not None and hits else None
    more = asked["offset"] + len(hits) < row.total and asked["offset"] + len(hits) < DEEPEST
    return Found(hits, row.total, capped, counts, corrected, more, missed=not texts)


def _counts(rows: Sequence[Sequence[Any]] | None) -> list[Count]:
    return [Count(*row) for row in rows or ()]


def _hit(city: City, item: Mapping[str, Any], ranked: ranking.Ranked | None) -> Hit:
    district = item["district"]
    return Hit(
        code=item["code"],
        name=item["name"],
        item_type=item["item_type"],
        department=Place(item["department"], item["department_name"]),
        district=Place(district, city.districts.get(district, district)) if district else None,
        reach=item["reach"],
        audiences=item["audiences"],
        topics=item["topics"],
        online=item["online"],
        handling=item["handling"],
        offices=item["offices"],
        matched=marks.held(item["name"], ranked.understood.pieces) if ranked is not None else [],
    )
