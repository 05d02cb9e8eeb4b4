"""How a recovery case is decided: one person proposes, another approves, and in that transaction it is done."""

from dataclasses import replace
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from qe_ban.accounts import errors
from qe_ban.accounts.models import Closing, Proposal, RecoveryCase
from qe_ban.accounts.rules import CaseKind, CaseState
from qe_ban.accounts.rules.recovery import Decision
from qe_ban.accounts.service import proposals
from qe_ban.accounts.service.collaborators import Accounts
from qe_ban.accounts.service.recovery import settling, waiting
from qe_ban.accounts.service.recovery.opening import check_basis
from qe_ban.accounts.service.recovery.showing import ShownCase, shown
from qe_ban.audit import service as audit
from qe_ban.keys import data_keys, words
from qe_ban.keys.data_keys import Owner

ACTION = "accounts.decide_recovery"
"""The action of the proposals; they are approved here and nowhere else, where the case is carried out."""


def propose_decision(
    accounts: Accounts, session: Session, *, case_id: UUID, decision: Decision, basis: str, change: audit.Change
) -> ShownCase:
    """Propose how a case ends; the same again while it waits changes nothing.

    `basis`: what was checked, without personal numbers. It is sealed in the case and not in the audit. Raises
    RecoveryInvalid, RecoveryCaseNotFound, RecoveryCaseOver, ProposalTaken.
    """
    check_basis(basis)
    case = _locked(session, case_id)
    # a day to approve it begins when it can be approved
    ready_at = waiting.earliest_settlement(accounts, session, case) if decision is Decision.SETTLE else None
    request = proposals.Wanted(ACTION, str(case.id), {"decision": decision.value}, ready_at)
    proposal = proposals.propose(session, request, by=change.by, now=change.at)
    if proposal.id != case.proposal_id:
        case.proposal_id, case.decision_basis = proposal.id, None
        data_key = data_keys.number_for(session, Owner.RESIDENT, case.holder_id)
        case.decision_basis_sealed = words.seal(
            accounts.rings, words.RECOVERY_DECISION, case.id, basis, change.at, data_key=data_key
        )
    session.flush()
    return shown(accounts, session, case, change.at)


def withdraw_decision(
    accounts: Accounts, session: Session, *, case_id: UUID, proposal_id: UUID, change: audit.Change
) -> ShownCase:
    """Take back what waits for a second person, whoever proposed it.

    Raises RecoveryCaseNotFound, RecoveryCaseOver, ProposalNotFound, ProposalOver.
    """
    case = _locked(session, case_id)
    _require_of(case, session.get(Proposal, proposal_id))
    proposals.withdraw(session, proposal_id, by=change.by, now=change.at)
    return shown(accounts, session, case, change.at)


def approve_decision(
    accounts: Accounts, session: Session, *, case_id: UUID, proposal_id: UUID, change: audit.Change
) -> ShownCase:
    """Approve what another person proposed and carry it out: just the proposal that the caller has read.

    Raises RecoveryCaseNotFound, RecoveryCaseOver, ProposalNotFound, ProposalOver, OwnProposal; and where a case cannot
    be settled, so that it stays open with its proposal, RecoveryTooEarly, RecoveryCaseStale, PhoneTaken,
    PhoneUnsettled.
    """
    found = session.get(RecoveryCase, case_id)
    if found is None:
        raise errors.RecoveryCaseNotFound
    # residents before cases before proposals: so is the order everywhere
    sides = settling.lock(accounts, session, found)
    case = _locked(session, case_id)
    proposal = _require_of(case, session.get(Proposal, proposal_id))
    proposals.approve(session, proposal_id, by=change.by, now=change.at)
    if proposal.details["decision"] == Decision.SETTLE:
        settling.settle(accounts, session, case, sides, change)
    else:
        settling.reject(accounts, session, case, change)
    session.flush()
    proof = None
    if case.kind == CaseKind.CLOSING and case.state == CaseState.SETTLED:
        proof = session.scalar(select(Closing.id).where(Closing.resident_id == case.holder_id))
    return replace(shown(accounts, session, case, change.at), proof=proof)


def _locked(session: Session, case_id: UUID) -> RecoveryCase:
    case = session.get(RecoveryCase, case_id, with_for_update=True, populate_existing=True)
    if case is None:
        raise errors.RecoveryCaseNotFound
    if case.state != CaseState.OPEN:
        raise errors.RecoveryCaseOver
    return case


def _require_of(case: RecoveryCase, proposal: Proposal | None) -> Proposal:
    """See that a proposal is one of this case: the two ids come from a client."""
    if proposal is None or (proposal.action, proposal.subject) != (ACTION, str(case.id)):
        raise errors.ProposalNotFound
    return proposal
