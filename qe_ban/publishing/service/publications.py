"""Publication of pages: an approved draft becomes a version, or an old version is published again."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.service import access, drafts, stamps
from qe_ban.publishing.service.drafts import Draft
from qe_ban.publishing.service.page_documents import PAGES, key_of
from qe_ban.publishing.service.page_types import PageType, PageTypes
from qe_ban.reviewing.errors import ApprovalLapsed
from qe_ban.reviewing.rules.versions import ScheduledPolicy
from qe_ban.reviewing.service import publications
from qe_ban.reviewing.service.publications import Publication


@dataclass(frozen=True, slots=True)
class PagePublication:
    """A version that was published, and the page's draft after it."""

    draft: Draft
    publication: Publication


def publish(
    session: Session,
    page_types: PageTypes,
    kind: PageKind,
    slug: str,
    *,
    at: datetime | None,
    end_at: datetime | None,
    policy: ScheduledPolicy | None = None,
    precondition: audit.Precondition,
    change: audit.Change,
) -> PagePublication | ApprovalLapsed:
    """Make a version of an approved draft, in force immediately or from `at`, for good or until `end_at`.

    Returns ApprovalLapsed, for the caller to commit and then to raise, where the reviewer may no longer review this
    page. Raises PageNotFound, OtherPlace, and what `reviewing` raises.
    """
    page_type = access.page_type_of(page_types, kind, slug, change.by.place)
    publication = publications.publish(
        session,
        PAGES,
        key_of(kind, slug),
        at=at,
        end_at=end_at,
        policy=policy,
        covers=lambda place: page_type.covers(place, slug),
        precondition=precondition,
        change=change,
    )
    if isinstance(publication, ApprovalLapsed):
        return publication
    return _to_page_publication(session, page_types, page_type, slug, publication)


def roll_back(
    session: Session,
    page_types: PageTypes,
    kind: PageKind,
    slug: str,
    number: int,
    *,
    policy: ScheduledPolicy | None = None,
    precondition: audit.Precondition,
    change: audit.Change,
) -> PagePublication:
    """Publish an old version's content again, immediately.

    Raises PageNotFound, OtherPlace, and what `reviewing` raises.
    """
    page_type = access.page_type_of(page_types, kind, slug, change.by.place)
    publication = publications.roll_back(
        session, PAGES, key_of(kind, slug), number, policy=policy, precondition=precondition, change=change
    )
    return _to_page_publication(session, page_types, page_type, slug, publication)


def _to_page_publication(
    session: Session, page_types: PageTypes, page_type: PageType, slug: str, publication: Publication
) -> PagePublication:
    shown_at = publication.version.starts_at
    draft = drafts.to_draft(session, page_types, page_type, slug, publication.row, publication.at, shown_at=shown_at)
    stamps.bump(session, page_type.kind, slug)
    return PagePublication(draft, publication)
