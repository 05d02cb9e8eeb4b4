"""A guardian closes a ward's account: it waits for seven days, in which all who have a say may stop it.

The wish stands in the guardianship by which it was asked for, and is gone with it.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from qe_ban.accounts import errors, rules
from qe_ban.accounts.models import Closing, Guardianship, Resident
from qe_ban.accounts.rules import GuardianshipState
from qe_ban.accounts.service import closing, families, notices, residents
from qe_ban.accounts.service.collaborators import Accounts
from qe_ban.accounts.service.wards import ending, held
from qe_ban.audit import service as audit
from qe_ban.db.engine import Database
from qe_ban.kernel.clock import Clock, end_of_day

AT_ONCE = 50

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WardPlan:
    """What closing a ward's account would do, and from when on it is done because a guardian asked, if one did."""

    plan: closing.Plan
    due_at: datetime | None


def plan_ward_closing(
    accounts: Accounts, session: Session, *, guardian: UUID, guardianship_id: UUID, now: datetime
) -> WardPlan:
    """Return what closing a ward's account would do. Raises WardNotFound."""
    ward = held.acting_for(session, guardian=guardian, ward=guardianship_id, now=now)
    return WardPlan(closing.plan(accounts, session, session.get_one(Resident, ward), now), _due_at(session, ward))


def ask_ward_closing(accounts: Accounts, session: Session, *, guardianship_id: UUID, change: audit.Change) -> datetime:
    """Have a ward's account closed after seven days; returns when. Asked again, the first time counts.

    The ward and the other guardians are told. Raises WardNotFound, ClosingNotYours for who was merely entrusted,
    SessionEnded.
    """
    families.require_running(accounts, session, change.by)
    row = _acting(session, guardianship_id, change)
    if not rules.may_close(rules.WardBasis(row.basis)):
        raise errors.ClosingNotYours
    if row.closing_due_at is not None:
        return row.closing_due_at
    row.closing_due_at = end_of_day(change.at + rules.WARD_CLOSING_WAITS)
    session.flush()
    after = {"due": row.closing_due_at.isoformat()}
    audit.record_change(session, change, "wards.ask_closing", str(row.id), before=None, after=after)
    _tell(accounts, session, row, "ward_closing_asked", change, but=row.guardian_id)
    return row.closing_due_at


def stop_ward_closing(accounts: Accounts, session: Session, *, guardianship_id: UUID, change: audit.Change) -> None:
    """Stop it, as any of the ward's guardians. Raises WardNotFound, ClosingNotAsked."""
    row = _acting(session, guardianship_id, change)
    _stop(accounts, session, row, change)


def stop_own_closing(accounts: Accounts, session: Session, *, change: audit.Change) -> None:
    """Stop it, as the ward. Raises ClosingNotAsked, SessionEnded."""
    families.require_running(accounts, session, change.by)
    statement = select(Guardianship.id).where(Guardianship.ward_id == change.by.id, _waits())
    guardianship_id = session.scalars(statement.order_by(Guardianship.id).limit(1)).one_or_none()
    row = ending.locked(session, guardianship_id) if guardianship_id is not None else None
    if row is None:
        raise errors.ClosingNotAsked
    _stop(accounts, session, row, change)


def stop_at_window(
    accounts: Accounts, session: Session, *, guardianship_id: UUID, reason: str, case_number: str, change: audit.Change
) -> None:
    """Stop it at a window, by any guardianship of the ward, for a case.

    Raises GuardianshipNotFound, ClosingNotAsked, WardInvalid.
    """
    rules.check_remark("reason", reason)
    row = ending.locked(session, guardianship_id)
    if row is None:
        raise errors.GuardianshipNotFound
    words = audit.seal_words(session, accounts.rings, reason, change.at)
    _stop(accounts, session, row, change, case_number=case_number, reason=words)


def close_due_wards(accounts: Accounts, database: Database, clock: Clock) -> int:
    """Close what is due, each account in a transaction of its own: the worker's part; returns how many."""
    with database.transaction() as session:
        due = select(Guardianship.id).where(_waits(), Guardianship.closing_due_at <= clock())
        guardianship_ids = session.scalars(due.order_by(Guardianship.closing_due_at).limit(AT_ONCE)).all()
    count = 0
    for guardianship_id in guardianship_ids:
        try:
            with database.transaction() as session:
                count += close_due(accounts, session, guardianship_id, clock()) is not None
        except errors.ClosingUnsettled:
            # the next run tries again; the tables are in the log already
            log.warning("accounts.ward_closing_unsettled")
    return count


def close_due(accounts: Accounts, session: Session, guardianship_id: UUID, now: datetime) -> Closing | None:
    """Close the account that a guardianship says is due; None where that has been stopped or is over by now.

    The proof goes to the guardian who asked, and to the ward's phone. Raises ClosingUnsettled.
    """
    ward_id = session.scalar(select(Guardianship.ward_id).where(Guardianship.id == guardianship_id))
    if ward_id is None:
        return None
    ending.lock_with_wards(session, ward_id)
    row = ending.locked(session, guardianship_id)
    ward = session.get_one(Resident, ward_id, with_for_update=True, populate_existing=True)
    if row is None or not _is_due(row, now) or ward.closed_at is not None:
        return None
    guardian = session.get_one(Resident, row.guardian_id)
    phones = {residents.phone_of(accounts.rings, person) for person in (guardian, ward)} - {None}
    closing_row = closing.close(accounts, session, ward, change=audit.AtShell(now), why="guardian")
    for phone in sorted(str(one) for one in phones):
        notices.tell_phone(
            session, accounts.rings, phone=phone, template="account_closed", now=now, proof=str(closing_row.id)
        )
    return closing_row


def _acting(session: Session, guardianship_id: UUID, change: audit.Change) -> Guardianship:
    """Return the caller's guardianship, in force and locked. Raises WardNotFound."""
    held.acting_for(session, guardian=change.by.id, ward=guardianship_id, now=change.at)
    row = ending.locked(session, guardianship_id)
    # it may have ended while the ward's row was waited for
    held.acting_for(session, guardian=change.by.id, ward=guardianship_id, now=change.at)
    if row is None:
        raise errors.WardNotFound
    return row


def _stop(
    accounts: Accounts,
    session: Session,
    row: Guardianship,
    change: audit.Change,
    case_number: str | None = None,
    **more: object,
) -> None:
    """Stop the closing of the ward of a locked guardianship, whoever asked for it."""
    statement = update(Guardianship).where(Guardianship.ward_id == row.ward_id, _waits()).values(closing_due_at=None)
    ids = session.scalars(statement.returning(Guardianship.id).execution_options(synchronize_session=False)).all()
    if row.ward_id is None or not ids:
        raise errors.ClosingNotAsked
    audit.record(
        session,
        at=change.at,
        actor=change.by,
        action="wards.stop_closing",
        subject=str(row.id),
        details={"asked": sorted(map(str, ids)), **more},
        case_number=case_number,
        request_id=change.request_id,
    )
    _tell(accounts, session, row, "ward_closing_stopped", change, but=change.by.id)


def _tell(
    accounts: Accounts, session: Session, row: Guardianship, template: str, change: audit.Change, *, but: UUID
) -> None:
    """Tell the ward and all who act for the ward, but the one who did it."""
    if row.ward_id is None:
        return
    for person in [row.ward_id, *held.acting_guardians(session, row.ward_id, change.at)]:
        if person != but:
            notices.tell(session, accounts.rings, resident_id=person, template=template, now=change.at)


def _waits() -> ColumnElement[bool]:
    return (Guardianship.state == GuardianshipState.ACTIVE.value) & Guardianship.closing_due_at.is_not(None)


def _is_due(row: Guardianship, now: datetime) -> bool:
    acts = row.state == GuardianshipState.ACTIVE and held.is_standing(row, now)
    return acts and row.closing_due_at is not None and row.closing_due_at <= now


def _due_at(session: Session, ward_id: UUID) -> datetime | None:
    return session.scalar(
        select(func.min(Guardianship.closing_due_at)).where(Guardianship.ward_id == ward_id, _waits())
    )
