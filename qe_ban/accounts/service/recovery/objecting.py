"""What the holder of an account sees of recovery cases about it, and how the holder stops one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from qe_ban.accounts import errors
from qe_ban.accounts.models import RecoveryCase
from qe_ban.accounts.rules import CaseState
from qe_ban.accounts.service import cases, families
from qe_ban.accounts.service.collaborators import Accounts
from qe_ban.accounts.service.recovery import settling, waiting
from qe_ban.audit import service as audit


@dataclass(frozen=True, slots=True)
class HolderCase:
    """A case as the holder sees it: nothing of who claims, opened or decides it.

    `earliest_settlement_at` is None of one that is closed.
    """

    id: UUID
    kind: str
    state: str
    opened_at: datetime
    closed_at: datetime | None
    earliest_settlement_at: datetime | None


@dataclass(frozen=True, slots=True)
class Objection:
    """A case that its holder stopped; `alarm_id` is None where an open alarm about the same grew."""

    case: HolderCase
    alarm_id: UUID | None
    alarm_subject: str


def list_holder_cases(
    accounts: Accounts, session: Session, *, holder_id: UUID, before: UUID | None, limit: int
) -> Sequence[HolderCase]:
    """Return at most `limit` cases about a resident's account, open and closed, newest first, older than `before`."""
    query = select(RecoveryCase).where(RecoveryCase.holder_id == holder_id)
    if before is not None:
        query = query.where(RecoveryCase.id < before)
    cases = session.scalars(query.order_by(RecoveryCase.id.desc()).limit(limit)).all()
    return [_holder_case(accounts, session, case) for case in cases]


def object_to_recovery(accounts: Accounts, session: Session, *, case_id: UUID, change: audit.Change) -> Objection:
    """Reject an open case because its holder, whose face was just seen, did not ask for it.

    The holder's row comes first, as it does in a settlement: of an objection and an approval at once one is done. What
    waits for a second person is withdrawn, all who are concerned are told, and an alarm about who opened the case is
    raised, or about the case where no staff did. Raises SessionEnded, RecoveryCaseNotFound (also of another's account),
    RecoveryCaseOver.
    """
    families.require_running(accounts, session, change.by)
    case = session.get(RecoveryCase, case_id, with_for_update=True, populate_existing=True)
    if case is None or case.holder_id != change.by.id:
        raise errors.RecoveryCaseNotFound
    if case.state != CaseState.OPEN:
        raise errors.RecoveryCaseOver
    settling.reject(accounts, session, case, change, why="objection")
    cases.withdraw_proposal(session, case, by=change.by, now=change.at)
    about = str(case.opened_by or case.id)
    alarm_id = audit.raise_(
        session,
        audit.AlarmKind.RECOVERY_OBJECTION,
        about,
        facts={"case": str(case.id), "kind": case.kind},
        at=change.at,
        count=1,
        now=change.at,
    )
    session.flush()
    return Objection(_holder_case(accounts, session, case), alarm_id, about)


def _holder_case(accounts: Accounts, session: Session, case: RecoveryCase) -> HolderCase:
    is_open = case.state == CaseState.OPEN
    earliest = waiting.earliest_settlement(accounts, session, case) if is_open else None
    return HolderCase(case.id, case.kind, case.state, case.opened_at, case.closed_at, earliest)
