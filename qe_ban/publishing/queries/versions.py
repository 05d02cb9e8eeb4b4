"""The selects of published versions: their times, their contents, what was withdrawn."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Row, Select, func, or_, select
from sqlalchemy.orm import Session, defer

from qe_ban.publishing.models import PageVersion, PageWithdrawal
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.rules.versions import Mark

Listed = Row[PageVersion, PageWithdrawal | None]


def marks(session: Session, kind: PageKind, slug: str, now: datetime) -> list[Mark]:
    """Give the times of those versions of a page that are, or can still come to be, in force."""
    wanted = select(PageVersion.number, PageVersion.starts_at, PageVersion.ends_at).where(
        of(kind, slug), or_(PageVersion.ends_at.is_(None), PageVersion.ends_at > now), ~_withdrawn()
    )
    return [Mark(*row) for row in session.execute(wanted)]


def upcoming(session: Session, kind: PageKind, slug: str, now: datetime, limit: int) -> Sequence[PageVersion]:
    """Return at most `limit` versions that have not begun and were not withdrawn, in the order in which they will."""
    wanted = select(PageVersion).where(of(kind, slug), PageVersion.starts_at > now, ~_withdrawn())
    return session.scalars(wanted.order_by(PageVersion.starts_at, PageVersion.number).limit(limit)).all()


def withdrawn_for(session: Session, kind: PageKind, slug: str, reason: str) -> list[Mark]:
    """Return the times of the versions that were withdrawn for just this reason, by number."""
    columns = select(PageVersion.number, PageVersion.starts_at, PageVersion.ends_at)
    wanted = columns.join(PageWithdrawal, _same()).where(of(kind, slug), PageWithdrawal.reason == reason)
    return [Mark(*row, withdrawn=True) for row in session.execute(wanted.order_by(PageVersion.number))]


def withdrawn(session: Session, kind: PageKind, slug: str, limit: int) -> Sequence[PageVersion]:
    """Return at most `limit` versions that were withdrawn, newest first."""
    wanted = select(PageVersion).join(PageWithdrawal, _same()).where(of(kind, slug))
    return session.scalars(wanted.order_by(PageVersion.number.desc()).limit(limit)).all()


def version(session: Session, kind: PageKind, slug: str, number: int) -> PageVersion | None:
    """Give one version."""
    return session.get(PageVersion, (kind.value, slug, number))


def last_published_at(session: Session, kind: PageKind, slug: str) -> datetime | None:
    """Give when a version was last published."""
    return session.scalar(select(func.max(PageVersion.published_at)).where(of(kind, slug)))


def listed(session: Session, kind: PageKind, slug: str, before: int | None, limit: int) -> Sequence[Listed]:
    """Give at most `limit` versions below the number `before`, newest first, each with its withdrawal.

    Without their contents: a hundred of them may be 50 MiB.
    """
    wanted = _with_withdrawal(kind, slug).order_by(PageVersion.number.desc()).limit(limit)
    wanted = wanted.options(defer(PageVersion.content, raiseload=True))
    if before is not None:
        wanted = wanted.where(PageVersion.number < before)
    return session.execute(wanted).all()


def one(session: Session, kind: PageKind, slug: str, number: int) -> Listed | None:
    """Give one version with its withdrawal."""
    return session.execute(_with_withdrawal(kind, slug).where(PageVersion.number == number)).first()


def of(kind: PageKind, slug: str) -> ColumnElement[bool]:
    """The condition that a version is a page's."""
    return (PageVersion.kind == kind.value) & (PageVersion.slug == slug)


def _with_withdrawal(kind: PageKind, slug: str) -> Select[PageVersion, PageWithdrawal | None]:
    return select(PageVersion, PageWithdrawal).outerjoin(PageWithdrawal, _same()).where(of(kind, slug))


def _withdrawn() -> ColumnElement[bool]:
    return select(PageWithdrawal.number).where(_same()).exists()


def _same() -> ColumnElement[bool]:
    return (
        (PageWithdrawal.kind == PageVersion.kind)
        & (PageWithdrawal.slug == PageVersion.slug)
        & (PageWithdrawal.number == PageVersion.number)
    )
