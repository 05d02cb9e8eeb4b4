"""Withdrawal: a version is taken away, from residents at once or before its time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.publishing import errors
from qe_ban.publishing.models import Page, PageWithdrawal
from qe_ban.publishing.queries import versions as queries
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.rules.versions import Later
from qe_ban.publishing.service import access, drafts, later, pages, reasons, stamps
from qe_ban.publishing.service.desks import Desks
from qe_ban.publishing.service.drafts import Draft
from qe_ban.publishing.service.later import LaterVersion

WITHDRAW: Final = "pages.withdraw"
MAX_REASON: Final = 500


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A page after a version was withdrawn, and what became of those that waited."""

    draft: Draft
    later: Sequence[LaterVersion]


def withdraw(
    session: Session,
    desks: Desks,
    kind: PageKind,
    slug: str,
    number: int,
    reason: str,
    *,
    choice: Later | None = None,
    precondition: audit.Precondition,
    change: audit.Change,
) -> Withdrawn:
    """Take a version away: from residents at once, or before its time; what it had replaced comes to the fore.

    What has begun only whoever has `pages.withdraw` takes away. Raises PageNotFound, OtherPlace, VersionNotFound,
    AlreadyWithdrawn, WithdrawalRefused, LaterUndecided where it is the one in force and others wait, and what the
    precondition raises.
    """
    rings = desks.rings

    def repeats(page: Page) -> bool:
        found = queries.one(session, kind, slug, number)
        taken = found[1] if found is not None else None
        is_mine = taken is not None and (taken.by, reasons.of_withdrawal(rings, taken)) == (change.by.id, reason)
        return is_mine and access.saw_previous(page, precondition)

    held = access.hold(session, desks, kind, slug, precondition=precondition, change=change, repeats=repeats)
    if held.is_repeated:
        return Withdrawn(drafts.seen(session, desks, held.desk, held.page, change.at), later.kept(held))
    version, withdrawal = access.version(held, number)
    if WITHDRAW not in change.by.scopes and version.starts_at <= change.at:
        raise errors.WithdrawalRefused
    if withdrawal is not None:
        raise errors.AlreadyWithdrawn
    before = held.state()
    shown = pages.in_force(session, kind, slug, change.at)
    is_shown = shown is not None and shown.number == number
    cause = f"与版本 {number} 一并撤下：{reason}"[:MAX_REASON]
    settled = later.wait(held, later.waiting(held), choice, cause) if is_shown else []
    sealed = reasons.columns(rings, kind.value, slug, number, reason, change.at)
    session.add(PageWithdrawal(kind=kind.value, slug=slug, number=number, at=change.at, by=change.by.id, **sealed))
    session.flush()
    after = pages.in_force(session, kind, slug, change.at)
    held.record(
        "pages.withdraw",
        before,
        version=number,
        reason=audit.seal_words(session, rings, reason, change.at),
        in_force={"before": shown.number if shown else None, "after": after.number if after else None},
        later=later.outcomes(settled),
    )
    draft = drafts.seen(session, desks, held.desk, held.page, change.at)
    stamps.bump(session, kind, slug)
    return Withdrawn(draft, settled)
