"""Closes an account: all that is personal is deleted in one transaction, counted before and after, and proven."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import Session

from qe_ban.accounts import errors, rules
from qe_ban.accounts.models import Closing, Consent, ConsentEvent, Guardianship, RecoveryCase, RefreshFamily, Resident
from qe_ban.accounts.rules import Assurance, CaseState, GuardianshipState, WardBasis
from qe_ban.accounts.rules.closing import kept
from qe_ban.accounts.service import attempts, cases, families, notices, residents, sign_ins
from qe_ban.accounts.service.collaborators import Accounts
from qe_ban.accounts.service.wards import ending, held
from qe_ban.audit import service as audit
from qe_ban.kernel.clock import start_of_day
from qe_ban.kernel.ids import secret_id
from qe_ban.kernel.principal import Actor, Principal, PrincipalKind

CHECKED_AFTER = rules.ACCESS_LIFE + families.CLOCKS_APART
"""No token of a closed account lives longer than this: what it wrote at the last moment is deleted then, too."""
AT_ONCE = 100
PERSONAL = (
    "phone_sealed",
    "phone_index",
    "phone_index_next",
    "name_sealed",
    "id_type",
    "id_number_sealed",
    "id_index",
    "id_index_next",
)
"""The columns of a resident's row that say who it is."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """What closing would delete, by table, what it would end, and what would be kept (as `rules.closing.kept` says)."""

    deletes: Mapping[str, int]
    ends: Mapping[str, int]
    keeps: list[dict[str, Any]]


def plan_closing(accounts: Accounts, session: Session, *, resident_id: UUID, now: datetime) -> Plan:
    """Give what closing an account now would do. Raises SessionEnded when it is gone, WindowNeeded."""
    resident = session.get(Resident, resident_id)
    if resident is None or resident.closed_at is not None:
        raise errors.SessionEnded
    _require_own_say(session, resident_id, now)
    return Plan(_count(accounts, session, resident), _standing(accounts, session, resident_id), _kept(accounts, now))


def close_account(accounts: Accounts, session: Session, *, change: audit.Change) -> Closing:
    """Close the account of the resident who asks for it, and send the proof's id to the phone that was theirs.

    Raises SessionEnded when the account or the sign-in is gone, WindowNeeded while custody or a court's order is over
    the resident.
    """
    ending.lock_with_wards(session, change.by.id)
    resident = session.get(Resident, change.by.id, with_for_update=True, populate_existing=True)
    if resident is None or resident.closed_at is not None:
        raise errors.SessionEnded
    families.require_running(accounts, session, change.by)
    _require_own_say(session, resident.id, change.at)
    phone = residents.phone_of(accounts.rings, resident)
    closing = close(accounts, session, resident, change=change, why="resident")
    if phone is not None:
        told = {"template": "account_closed", "proof": str(closing.id)}
        notices.tell_phone(session, accounts.rings, phone=phone, now=change.at, **told)
    return closing


def closing_report(session: Session, closing_id: UUID) -> Closing:
    """Give the proof of a closing to whoever has its id, which is the secret. Raises ClosingNotFound."""
    found = session.get(Closing, closing_id)
    if found is None:
        raise errors.ClosingNotFound
    return found


def close(
    accounts: Accounts, session: Session, resident: Resident, *, change: audit.Change | audit.AtShell, why: str
) -> Closing:
    """Close a locked account that stands: afterwards nothing personal of it is left, or nothing at all is done.

    `why`: `resident`, or what joined it to another account. The report has `deleted` and `ended` by table, `kept`, and
    `remaining`, the rows that a count afterwards finds: 0. Raises ClosingUnsettled where rows come back at this moment.
    """
    by = _by(change.by, resident)
    before, ends = _count(accounts, session, resident), _standing(accounts, session, resident.id)
    # first, while the account has its number: what others have only asked for is found by that
    ends["guardianships"] = ending.end_all(accounts, session, resident_id=resident.id, change=change)
    resident.closed_at = start_of_day(change.at)
    families.end_all(accounts.rings, session, resident.id, change.at)
    families.refuse(session, resident.id, change.at)
    _erase(accounts, session, resident, by, change.at)
    left = sum(_count(accounts, session, resident).values())
    if left:
        # written by requests that ended between the two: not every table waits for the locked account
        _erase(accounts, session, resident, by, change.at)
        left = sum(_count(accounts, session, resident).values())
    if left:
        raise errors.ClosingUnsettled
    deleted = {table: rows for table, rows in before.items() if rows}
    report = {"reason": why, "deleted": deleted, "ended": ends, "kept": _kept(accounts, change.at), "remaining": left}
    closing = Closing(id=secret_id(), resident_id=resident.id, closed_at=change.at, report=report)
    session.add(closing)
    told = {"reason": why, "deleted": deleted, "ended": ends, "remaining": left}
    audit.record_change(
        session,
        change,
        "accounts.close_account",
        str(resident.id),
        before={"closed": False},
        after={"closed": True} | told,
    )
    session.flush()
    return closing


_OF_CASES: Final = ("phone_sealed", "basis", "decision_basis", "basis_sealed", "decision_basis_sealed")
"""What a recovery case says of a person, sealed or, in rows of the previous release, in clear."""


def check_closings(accounts: Accounts, session: Session, now: datetime) -> None:
    """Count once more what is left of accounts closed a while ago, delete it, and write it into their reports.

    The worker's part, at most `AT_ONCE` in a run. A request that was under way while the account was closed, or a scan,
    may have written a row after it.
    """
    due = select(Closing).where(Closing.checked_at.is_(None), Closing.closed_at <= now - CHECKED_AFTER)
    found = session.scalars(due.order_by(Closing.closed_at).limit(AT_ONCE).with_for_update(skip_locked=True)).all()
    for closing in found:
        resident = session.get_one(Resident, closing.resident_id, with_for_update=True, populate_existing=True)
        late = {table: rows for table, rows in _count(accounts, session, resident).items() if rows}
        if late:
            _erase(accounts, session, resident, _by(None, resident), now)
        left = sum(_count(accounts, session, resident).values()) if late else 0
        if left:
            # of whom, says the audit event below: the log names no residents
            log.error("accounts.closing_incomplete", rows=left)
        closing.checked_at, closing.report = now, closing.report | {"late": late, "remaining": left}
        audit.record(
            session,
            at=now,
            actor=None,
            action="accounts.check_closing",
            subject=str(closing.resident_id),
            details={"late": late, "remaining": left},
        )


def _count(accounts: Accounts, session: Session, resident: Resident) -> dict[str, int]:
    """Count what is personal, by table; of the resident's own row and of cases, the columns that hold something."""
    mine = {
        "consents": Consent.resident_id == resident.id,
        "consent_events": ConsentEvent.resident_id == resident.id,
        "refresh_families": sign_ins.belong_to(accounts.rings, resident.id),
        "recovery_cases": _personal_in(resident.id)
        & (func.num_nonnulls(*(getattr(RecoveryCase, name) for name in _OF_CASES)) > 0),
    }
    counted = Counter({table: _rows(session, condition) for table, condition in mine.items()})
    counted["personal_columns"] = sum(getattr(resident, column) is not None for column in PERSONAL)
    for estate in accounts.closing:
        counted.update(estate.count(session, resident.id))
    return dict(counted)


def _rows(session: Session, condition: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).where(condition)) or 0


def _standing(accounts: Accounts, session: Session, resident_id: UUID) -> dict[str, int]:
    mine = or_(Guardianship.guardian_id == resident_id, Guardianship.ward_id == resident_id)
    return {
        "sessions": _rows(session, sign_ins.belong_to(accounts.rings, resident_id) & RefreshFamily.ended_at.is_(None)),
        "guardianships": _rows(session, mine & (Guardianship.state != GuardianshipState.ENDED.value)),
        "recovery_cases": _rows(session, _concerned(resident_id) & (RecoveryCase.state == CaseState.OPEN.value)),
    }


def _personal_in(resident_id: UUID) -> ColumnElement[bool]:
    """Give the condition that a case is about a resident's person.

    A claimant of a settled one lives on in the holder's account: only the phone has moved, and why must stay.
    """
    claims = (RecoveryCase.claimant_id == resident_id) & (RecoveryCase.state != CaseState.SETTLED.value)
    return or_(RecoveryCase.holder_id == resident_id, claims)


def _require_own_say(session: Session, resident_id: UUID, now: datetime) -> None:
    """Raise WindowNeeded while somebody acts for a resident by custody or a court's order.

    Else a child would close the account, begin anew, and have no guardian.
    """
    imposed = (Guardianship.ward_id == resident_id) & (Guardianship.basis != WardBasis.ENTRUSTED.value)
    if _rows(session, imposed & (Guardianship.state == GuardianshipState.ACTIVE.value) & held.standing(now)):
        raise errors.WindowNeeded


def _by(by: Principal | None, resident: Resident) -> Principal | Actor:
    return by or Actor(PrincipalKind.RESIDENT, resident.id)


def _concerned(resident_id: UUID) -> ColumnElement[bool]:
    return or_(RecoveryCase.holder_id == resident_id, RecoveryCase.claimant_id == resident_id)


def _close_cases(accounts: Accounts, session: Session, resident_id: UUID, by: Principal | Actor, now: datetime) -> None:
    """End the open cases of the account, for one of their two sides is no more; who claims it is told."""
    found = select(RecoveryCase).where(_concerned(resident_id), RecoveryCase.state == CaseState.OPEN.value)
    for case in session.scalars(found.order_by(RecoveryCase.id).with_for_update()).all():
        cases.drop(session, case, by=by, now=now)
        if case.claimant_id is not None and case.claimant_id != resident_id:
            notices.tell(session, accounts.rings, resident_id=case.claimant_id, template="recovery_rejected", now=now)


def _erase(accounts: Accounts, session: Session, resident: Resident, by: Principal | Actor, now: datetime) -> None:
    for estate in accounts.closing:
        estate.erase(session, resident.id, now)
    session.execute(delete(Consent).where(Consent.resident_id == resident.id))
    session.execute(delete(ConsentEvent).where(ConsentEvent.resident_id == resident.id))
    session.execute(delete(RefreshFamily).where(sign_ins.belong_to(accounts.rings, resident.id)))
    _close_cases(accounts, session, resident.id, by, now)
    session.flush()
    mine = update(RecoveryCase).where(_personal_in(resident.id))
    session.execute(mine.values(dict.fromkeys(_OF_CASES)))
    for allowance in (attempts.REAL_NAME, attempts.STEP_UP):
        for subject in attempts.subjects_of(accounts.rings, resident.id):
            attempts.forgive(session, allowance, subject)
    residents.take_phone(resident)
    resident.id_type = resident.name_sealed = resident.id_number_sealed = None
    resident.id_index = resident.id_index_next = resident.verified_at = resident.moments_sealed = None
    resident.assurance = Assurance.NONE.value
    session.flush()


def _kept(accounts: Accounts, now: datetime) -> list[dict[str, Any]]:
    return kept(now, scans=accounts.retention.scans, audit=accounts.retention.audit)
