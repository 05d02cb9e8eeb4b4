"""Review: another person than the editors approves a draft, or sends it back with a reason."""

from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.publishing import errors
from qe_ban.publishing.models import Page
from qe_ban.publishing.rules.states import PageKind, PageState
from qe_ban.publishing.service import access, drafts, reasons
from qe_ban.publishing.service.access import Held
from qe_ban.publishing.service.desks import Desks
from qe_ban.publishing.service.drafts import Draft


def approve(
    session: Session,
    desks: Desks,
    kind: PageKind,
    slug: str,
    *,
    precondition: audit.Precondition,
    change: audit.Change,
) -> Draft:
    """Approve a submitted draft.

    Raises PageNotFound, OtherPlace, PageEnded, WrongState, OwnDraft, DraftOutdated, and what the precondition raises.
    """
    held = _judged(session, desks, kind, slug, precondition, change, PageState.APPROVED, None)
    if held.is_repeated:
        return drafts.seen(session, desks, held.desk, held.page, change.at)
    access.require_open(held)
    access.require_newest(held.page)
    return _settled(held, PageState.APPROVED, None, "pages.approve")


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
    """Send a submitted draft back to its editors.

    Raises PageNotFound, OtherPlace, WrongState, OwnDraft, and what the precondition raises.
    """
    held = _judged(session, desks, kind, slug, precondition, change, PageState.REJECTED, reason)
    if held.is_repeated:
        return drafts.seen(session, desks, held.desk, held.page, change.at)
    return _settled(held, PageState.REJECTED, reason, "pages.reject")


def _judged(
    session: Session,
    desks: Desks,
    kind: PageKind,
    slug: str,
    precondition: audit.Precondition,
    change: audit.Change,
    state: PageState,
    reason: str | None,
) -> Held:
    """Hold a draft that the caller may judge, or that the caller has judged just so without hearing the answer."""

    def repeats(page: Page) -> bool:
        stands = (page.state, page.reviewed_by, reasons.of_page(desks.rings, page)) == (state, change.by.id, reason)
        return stands and access.saw_previous(page, precondition)

    held = access.hold(session, desks, kind, slug, precondition=precondition, change=change, repeats=repeats)
    if held.is_repeated:
        return held
    access.require_state(held.page, PageState.SUBMITTED)
    if change.by.id in held.page.editors:
        raise errors.OwnDraft
    return held


def _settled(held: Held, state: PageState, reason: str | None, action: str) -> Draft:
    page, before = held.page, held.state()
    rings, now = held.desks.rings, held.change.at
    page.state = state.value
    reasons.set_on_page(rings, page, reason, now)
    page.reviewed_by, page.reviewed_at = held.change.by.id, now
    held.record(action, before, reason=reason and audit.seal_words(held.session, rings, reason, now))
    return drafts.seen(held.session, held.desks, held.desk, page, held.change.at)
