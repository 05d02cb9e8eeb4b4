"""References of published pages that broke since: found by the worker, shown to editors until they are mended."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from qe_ban.kernel.principal import Principal
from qe_ban.publishing.models import PageFinding
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.service import access, links, pages, references
from qe_ban.publishing.service.desks import Desks
from qe_ban.publishing.service.links import LinkState
from qe_ban.publishing.service.references import Finding


def listed(session: Session, desks: Desks, kind: PageKind, slug: str, *, reader: Principal) -> Sequence[PageFinding]:
    """Give what is broken of a page as it is shown, by place. Raises PageNotFound, OtherPlace."""
    access.desk_of(desks, kind, slug, reader.place)
    return session.scalars(
        select(PageFinding).where(PageFinding.kind == kind.value, PageFinding.slug == slug).order_by(PageFinding.place)
    ).all()


def inspect_all(session: Session, desks: Desks, now: datetime) -> int:
    """Look at every page in force, note what is broken and forget what was mended; gives how many there are.

    Links are judged by what came of following them last: the worker follows `links_in_force` besides.
    """
    broken = 0
    for kind, desk in desks.desks.items():
        for slug in sorted(desk.names):
            shown = pages.in_force(session, kind, slug, now)
            found: Sequence[Finding] = ()
            if shown is not None:
                states = _states(session, references.links(shown.content))
                everything = references.inspect(session, desks.sources, shown.content, now, states)
                found = references.told(everything, "error")
            _note(session, kind, slug, shown.number if shown else None, found, now)
            broken += len(found)
    return broken


def links_in_force(session: Session, desks: Desks, now: datetime) -> frozenset[str]:
    """Give the addresses that all pages in force lead to."""
    shown = (pages.in_force(session, kind, slug, now) for kind, desk in desks.desks.items() for slug in desk.names)
    return frozenset().union(*(references.links(one.content) for one in shown if one is not None))


def _states(session: Session, urls: frozenset[str]) -> Mapping[str, LinkState]:
    return {url: found.state for url, found in links.known(session, urls).items()}


def _note(
    session: Session, kind: PageKind, slug: str, number: int | None, found: Sequence[Finding], now: datetime
) -> None:
    """Keep just these findings of a page; one that was known stays as old as it is."""
    places = [finding.place for finding in found]
    mine = (PageFinding.kind == kind.value, PageFinding.slug == slug)
    mended = delete(PageFinding).where(*mine, (PageFinding.number != number) | PageFinding.place.not_in(places))
    session.execute(mended.execution_options(synchronize_session=False))
    rows = [
        {
            "kind": kind.value,
            "slug": slug,
            "number": number,
            "place": finding.place,
            "reference": finding.reference,
            "key": finding.key,
            "message": finding.message,
            "found_at": now,
        }
        for finding in {one.place: one for one in found}.values()
    ]
    if rows:
        added = insert(PageFinding).values(rows)
        same = {name: added.excluded[name] for name in ("reference", "key", "message")}
        session.execute(added.on_conflict_do_update(index_elements=["kind", "slug", "number", "place"], set_=same))
