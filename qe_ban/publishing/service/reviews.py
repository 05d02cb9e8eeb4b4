"""Review of pages: another person than the editors approves a draft, or rejects it with a reason."""

from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.service import access, drafts
from qe_ban.publishing.service.desks import Desks
from qe_ban.publishing.service.drafts import Draft
from qe_ban.publishing.service.page_documents import PAGES, key_of
from qe_ban.reviewing.service import reviews


def approve(
    session: Session,
    desks: Desks,
    kind: PageKind,
    slug: str,
    *,
    precondition: audit.Precondition,
    change: audit.Change,
) -> Draft:
    """Approve a submitted draft. Raises PageNotFound, OtherPlace, and what `reviewing` raises."""
    desk = access.desk_of(desks, kind, slug, change.by.place)
    page = reviews.approve(
        session, PAGES, key_of(kind, slug), rings=desks.rings, precondition=precondition, change=change
    )
    return drafts.to_draft(session, desks, desk, slug, page, change.at)


def reject(
    session: Session,
    desks: Desks,
    kind: PageKind,
    slug: str,
    reason: str,
    *,
    precondition: audit.Precondition,
    change: audit.Change,
) -> Draft:
    """Send a submitted draft back to its editors. Raises PageNotFound, OtherPlace, and what `reviewing` raises."""
    desk = access.desk_of(desks, kind, slug, change.by.place)
    page = reviews.reject(
        session, PAGES, key_of(kind, slug), reason, rings=desks.rings, precondition=precondition, change=change
    )
    return drafts.to_draft(session, desks, desk, slug, page, change.at)
