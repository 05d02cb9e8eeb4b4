"""Puts halls and zones on the one mechanism of pages: their desks, what references are looked up in, and the shelf."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from qe_ban.app.assembly import Parts
from qe_ban.db import valkey
from qe_ban.halls.service import apps, places
from qe_ban.halls.service import screens as halls
from qe_ban.items.service import offering
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.service import findings, media
from qe_ban.publishing.service.desks import Desk, Desks, Source
from qe_ban.publishing.service.links import HttpLinks, Links
from qe_ban.publishing.service.shelf import Load, Shelf
from qe_ban.web import wire
from qe_ban.zones.service import screens as zones


def sources(parts: Parts) -> dict[str, Source]:
    """Give what the references of pages are looked up in, by their sort."""
    city = parts.city
    return {
        "item": offering.source,
        "media": media.source,
        "code_kind": lambda _session, keys, _now: _known(keys, _kinds(parts)),
        "app": lambda session, keys, now: apps.source(session, city, keys, now),
        "place": lambda session, keys, now: places.source(session, city, keys, now),
        "zone": lambda session, keys, now: zones.source(city, session, keys, now),
    }


def _known(keys: Collection[str], all_: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {key: all_[key] for key in keys if key in all_}


def _kinds(parts: Parts) -> dict[str, dict[str, Any]]:
    kinds = parts.city.kinds.values()
    return {kind.slug: {"kind": kind.slug, "name": kind.name, "colour": kind.colour} for kind in kinds}


def links(parts: Parts) -> Links:
    """Give what follows the links of pages; connects on first use."""
    return Links(parts.database, HttpLinks())


def desks(parts: Parts) -> Desks:
    """Give what halls and zones bring to publishing."""
    found = sources(parts)
    made: dict[PageKind, Desk] = {
        PageKind.HALL: halls.Halls(parts.city, found).desk(),
        PageKind.ZONE: zones.Zones(parts.city, found).desk(),
    }
    return Desks(made, found, parts.city.link_hosts, parts.rings)


def inspect(parts: Parts) -> Callable[[Session, datetime], None]:
    """Give what follows the links of all pages in force, and notes what of the pages is broken."""
    made, followed = desks(parts), links(parts)

    def run(session: Session, now: datetime) -> None:
        followed.recheck(sorted(findings.links_in_force(session, made, now)), now)
        findings.inspect_all(session, made, now)

    return run


def loads(parts: Parts) -> dict[PageKind, Load]:
    """Give how pages in force are loaded for the shelf, by their kind."""
    found = sources(parts)
    return {
        PageKind.HALL: halls.Halls(parts.city, found).load,
        PageKind.ZONE: zones.Zones(parts.city, found).load,
    }


def shelf(parts: Parts) -> Shelf:
    """Give what serves pages from this process's memory; connects on first use."""
    slugs = {PageKind.HALL: parts.city.halls, PageKind.ZONE: parts.city.zones}
    client = valkey.connect(parts.settings.redis_url)
    return Shelf(
        parts.database,
        client,
        loads(parts),
        slugs,
        encode=wire.dumps,
        release=parts.settings.release,
        clock=parts.clock,
    )
