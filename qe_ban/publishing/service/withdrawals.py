"""Withdrawal: a version of a page is taken from residents, immediately or before its time."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.service import access, drafts, stamps
from qe_ban.publishing.service.drafts import Draft
from qe_ban.publishing.service.page_documents import PAGES, key_of
from qe_ban.publishing.service.page_types import PageTypes
from qe_ban.reviewing.rules.versions import ScheduledPolicy
from qe_ban.reviewing.service import withdrawals
from qe_ban.reviewing.service.scheduled import ScheduledOutcome


@dataclass(frozen=True, slots=True)
class PageWithdrawn:
    """A page after a version was withdrawn, and what became of scheduled versions."""

    draft: Draft
    later: Sequence[ScheduledOutcome]


def withdraw(
    session: Session,
    page_types: PageTypes,
    kind: PageKind,
    slug: str,
    number: int,
    reason: str,
    *,
    policy: ScheduledPolicy | None = None,
    precondition: audit.Precondition,
    change: audit.Change,
) -> PageWithdrawn:
    """Withdraw a version of a page. Raises PageNotFound, OtherPlace, and what `reviewing` raises."""
    page_type = access.page_type_of(page_types, kind, slug, change.by.place)
    withdrawal = withdrawals.withdraw(
        session,
        PAGES,
        key_of(kind, slug),
        number,
        reason,
        rings=page_types.rings,
        policy=policy,
        precondition=precondition,
        change=change,
    )
    draft = drafts.to_draft(session, page_types, page_type, slug, withdrawal.row, change.at)
    stamps.bump(session, kind, slug)
    return PageWithdrawn(draft, withdrawal.later)
