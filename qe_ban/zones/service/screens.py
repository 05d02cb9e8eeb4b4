"""What a zone shows: its page in force, looked up and dressed, and its desk for publishing."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from qe_ban.kernel.city import City
from qe_ban.kernel.clock import rfc3339
from qe_ban.kernel.principal import Place
from qe_ban.kernel.shapes import Fault, told
from qe_ban.publishing.rules import themes
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.rules.views import Dressed
from qe_ban.publishing.service import ending, pages, references
from qe_ban.publishing.service.desks import Desk, Sources

_OF_HALLS: Final = ("replaces", "after")
"""What only a district's hall says of a block: zones inherit from nobody."""


@dataclass(frozen=True, slots=True)
class Zones:
    """Dresses the city's zones; `sources` is where their references are looked up."""

    city: City
    sources: Sources

    def load(self, session: Session, slug: str, now: datetime) -> Dressed | None:
        """Give a zone's page in force; None where nothing is, or the zone has ended."""
        found = pages.in_force(session, PageKind.ZONE, slug, now)
        if found is None:
            return None
        body = {"version": found.number, "updated_at": rfc3339(found.published_at)}
        return self._dressed(session, slug, found.content, now, body, found.turns_at)

    def dress(self, session: Session, slug: str, content: Mapping[str, Any], now: datetime) -> Dressed:
        """Give what a content, published or not, looks like."""
        return self._dressed(session, slug, content, now, {"version": None, "updated_at": None}, None)

    def desk(self) -> Desk:
        """Give what zones bring to publishing."""
        return Desk(PageKind.ZONE, self.city.zones, covers, faults, self.dress)

    def _dressed(
        self,
        session: Session,
        slug: str,
        content: Mapping[str, Any],
        now: datetime,
        version: Mapping[str, Any],
        turns_at: datetime | None,
    ) -> Dressed:
        name = self.city.zones[slug]
        body = {
            "kind": PageKind.ZONE.value,
            "slug": slug,
            "name": name,
            "title": content.get("title") or name,
            "summary": content.get("summary") or None,
            "theme": themes.theme(content),
            "banner": references.one(session, self.sources, references.MEDIA, content.get("banner") or None, now),
            "audiences": list(content.get("audiences") or ()),
            **version,
        }
        return Dressed(body, references.dress(session, self.sources, content, now), None, turns_at)


def covers(place: Place, slug: str) -> bool:
    """Tell whether a member of staff answers for a zone: the city's do, and the zone's own."""
    return place.is_city or place.zone == slug


def faults(_session: Session, _slug: str, content: Mapping[str, Any], _now: datetime) -> Sequence[Fault]:
    """Find what a zone may not say: whatever a district's hall says of the city's blocks."""
    return list(_faults(content))


def source(city: City, session: Session, keys: Collection[str], now: datetime) -> dict[str, Mapping[str, Any]]:
    """Give of some zones those that have not ended, as pages tell them."""
    known = [slug for slug in keys if slug in city.zones]
    over = ending.ended(session, PageKind.ZONE, known, now)
    return {slug: {"slug": slug, "name": city.zones[slug]} for slug in known if slug not in over}


def _faults(content: Mapping[str, Any]) -> Iterator[Fault]:
    if told(content.get("hides")):
        yield Fault("hides", "专区不继承市级总厅，不能隐藏其区块")
    blocks = content.get("blocks")
    for number, block in enumerate(blocks if isinstance(blocks, list) else ()):
        for name in _OF_HALLS:
            if isinstance(block, Mapping) and told(block.get(name)):
                yield Fault(f"blocks.{number}.{name}", "专区不继承市级总厅，不能使用此项")
