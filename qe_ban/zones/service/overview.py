"""The list of the city's zones: what is open from the page cache, the others by what is planned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from qe_ban.db.engine import Database, DatabaseUnavailable
from qe_ban.kernel.city import City
from qe_ban.publishing.errors import PageNotFound
from qe_ban.publishing.rules import themes
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.service import page_end, pages
from qe_ban.publishing.service.page_cache import PageCache
from qe_ban.zones.rules.showing import ZoneState, state_of


@dataclass(frozen=True, slots=True)
class Overview:
    """One zone of the list; `body` is what its page says of itself, of one that is not open the city's name only."""

    body: Mapping[str, Any]
    state: ZoneState
    opens_at: datetime | None = None
    ended_at: datetime | None = None


def overview(
    page_cache: PageCache, database: Database, city: City, now: datetime
) -> tuple[Sequence[Overview], int | None]:
    """Return all zones in the city's order, and the age of the oldest page where any may be out of date.

    Open ones need no database; without one nothing is told of the others' plans. Raises DatabaseUnavailable where no
    zone at all can be told.
    """
    open_zones, ages = _list_open(page_cache, city, now)
    others = [slug for slug in city.zones if slug not in open_zones]
    zones = open_zones | (_list_closed(database, city, others, now) if others else {})
    return [zones[slug] for slug in city.zones], max(ages, default=None)


def _list_open(page_cache: PageCache, city: City, now: datetime) -> tuple[dict[str, Overview], list[int]]:
    """Return the open zones, and the ages of pages that may be out of date.

    Raises DatabaseUnavailable where that hides all of them.
    """
    zones: dict[str, Overview] = {}
    ages = []
    failure: DatabaseUnavailable | None = None
    for slug in city.zones:
        try:
            page, age = page_cache.page(PageKind.ZONE, slug, now)
        except PageNotFound:
            continue
        except DatabaseUnavailable as error:
            failure = error
            continue
        zones[slug] = Overview(page.body, ZoneState.OPEN)
        if age is not None:
            ages.append(age)
    if failure is not None and not zones:
        raise failure
    return zones, ages


def _list_closed(database: Database, city: City, slugs: Sequence[str], now: datetime) -> dict[str, Overview]:
    try:
        with database.transaction() as session:
            over = page_end.find_ended(session, PageKind.ZONE, slugs, now)
            opens = {slug: pages.begins_at(session, PageKind.ZONE, slug, now) for slug in slugs}
    except DatabaseUnavailable:
        over, opens = {}, dict.fromkeys(slugs)
    return {slug: _one(slug, city.zones[slug], over.get(slug), opens[slug]) for slug in slugs}


def _one(slug: str, name: str, ended_at: datetime | None, opens_at: datetime | None) -> Overview:
    body: dict[str, Any] = {
        "slug": slug,
        "name": name,
        "title": name,
        "summary": None,
        "theme": themes.theme({}),
        "banner": None,
        "audiences": [],
    }
    state = state_of(is_shown=False, ended_at=ended_at, opens_at=opens_at)
    return Overview(body, state, opens_at if state is ZoneState.COMING else None, ended_at)
