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
WALKED: Final = 1000
"""How many of the most popular wordings are looked through for an audience; it is rare if that is not enough."""
FACETS: Final = ("department", "audience", "topic", "online")
"""The filters whose counts do not apply themselves, so that one can choose anew."""
OWN: Final = 0.08
"""What it adds to an item's score to be the hall's own."""

_Text = tuple[int, str, float]
"""A wording, its entry and its score."""


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
    that the query names is preferred likewise, without leaving the others out; a district's name alone is its hall.
    Raises HallUnknown.
    """
    hall = district_of(city, filters.hall)
    if q is None or not q.strip():
        return _browse(session, city, filters, _asked(filters, hall, now) | _page(hall, offset, limit))
    ranked = ranking.rank(session, q, city.districts)
    near = ranked.understood.near or hall
    if near and not ranked.understood.wanted and not ranked.understood.unknown:
        within = near if hall is None else hall
        return _browse(session, city, filters, _asked(filters, within, now) | _page(within, offset, limit))
    asked = _asked(filters, hall, now) | _page(near, offset, limit)
    texts = _texts(ranked)
    found = _found(session, city, texts, (), asked, ranked, capped=ranked.capped)
    if ranked.capped and found.total < offset + limit and filters != Filters():
        narrowed = ranking.narrow(session, ranked, asked)
        # what the filters hold back is still counted among what they could choose
        return _found(session, city, _texts(narrowed), texts, asked, ranked, capped=narrowed.capped)
    return found


def _texts(ranked: ranking.Ranked) -> list[_Text]:
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


def _browse(session: Session, city: City, filters: Filters, asked: Mapping[str, Any]) -> Found:
    """Give a page of all items. What a filter leaves out is looked up too, for its own counts."""
    # whole hundreds: the hall's own come first within each, so a page must not depend on how far one reads
    most = _bound(asked) + 1
    texts = _popular(session, asked, most)
    loose = [name for name in FACETS if getattr(filters, name) is not None]
    others = [one for name in loose for one in _popular(session, {**asked, name: None}, COUNTED)]
    return _found(session, city, texts, others, asked, None, capped=False)


def _popular(session: Session, asked: Mapping[str, Any], most: int) -> list[_Text]:
    """Give the most popular wordings that the filters let through: by walking, or where they are few from these."""
    given = {**asked, "most": most, "walked": WALKED if asked["audience"] is not None else None}
    if asked["department"] is None and asked["topic"] is None:
        rows = session.execute(listing.BROWSE, given).all()
        if len(rows) == most or given["walked"] is None:
            return _by_hundreds(rows)
    return _by_hundreds(session.execute(listing.BROWSE_FEW, given).all())


def _by_hundreds(rows: Sequence[Any]) -> list[_Text]:
    return [(row.id, row.entry, -float(place // COUNTED)) for place, row in enumerate(rows)]


def _bound(asked: Mapping[str, Any]) -> int:
    """Give how many entries are looked at: as many hundreds as the page reaches into."""
    end: int = asked["offset"] + asked["limit"]
    return -(-end // COUNTED) * COUNTED


def _found(
    session: Session,
    city: City,
    texts: Sequence[_Text],
    others: Sequence[_Text],
    asked: Mapping[str, Any],
    ranked: ranking.Ranked | None,
    *,
    capped: bool,
) -> Found:
    """Give the page of `texts`; `others` are only counted, by the filters that hold them back."""
    bound = _bound(asked)
    kept, many = _first(texts, bound)
    known = {text_id for text_id, *_ in kept}
    counted = [*kept, *(one for one in _first(others, COUNTED)[0] if one[0] not in known)]
    places: dict[str, int] = {}
    for _, entry, _ in counted:
        places.setdefault(entry, len(places))
    capped = (capped or many > bound) and bool(texts)
    row = session.execute(
        listing.PAGE,
        {
            **asked,
            "texts": [text_id for text_id, *_ in counted],
            "places": [places[entry] for _, entry, _ in counted],
            "scores": [score for *_, score in counted],
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
    end = asked["offset"] + len(hits)
    more = end < DEEPEST and (end < row.total or (many > bound and len(hits) == asked["limit"]))
    return Found(hits, row.total, capped, counts, corrected, more, missed=not texts)


def _first(texts: Sequence[_Text], bound: int) -> tuple[list[_Text], int]:
    """Give the texts of the first entries, and of how many entries there are texts at all."""
    places: dict[str, int] = {}
    for _, entry, _ in texts:
        places.setdefault(entry, len(places))
    return [one for one in texts if places[one[1]] < bound], len(places)


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
