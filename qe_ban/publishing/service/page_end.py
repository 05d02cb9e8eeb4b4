"""The end of a page: the moment from which it is shown no longer, set and taken back."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from qe_ban.publishing.models import Page
from qe_ban.publishing.rules.states import PageKind
from qe_ban.reviewing.models import DraftColumns


def set_end(page: DraftColumns, at: datetime | None) -> None:
    """Let a page, locked by `pages.hold`, be shown until a moment; None for no end. The caller bumps the stamp."""
    page.ends_at = at
    page.revision += 1


def read_end_shared(session: Session, kind: PageKind, slug: str) -> datetime | None:
    """Return when a page ends, and keep everybody from changing the page until the transaction is over.

    Any number may share it at once. Look at the clock after this: it may have had to wait.
    """
    query = select(Page.ends_at).where(Page.kind == kind.value, Page.slug == slug)
    return session.scalar(query.with_for_update(read=True))


def find_ended(session: Session, kind: PageKind, slugs: Collection[str], now: datetime) -> dict[str, datetime]:
    """Return of some pages those that have ended, with the moments at which they did."""
    query = select(Page.slug, Page.ends_at).where(Page.kind == kind.value, Page.slug.in_(slugs), Page.ends_at <= now)
    return {slug: ends_at for slug, ends_at in session.execute(query) if ends_at is not None}
