"""Review of pages: another person than the editors approves a draft, or rejects it with a reason."""

from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.service import access, drafts
from qe_ban.publishing.service.drafts import Draft
from qe_ban.publishing.service.page_documents import PAGES, key_of
from qe_ban.publishing.service.page_types import PageTypes
from qe_ban.reviewing.service import reviews


def approve(
    session: Session,
    page_types: PageTypes,
    kind: PageKind,
    slug: str,
    *,
    precondition: audit.Precondition,
    change: audit.Change,
) -> Draft:
    """Approve a submitted draft. Raises PageNotFound, OtherPlace, and what `reviewing` raises."""
    page_type = access.page_type_of(page_types, kind, slug, change.by.place)
    page = reviews.approve(
        session, PAGES, key_of(kind, slug), rings=page_types.rings, precondition=precondition, change=change
    )
    return drafts.to_draft(session, page_types, page_type, slug, page, change.at)


def reject(
    session: Session,
    page_types: PageTypes,
    kind: PageKind,
    slug: str,
    reason: str,
    *,
    precondition: audit.Precondition,
    change: audit.Change,
) -> Draft:
    """Send a submitted draft back to its editors. Raises PageNotFound, OtherPlace, and what `reviewing` raises."""
    page_type = access.page_type_of(page_types, kind, slug, change.by.place)
    page = reviews.reject(
        session, PAGES, key_of(kind, slug), reason, rings=page_types.rings, precondition=precondition, change=change
    )
    return drafts.to_draft(session, page_types, page_type, slug, page, change.at)
