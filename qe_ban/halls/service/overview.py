"""The list of the city's halls, from the page cache."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from qe_ban.db.engine import DatabaseUnavailable
from qe_ban.kernel.city import City
from qe_ban.publishing.rules import themes
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.service.page_cache import PageCache


def overview(page_cache: PageCache, city: City, now: datetime) -> tuple[Sequence[Mapping[str, Any]], int | None]:
    """Return what each hall's page says of itself, and the age of the oldest page where any may be out of date.

    Of a page that cannot be had now only what the city's file says. Raises DatabaseUnavailable where none can be had.
    """
    rows: list[Mapping[str, Any]] = []
    ages: list[int] = []
    away: list[DatabaseUnavailable] = []
    for slug in city.halls:
        try:
            page, age = page_cache.page(PageKind.HALL, slug, now)
        except DatabaseUnavailable as error:
            away.append(error)
            rows.append(_bare(city, slug))
        else:
            rows.append(page.body)
            ages += [age] if age is not None else []
    if len(away) == len(rows):
        raise away[0]
    return rows, max(ages, default=0 if away else None)


def _bare(city: City, slug: str) -> Mapping[str, Any]:
    name = city.hall_names[slug]
    return {
        "slug": slug,
        "name": name,
        "title": name,
        "summary": None,
        "district": city.halls[slug],
        "theme": themes.theme({}),
        "banner": None,
        "version": None,
    }
