"""Recovery cases as staff see them: both sides masked, with what is proposed; the reading is audited."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from qe_ban.accounts.models import Proposal, RecoveryCase, Resident
from qe_ban.accounts.rules import CaseState
from qe_ban.accounts.service import residents
from qe_ban.accounts.service.collaborators import Accounts
from qe_ban.accounts.service.recovery import waiting
from qe_ban.audit import service as audit
from qe_ban.kernel.identifiers import mask_id, mask_name, mask_phone
from qe_ban.keys import moments, vault, words
from qe_ban.keys.rings import KeyRings

PHONE = "recovery_cases.phone"


@dataclass(frozen=True, slots=True)
class Side:
    """Who holds the account, or claims it; everything masked."""

    id: UUID
    phone: str | None
    name: str | None
    id_type: str | None
    id_number: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ShownCase:
    """A case with its sides, the phone that it is about (masked), and what waits for a second person.

    `earliest_settlement_at` is None of one that is closed. `proof`: of the closing that was just done by this case.
    """

    case: RecoveryCase
    basis: str | None
    decision_basis: str | None
    holder: Side
    claimant: Side | None
    phone: str | None
    proposal: Proposal | None
    earliest_settlement_at: datetime | None
    proof: UUID | None = None


def list_recovery(
    accounts: Accounts,
    session: Session,
    *,
    state: CaseState,
    after: UUID | None,
    limit: int,
    change: audit.Change,
) -> Sequence[ShownCase]:
    """Give at most `limit` cases of a state, oldest first, those after `after`; the reading is audited."""
    statement = select(RecoveryCase).where(RecoveryCase.state == state.value).order_by(RecoveryCase.id).limit(limit)
    if after is not None:
        statement = statement.where(RecoveryCase.id > after)
    cases = session.scalars(statement).all()
    audit.record(
        session,
        at=change.at,
        actor=change.by,
        action="accounts.read_recovery",
        subject="recovery",
        details={
            "state": state.value,
            "after": str(after) if after else None,
            "cases": [str(case.id) for case in cases],
        },
        request_id=change.request_id,
    )
    return [shown(accounts, session, case, change.at) for case in cases]


def shown(accounts: Accounts, session: Session, case: RecoveryCase, now: datetime) -> ShownCase:
    """Give one case as staff see it."""
    rings = accounts.rings
    phone = phone_of(rings, case)
    proposal = session.get(Proposal, case.proposal_id) if case.proposal_id is not None else None
    claimant = session.get_one(Resident, case.claimant_id) if case.claimant_id is not None else None
    return ShownCase(
        case,
        words.read(rings, words.RECOVERY_BASIS, case.id, case.basis_sealed, case.basis),
        words.read(rings, words.RECOVERY_DECISION, case.id, case.decision_basis_sealed, case.decision_basis),
        _side(rings, session.get_one(Resident, case.holder_id)),
        _side(rings, claimant) if claimant is not None else None,
        mask_phone(phone) if phone is not None else None,
        proposal if proposal is not None and _waits(proposal, now) else None,
        waiting.earliest_settlement(accounts, session, case) if case.state == CaseState.OPEN else None,
    )


def phone_of(rings: KeyRings, case: RecoveryCase) -> str | None:
    """Open the phone that a case is about, if there is one."""
    return vault.unseal(rings, PHONE, case.id, case.phone_sealed) if case.phone_sealed is not None else None


def _waits(proposal: Proposal, now: datetime) -> bool:
    return proposal.approved_at is None and proposal.withdrawn_at is None and proposal.expires_at > now


def _side(rings: KeyRings, resident: Resident) -> Side:
    phone, name = residents.phone_of(rings, resident), residents.name_of(rings, resident)
    number = residents.id_number_of(rings, resident)
    return Side(
        resident.id,
        mask_phone(phone) if phone is not None else None,
        mask_name(name) if name is not None else None,
        resident.id_type,
        mask_id(number) if number is not None else None,
        moments.read(rings, resident, "created_at") or resident.created_at,
    )
