"""Pages as they stand: the version in force at a moment, and the row that is a page's lock."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from qe_ban.publishing.models import Page
from qe_ban.publishing.queries import versions as queries
from qe_ban.publishing.rules import versions
from qe_ban.publishing.rules.states import PageKind, PageState

EMPTY: Final[Mapping[str, Any]] = {"blocks": []}
"""What the draft of a page says before anybody wrote one."""


@dataclass(frozen=True, slots=True)
class InForce:
    """The version that is shown; at `turns_at` another one, or none, takes its place."""

    number: int
    content: Mapping[str, Any]
    starts_at: datetime
    ends_at: datetime | None
    turns_at: datetime | None
    published_at: datetime


def in_force(session: Session, kind: PageKind, slug: str, now: datetime) -> InForce | None:
    """Give the version that is shown at a moment; None where there is none, or the page has ended."""
    page_ends_at = _ends_at(session, kind, slug)
    if page_ends_at is not None and page_ends_at <= now:
        return None
    marks = queries.marks(session, kind, slug, now)
    mark = versions.in_force(marks, now)
    version = queries.version(session, kind, slug, mark.number) if mark is not None else None
    if version is None:
        return None
    turns = (versions.turns_at(marks, now), page_ends_at)
    return InForce(
        number=version.number,
        content=version.content,
        starts_at=version.starts_at,
        ends_at=version.ends_at,
        turns_at=min((moment for moment in turns if moment is not None), default=None),
        published_at=version.published_at,
    )


def begins_at(session: Session, kind: PageKind, slug: str, now: datetime) -> datetime | None:
    """Give when a page of which nothing is in force will show something, as it is planned now."""
    page_ends_at = _ends_at(session, kind, slug)
    start = versions.turns_at(queries.marks(session, kind, slug, now), now)
    return None if start is None or (page_ends_at is not None and page_ends_at <= start) else start


def look(session: Session, kind: PageKind, slug: str) -> Page:
    """Give a page without locking it; of one that nobody wrote yet what would be made of it."""
    return session.get(Page, (kind.value, slug)) or Page(**_new(kind, slug))


def hold(session: Session, kind: PageKind, slug: str) -> Page:
    """Lock a page until the transaction ends; it is made when there is none.

    Whoever changes it sets what changes and calls `touch`. The slug must be one of the city's.
    """
    session.execute(insert(Page).values(_new(kind, slug)).on_conflict_do_nothing(index_elements=["kind", "slug"]))
    wanted = select(Page).where(Page.kind == kind.value, Page.slug == slug)
    return session.scalars(wanted.with_for_update().execution_options(populate_existing=True)).one()


def ended_before(kind: PageKind, moment: datetime) -> Select[str]:
    """Select the slugs of the pages of a kind that ended before a moment."""
    return select(Page.slug).where(Page.kind == kind.value, Page.ends_at < moment)


def touch(page: Page) -> None:
    """Count a change of a held page: who saw it before must look again."""
    page.revision += 1


def _ends_at(session: Session, kind: PageKind, slug: str) -> datetime | None:
    return session.scalar(select(Page.ends_at).where(Page.kind == kind.value, Page.slug == slug))


def _new(kind: PageKind, slug: str) -> dict[str, Any]:
    return {
        "kind": kind.value,
        "slug": slug,
        "revision": 0,
        "state": PageState.DRAFT.value,
        "content": dict(EMPTY),
        "base": 0,
        "latest": 0,
        "editors": [],
    }
