"""What a zone shows: its page in force, with its references resolved, and its type for publishing."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from qe_ban.kernel.city import City
from qe_ban.kernel.clock import rfc3339
from qe_ban.kernel.field_types import has_value
from qe_ban.kernel.principal import Place
from qe_ban.kernel.shapes import Fault
from qe_ban.publishing.rules import audience_rules, themes
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.rules.views import ResolvedPage
from qe_ban.publishing.service import page_end, pages, references
from qe_ban.publishing.service.page_types import PageType, Sources
from qe_ban.publishing.service.screens import Absent

_INHERITING: Final = ("replaces", "after")
_LOOK_UP_FIELDS: Final = (("places", "kinds"), ("app_grid", "local"))
"""What a hall fills with its district's apps and places; a zone is of no district and names them one by one."""


@dataclass(frozen=True, slots=True)
class Zones:
    """Resolves the city's zones; `sources` is where their references are looked up."""

    city: City
    sources: Sources

    def load(self, session: Session, slug: str, now: datetime) -> ResolvedPage | Absent:
        """Return a zone's page in force."""
        version = pages.in_force(session, PageKind.ZONE, slug, now)
        if version is None:
            return Absent(pages.begins_at(session, PageKind.ZONE, slug, now))
        body = {"version": version.number, "updated_at": rfc3339(version.published_at)}
        return self._resolve(session, slug, version.content, now, body, version.next_change_at)

    def resolve(self, session: Session, slug: str, content: Mapping[str, Any], now: datetime) -> ResolvedPage:
        """Return what a content, published or not, looks like."""
        return self._resolve(session, slug, content, now, {"version": None, "updated_at": None}, None)

    def page_type(self) -> PageType:
        """Return what zones bring to publishing."""
        return PageType(PageKind.ZONE, self.city.zones, covers, self.faults, self.resolve)

    def faults(self, _session: Session, _slug: str, content: Mapping[str, Any], _now: datetime) -> Sequence[Fault]:
        """Find what a zone may not say in this city, and whatever only a district's hall says."""
        return [*audience_rules.faults(content, self.city.districts), *_faults(content)]

    def _resolve(
        self,
        session: Session,
        slug: str,
        content: Mapping[str, Any],
        now: datetime,
        version: Mapping[str, Any],
        next_change_at: datetime | None,
    ) -> ResolvedPage:
        name = self.city.zones[slug]
        blocks, banner = references.resolve(session, self.sources, content, now)
        body = {
            "kind": PageKind.ZONE.value,
            "slug": slug,
            "name": name,
            "title": content.get("title") or name,
            "summary": content.get("summary") or None,
            "theme": themes.theme(content),
            "banner": banner,
            "audiences": list(content.get("audiences") or ()),
            **version,
        }
        changes = (next_change_at, *references.next_changes(blocks))
        return ResolvedPage(body, blocks, None, min((at for at in changes if at is not None), default=None))


def covers(place: Place, slug: str) -> bool:
    """Return whether a member of staff answers for a zone: the city's do, and the zone's own."""
    return place.is_city or place.zone == slug


def source(city: City, session: Session, keys: Collection[str], now: datetime) -> dict[str, Mapping[str, Any]]:
    """Return of some zones those that have not ended, as pages tell them."""
    zones = [slug for slug in keys if slug in city.zones]
    over = page_end.find_ended(session, PageKind.ZONE, zones, now)
    return {slug: {"slug": slug, "name": city.zones[slug]} for slug in zones if slug not in over}


def _faults(content: Mapping[str, Any]) -> Iterator[Fault]:
    if has_value(content.get("hides")):
        yield Fault("hides", "专区不继承市级总厅，不能隐藏其区块")
    blocks = content.get("blocks")
    for number, block in enumerate(blocks if isinstance(blocks, list) else ()):
        if not isinstance(block, Mapping):
            continue
        for name in _INHERITING:
            if has_value(block.get(name)):
                yield Fault(f"blocks.{number}.{name}", "专区不继承市级总厅，不能使用此项")
        for type_slug, name in _LOOK_UP_FIELDS:
            if block.get("type") == type_slug and block.get(name):
                yield Fault(f"blocks.{number}.{name}", "专区不属于某个区，须逐个选择，不能使用此项")
