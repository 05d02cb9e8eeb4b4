"""Searches the catalogue: ranks wordings, then gives for each entry the item that fits, with counts by filter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row
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
class SearchPage:
    """A page of a search. `capped`: there are more than `total`; `corrected`: what was probably meant.

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
) -> SearchPage:
    """Return a page of the items that answer `q`, or where there is none of all items, the popular ones first.

    With a hall: the district's own item for each entry, else the city's, else one that is done anywhere. A district
    that the query names is preferred likewise, without leaving the others out; a district's name alone is its hall.
    Raises HallUnknown.
    """
    hall = district_of(city, filters.hall)
    if q is None or not q.strip():
        return _browse(session, city, filters, _parameters(filters, hall, now) | _extent(hall, offset, limit))
    ranked = ranking.rank(session, q, city.districts)
    near = ranked.understood.near or hall
    if near and ranked.understood.is_empty:
        within = near if hall is None else hall
        return _browse(session, city, filters, _parameters(filters, within, now) | _extent(within, offset, limit))
    parameters = _parameters(filters, hall, now) | _extent(near, offset, limit)
    texts = _texts(ranked)
    page = _page(session, city, texts, (), parameters, ranked, capped=ranked.capped)
    if ranked.capped and page.total < offset + limit and filters != Filters():
        narrowed = ranking.narrow(session, ranked, parameters)
        # what the filters hold back is still counted among what they could choose
        return _page(session, city, _texts(narrowed), texts, parameters, ranked, capped=narrowed.capped)
    return page


def _texts(ranked: ranking.Ranked) -> list[_Text]:
    return [(one.candidate.id, one.candidate.entry, one.score) for one in ranked.scored]


def district_of(city: City, hall: str | None) -> str | None:
    """Return the district of a hall; None without a hall. The city's own hall has the empty one. Raises HallUnknown."""
    if hall is None:
        return None
    try:
        return city.hall(hall) or ""
    except KeyError:
        raise HallUnknown from None


def _parameters(filters: Filters, hall: str | None, now: datetime) -> dict[str, Any]:
    return {
        "hall": hall,
        "department": filters.department,
        "audience": filters.audience,
        "topic": filters.topic,
        "online": filters.online,
        "reach": filters.reach,
        "now": now,
    }


def _extent(near: str | None, offset: int, limit: int) -> dict[str, Any]:
    return {
        "near": near,
        "own": OWN if near else 0.0,
        "offset": offset,
        "limit": limit,
        "departments": listing.FIRST_DEPARTMENTS,
    }


def _browse(session: Session, city: City, filters: Filters, parameters: Mapping[str, Any]) -> SearchPage:
    """Return a page of all items. What a filter leaves out is looked up too, for its own counts."""
    # whole hundreds: the hall's own come first within each, so a page must not depend on how far one reads
    most = _bound(parameters) + 1
    texts = _popular(session, parameters, most)
    loose = [name for name in FACETS if getattr(filters, name) is not None]
    others = [text for name in loose for text in _popular(session, {**parameters, name: None}, COUNTED)]
    return _page(session, city, texts, others, parameters, None, capped=False)


def _popular(session: Session, parameters: Mapping[str, Any], most: int) -> list[_Text]:
    """Return the most popular wordings that the filters let through: by walking, or where they are few from these."""
    walk_length = WALKED if parameters["audience"] is not None else None
    parameters = {**parameters, "most": most, "walked": walk_length}
    if parameters["department"] is None and parameters["topic"] is None:
        rows = session.execute(listing.BROWSE, parameters).all()
        if len(rows) == most or walk_length is None:
            return _by_hundreds(rows)
    return _by_hundreds(session.execute(listing.BROWSE_FEW, parameters).all())


def _by_hundreds(rows: Sequence[Any]) -> list[_Text]:
    return [(row.id, row.entry, -float(place // COUNTED)) for place, row in enumerate(rows)]


def _bound(parameters: Mapping[str, Any]) -> int:
    """Return how many entries are looked at: as many hundreds as the page reaches into."""
    end: int = parameters["offset"] + parameters["limit"]
    return -(-end // COUNTED) * COUNTED


def _page(
    session: Session,
    city: City,
    texts: Sequence[_Text],
    others: Sequence[_Text],
    parameters: Mapping[str, Any],
    ranked: ranking.Ranked | None,
    *,
    capped: bool,
) -> SearchPage:
    """Return the page of `texts`; `others` are only counted, by the filters that hold them back."""
    bound = _bound(parameters)
    first_texts, entries = _first(texts, bound)
    row = session.execute(listing.PAGE, {**parameters, **_columns(_counted(first_texts, others))}).one()
    hits = [_hit(city, item, ranked) for item in row.items or ()]
    end, is_full = parameters["offset"] + len(hits), len(hits) == parameters["limit"]
    return SearchPage(
        items=hits,
        total=row.total,
        capped=(capped or entries > bound) and bool(texts),
        counts=_counts_by_filter(city, row),
        corrected=ranked.corrected if ranked is not None and hits else None,
        more=end < DEEPEST and (end < row.total or (entries > bound and is_full)),
        missed=not texts,
    )


def _first(texts: Sequence[_Text], bound: int) -> tuple[list[_Text], int]:
    """Return the texts of the first entries, and of how many entries there are texts at all."""
    places = _places(texts)
    return [text for text in texts if places[text[1]] < bound], len(places)


def _counted(first_texts: Sequence[_Text], others: Sequence[_Text]) -> list[_Text]:
    """Return the texts by which filters are counted: those of the page's entries, and the first of the others."""
    text_ids = {text_id for text_id, *_ in first_texts}
    return [*first_texts, *(text for text in _first(others, COUNTED)[0] if text[0] not in text_ids)]


def _columns(texts: Sequence[_Text]) -> dict[str, list[Any]]:
    places = _places(texts)
    return {
        "texts": [text_id for text_id, *_ in texts],
        "places": [places[entry] for _, entry, _ in texts],
        "scores": [score for *_, score in texts],
    }


def _places(texts: Sequence[_Text]) -> dict[str, int]:
    """Return the place of each entry: where its first text stands among the others' first ones."""
    places: dict[str, int] = {}
    for _, entry, _ in texts:
        places.setdefault(entry, len(places))
    return places


def _counts_by_filter(city: City, row: Row[Any]) -> dict[str, Sequence[Count]]:
    return {
        "department": _counts(row.departments),
        "audience": [Count(word, many, AUDIENCES.get(word, word)) for word, many in row.audiences or ()],
        "topic": _counts(row.topics),
        "online": _counts(row.online),
        "district": [
            Count(code, many, city.districts.get(code, code) if code else None) for code, many in row.districts or ()
        ],
    }


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
        matched=marks.highlights(item["name"], ranked.understood.pieces) if ranked is not None else [],
    )
