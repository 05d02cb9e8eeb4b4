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
from qe_ban.publishing.service.links import LinkState
from qe_ban.publishing.service.page_types import PageTypes
from qe_ban.publishing.service.references import Finding


def list_findings(
    session: Session, page_types: PageTypes, kind: PageKind, slug: str, *, reader: Principal
) -> Sequence[PageFinding]:
    """Return what is broken of a page as it is shown, by place. Raises PageNotFound, OtherPlace."""
    access.page_type_of(page_types, kind, slug, reader.place)
    return session.scalars(
        select(PageFinding).where(PageFinding.kind == kind.value, PageFinding.slug == slug).order_by(PageFinding.place)
    ).all()


def inspect_all(session: Session, page_types: PageTypes, now: datetime) -> int:
    """Look at every page in force, note what is broken and forget what was mended; returns how many there are.

    Links are judged by what came of following them last: the worker follows `links_in_force` besides.
    """
    broken = 0
    for kind, page_type in page_types.types.items():
        for slug in sorted(page_type.names):
            version = pages.in_force(session, kind, slug, now)
            findings: Sequence[Finding] = ()
            if version is not None:
                states = _states(session, references.links(version.content))
                everything = references.inspect(session, page_types.sources, version.content, now, states)
                findings = references.of_severity(everything, "error")
            _note(session, kind, slug, version.number if version else None, findings, now)
            broken += len(findings)
    return broken


def links_in_force(session: Session, page_types: PageTypes, now: datetime) -> frozenset[str]:
    """Return the addresses that all pages in force lead to."""
    versions = (
        pages.in_force(session, kind, slug, now)
        for kind, page_type in page_types.types.items()
        for slug in page_type.names
    )
    return frozenset().union(*(references.links(one.content) for one in versions if one is not None))


def _states(session: Session, urls: frozenset[str]) -> Mapping[str, LinkState]:
    return {url: check.state for url, check in links.find_results(session, urls).items()}


def _note(
    session: Session, kind: PageKind, slug: str, number: int | None, findings: Sequence[Finding], now: datetime
) -> None:
    """Keep just these findings of a page; one that was known stays as old as it is."""
    places = [finding.place for finding in findings]
    mine = (PageFinding.kind == kind.value, PageFinding.slug == slug)
    removal = delete(PageFinding).where(*mine, (PageFinding.number != number) | PageFinding.place.not_in(places))
    session.execute(removal.execution_options(synchronize_session=False))
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
        for finding in {one.place: one for one in findings}.values()
    ]
    if rows:
        addition = insert(PageFinding).values(rows)
        same = {name: addition.excluded[name] for name in ("reference", "key", "message")}
        session.execute(addition.on_conflict_do_update(index_elements=["kind", "slug", "number", "place"], set_=same))
