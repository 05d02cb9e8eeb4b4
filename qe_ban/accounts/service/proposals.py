"""What takes two persons of staff: one proposes, another approves within a day, and only then it is done."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from qe_ban.accounts import errors
from qe_ban.accounts.models import Proposal, Staff
from qe_ban.accounts.rules import Role
from qe_ban.accounts.service import staff
from qe_ban.audit import service as audit
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import Actor, Principal

LASTS = timedelta(hours=24)
NEW_FOR = timedelta(hours=24)
"""How long a new account, or a new role, counts for no two persons: whoever may make accounts is one person."""
RIGHTS: Mapping[str, tuple[str, str]] = {
    "accounts.decide_recovery": ("recovery.propose", "recovery.settle"),
    "health.set_level": ("health.propose", "health.approve"),
}
"""By action: what takes to propose, and to approve; for all others `SHELL`."""
SHELL = ("proposals.approve", "proposals.approve")
TRIES = 3


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is proposed: `action` is `slice.verb`, `subject` an opaque id, `details` JSON without personal numbers.

    `ready_at`: the day in which it must be approved does not begin before this.
    """

    action: str
    subject: str
    details: Mapping[str, Any]
    ready_at: datetime | None = None


def propose(session: Session, wanted: Wanted, *, by: Principal | Actor, now: datetime) -> Proposal:
    """Propose something; the same again while it is open gives the open one. Raises ProposalTaken.

    ProposalTaken means that something else is proposed for the same subject and action.
    """
    _let_go(session, wanted, now)
    row = {
        "id": new_id(),
        "action": wanted.action,
        "subject": wanted.subject,
        "details": dict(wanted.details),
        "proposed_by": by.id,
        "proposed_at": now,
        "expires_at": max(now, wanted.ready_at or now) + LASTS,
    }
    for _ in range(TRIES):
        made = session.scalar(insert(Proposal).values(row).on_conflict_do_nothing().returning(Proposal.id))
        if made is not None:
            _record(session, "proposals.propose", session.get_one(Proposal, made), by, now)
            return session.get_one(Proposal, made)
        existing = session.scalars(select(Proposal).where(_open(wanted.action, wanted.subject))).one_or_none()
        # what stood in the way may have been approved or withdrawn since
        if existing is not None and existing.details == dict(wanted.details):
            return existing
        if existing is not None:
            break
    raise errors.ProposalTaken


def approve(session: Session, proposal_id: UUID, *, by: Principal | Actor, now: datetime) -> Proposal:
    """Approve what another person proposed; the caller carries it out in this transaction.

    Both must have the right at this moment, whatever a token says, and for a day. Raises ProposalNotFound, ProposalOver
    (approved, withdrawn or too old), OwnProposal, StaffGone, ProposerGone, NewcomerRefused.
    """
    proposal = _locked(session, proposal_id, now)
    if proposal.proposed_by == by.id:
        raise errors.OwnProposal
    require_two_persons(
        session,
        proposer=proposal.proposed_by,
        approver=by.id,
        rights=RIGHTS.get(proposal.action, SHELL),
        now=now,
    )
    proposal.approved_by, proposal.approved_at = by.id, now
    session.flush()
    _record(session, "proposals.approve", proposal, by, now)
    return proposal


def withdraw(session: Session, proposal_id: UUID, *, by: Principal | Actor, now: datetime) -> Proposal:
    """Withdraw what is not approved yet, whoever proposed it. Raises ProposalNotFound, ProposalOver."""
    proposal = _locked(session, proposal_id, now)
    proposal.withdrawn_at = now
    session.flush()
    _record(session, "proposals.withdraw", proposal, by, now)
    return proposal


def open_proposals(session: Session, now: datetime) -> list[Proposal]:
    """Give what waits for a second person, oldest first."""
    waiting = select(Proposal).where(
        Proposal.approved_at.is_(None), Proposal.withdrawn_at.is_(None), Proposal.expires_at > now
    )
    return list(session.scalars(waiting.order_by(Proposal.id)))


def require_two_persons(
    session: Session, *, proposer: UUID, approver: UUID, rights: tuple[str, str], now: datetime
) -> None:
    """See that two persons stand behind something; `rights`: the scopes to propose and to approve it.

    Raises StaffGone, ProposerGone, NewcomerRefused.
    """
    to_propose, to_approve = rights
    if not _may(session, approver, to_approve):
        raise errors.StaffGone
    if not _may(session, proposer, to_propose):
        raise errors.ProposerGone
    _refuse_newcomers(session, (proposer, approver), now)


def require_settled(session: Session, staff_id: UUID, *, scope: str, now: datetime) -> None:
    """See that somebody who confirms another's act has the right, and for a day. Raises StaffGone, NewcomerRefused."""
    if not _may(session, staff_id, scope):
        raise errors.StaffGone
    _refuse_newcomers(session, (staff_id,), now)


def _refuse_newcomers(session: Session, persons: tuple[UUID, ...], now: datetime) -> None:
    # in a city that has just begun everybody is new
    since = func.coalesce(Staff.duties_since, Staff.created_at)
    officer = Staff.roles.contains([Role.SECURITY_ADMIN.value]) & Staff.disabled_at.is_(None)
    newcomer = select(Staff.id).where(Staff.id.in_(persons), since > now - NEW_FOR)
    officers = select(Staff.id).where(officer, since <= now - NEW_FOR)
    if session.scalar(newcomer.limit(1)) is not None and session.scalar(officers.limit(1)) is not None:
        raise errors.NewcomerRefused


def _may(session: Session, staff_id: UUID, scope: str) -> bool:
    standing = staff.standing(session, staff_id)
    return standing is not None and scope in standing.scopes


def _locked(session: Session, proposal_id: UUID, now: datetime) -> Proposal:
    proposal = session.get(Proposal, proposal_id, with_for_update=True, populate_existing=True)
    if proposal is None:
        raise errors.ProposalNotFound
    if proposal.approved_at is not None or proposal.withdrawn_at is not None or proposal.expires_at <= now:
        raise errors.ProposalOver
    return proposal


def _let_go(session: Session, wanted: Wanted, now: datetime) -> None:
    """Withdraw an open proposal that nobody approved in time, so that it can be proposed anew."""
    over = update(Proposal).where(_open(wanted.action, wanted.subject), Proposal.expires_at <= now)
    session.execute(over.values(withdrawn_at=now))


def _open(action: str, subject: str) -> Any:
    return (
        (Proposal.action == action)
        & (Proposal.subject == subject)
        & Proposal.approved_at.is_(None)
        & Proposal.withdrawn_at.is_(None)
    )


def _record(session: Session, action: str, proposal: Proposal, by: Principal | Actor, now: datetime) -> None:
    details = {"action": proposal.action, "of": proposal.subject, "details": proposal.details}
    audit.record(session, at=now, actor=by, action=action, subject=str(proposal.id), details=details)
