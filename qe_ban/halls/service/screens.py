"""What a hall shows: its page in force laid over the city's, resolved, with its apps and the items most used."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from qe_ban.halls.rules import inheritance
from qe_ban.halls.service import apps, places
from qe_ban.items.service import offering
from qe_ban.kernel.city import CITY_HALL, City
from qe_ban.kernel.clock import rfc3339
from qe_ban.kernel.principal import Place
from qe_ban.kernel.shapes import Fault
from qe_ban.publishing.rules import audience_rules, offices, themes
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.rules.views import ResolvedPage
from qe_ban.publishing.service import pages, references
from qe_ban.publishing.service.page_documents import EMPTY
from qe_ban.publishing.service.page_types import PageType, Sources

MAX_APPS: Final = 60
HOT: Final = 8
_INHERITED_FIELDS: Final = ("primary_colour", "background_colour", "banner")

Content = Mapping[str, Any]
_NOTHING: Final[Content] = EMPTY


@dataclass(frozen=True, slots=True)
class _InForce:
    """What of a page is in force; `next_change_at`: the next moment at which that changes."""

    content: Content
    number: int | None = None
    published_at: datetime | None = None
    next_change_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Halls:
    """Resolves the city's halls; `sources` is where their references are looked up."""

    city: City
    sources: Sources

    def load(self, session: Session, slug: str, now: datetime) -> ResolvedPage:
        """Return a hall; where nothing is published there are still its apps, hot items and the city's blocks."""
        return self._resolve(session, slug, _find_in_force(session, slug, now), now)

    def resolve(self, session: Session, slug: str, content: Content, now: datetime) -> ResolvedPage:
        """Return what a content, published or not, looks like, over what the city has published."""
        return self._resolve(session, slug, _InForce(content), now)

    def faults(self, session: Session, slug: str, content: Content, now: datetime) -> Sequence[Fault]:
        """Find what a hall may not say in this city, and beside what the city's hall says now."""
        result = list(audience_rules.faults(content, self.city.districts, self.city.halls[slug]))
        if slug != CITY_HALL:
            result += inheritance.faults(content, _find_in_force(session, CITY_HALL, now).content)
        return result

    def covers(self, place: Place, slug: str) -> bool:
        """Return whether a member of staff answers for a hall: the city's do, the district's, and the hall's own."""
        district = self.city.halls[slug]
        return place.is_city or place.hall == slug or (district is not None and place.district == district)

    def page_type(self) -> PageType:
        """Return what halls bring to publishing."""
        return PageType(PageKind.HALL, self.city.hall_names, self.covers, self.faults, self.resolve)

    def _resolve(self, session: Session, slug: str, own: _InForce, now: datetime) -> ResolvedPage:
        district, name = self.city.halls[slug], self.city.hall_names[slug]
        citys, content = own, own.content
        if slug != CITY_HALL:
            citys = _find_in_force(session, CITY_HALL, now)
            content = _overlay(own.content, citys.content)
        blocks, banner = references.resolve(session, self.sources, content, now)
        hall_apps = apps.of_hall(session, self.city, district, now)
        self._fill(session, blocks, district, hall_apps, now)
        updated_at = max(_moments(own.published_at, citys.published_at), default=None)
        body = {
            "kind": PageKind.HALL.value,
            "slug": slug,
            "name": name,
            "title": own.content.get("title") or name,
            "summary": own.content.get("summary") or None,
            "theme": themes.theme(content),
            "banner": banner,
            "version": own.number,
            "city_version": citys.number,
            "updated_at": rfc3339(updated_at) if updated_at else None,
            "district": district,
            "apps": hall_apps[:MAX_APPS],
            "hot": [offices.with_office(item, district) for item in offering.hot(session, district, HOT, now)],
        }
        changes = _moments(own.next_change_at, citys.next_change_at, *references.next_changes(blocks))
        return ResolvedPage(body, blocks, district, min(changes, default=None))

    def _fill(
        self,
        session: Session,
        blocks: Collection[dict[str, Any]],
        district: str | None,
        hall_apps: Sequence[Mapping[str, Any]],
        now: datetime,
    ) -> None:
        """Add to blocks what they ask for without naming it: the hall's apps, the district's places of some kinds."""
        for block in blocks:
            if block["type"] == "app_grid" and block.get("local"):
                block["apps"] = _join(block.get("apps"), hall_apps)
            elif block["type"] == "places" and block.get("kinds"):
                near = places.of(session, self.city, block["kinds"], district, now)
                block["places"] = _join(block.get("places"), near)


def _moments(*moments: datetime | None) -> list[datetime]:
    return [moment for moment in moments if moment is not None]


def _find_in_force(session: Session, slug: str, now: datetime) -> _InForce:
    version = pages.in_force(session, PageKind.HALL, slug, now)
    if version is None:
        return _InForce(_NOTHING, next_change_at=pages.begins_at(session, PageKind.HALL, slug, now))
    return _InForce(version.content, version.number, version.published_at, version.next_change_at)


def _overlay(own: Content, citys: Content) -> dict[str, Any]:
    """Return a district's content with the city's blocks, colours and banner where it has none of its own."""
    values = {name: own.get(name) or citys.get(name) for name in _INHERITED_FIELDS}
    return {**own, **values, "blocks": inheritance.merge(citys, own)}


def _join(
    slugs_or_rows: Sequence[Mapping[str, Any]] | None, more: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    return list({one["slug"]: one for one in (*(slugs_or_rows or ()), *more)}.values())
