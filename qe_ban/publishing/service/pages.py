"""Pages as they are now: the version in force at a moment, and the row that is a page's lock."""

from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from qe_ban.publishing.models import PAGE_TABLES, Page
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.service.page_documents import PAGES, key_of
from qe_ban.reviewing.models import DraftColumns
from qe_ban.reviewing.service import documents
from qe_ban.reviewing.service import in_force as versions_in_force
from qe_ban.reviewing.service.in_force import VersionInForce


def in_force(session: Session, kind: PageKind, slug: str, now: datetime) -> VersionInForce | None:
    """Return the version that is shown at a moment; None where there is none, or the page has ended."""
    return versions_in_force.find_in_force(session, PAGE_TABLES, key_of(kind, slug), now)


def begins_at(session: Session, kind: PageKind, slug: str, now: datetime) -> datetime | None:
    """Return when a page of which nothing is in force will show something, as it is scheduled now."""
    return versions_in_force.find_start(session, PAGE_TABLES, key_of(kind, slug), now)


def look(session: Session, kind: PageKind, slug: str) -> DraftColumns:
    """Return a page without locking it; of one that nobody wrote yet the row that a first write would make."""
    return documents.read_document(session, PAGES, key_of(kind, slug))


def hold(session: Session, kind: PageKind, slug: str) -> DraftColumns:
    """Lock a page until the transaction ends; it is made when there is none. The slug must be one of the city's."""
    return documents.lock_row(session, PAGES, key_of(kind, slug))


def ended_before(kind: PageKind, moment: datetime) -> Select[str]:
    """Select the slugs of the pages of a kind that ended before a moment."""
    return select(Page.slug).where(Page.kind == kind.value, Page.ends_at < moment)
