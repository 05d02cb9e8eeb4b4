"""What a decided case does: the phone moves, old sign-ins end, and both places are told, all in one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import exc, select
from sqlalchemy.orm import Session

from qe_ban.accounts import errors
from qe_ban.accounts.models import RecoveryCase, Resident
from qe_ban.accounts.rules import Assurance, CaseKind, CaseState
from qe_ban.accounts.service import closing, families, notices, residents
from qe_ban.accounts.service.collaborators import Accounts
from qe_ban.accounts.service.recovery import waiting
from qe_ban.accounts.service.recovery.showing import phone_of
from qe_ban.accounts.service.wards import ending, held
from qe_ban.audit import service as audit
from qe_ban.kernel.clock import rfc3339


@dataclass(frozen=True, slots=True)
class Sides:
    """The locked accounts of a case: its holder, and the other one that has the phone which the holder is to have.

    `settled`: nobody else got that phone while they were being locked.
    """

    holder: Resident
    other: Resident | None
    phone: str | None
    settled: bool


def lock(accounts: Accounts, session: Session, case: RecoveryCase) -> Sides:
    """Lock the accounts of a case, in the order of their ids; a sign-in to any of them waits or came before."""
    if case.kind == CaseKind.CLOSING:
        # closing ends what the holder does for others: their rows come with the holder's, by id
        ending.lock_with_wards(session, case.holder_id)
    phone = phone_of(accounts.rings, case)
    has_phone = _owner(accounts, session, phone)
    ids = {case.holder_id, case.claimant_id, has_phone} - {None}
    rows = select(Resident).where(Resident.id.in_(ids)).order_by(Resident.id).with_for_update()
    residents_by_id = {row.id: row for row in session.scalars(rows.execution_options(populate_existing=True))}
    holder, is_settled = residents_by_id.pop(case.holder_id), _owner(accounts, session, phone) == has_phone
    return Sides(holder, next(iter(residents_by_id.values()), None), phone, is_settled)


def _owner(accounts: Accounts, session: Session, phone: str | None) -> UUID | None:
    owner = residents.by_phone(accounts.rings, session, phone) if phone is not None else None
    return owner.id if owner is not None else None


def settle(accounts: Accounts, session: Session, case: RecoveryCase, sides: Sides, change: audit.Change) -> None:
    """Carry a locked case out.

    Raises RecoveryTooEarly, RecoveryCaseStale, PhoneTaken, PhoneUnsettled: then nothing is done.
    """
    if sides.holder.closed_at is not None:
        raise errors.RecoveryCaseStale
    earliest = waiting.earliest_settlement(accounts, session, case)
    if change.at < earliest:
        raise errors.RecoveryTooEarly(earliest_settlement_at=rfc3339(earliest))
    if not sides.settled:
        raise errors.PhoneUnsettled
    # first: closing the other account ends the cases of it that are open
    _end(case, CaseState.SETTLED, change)
    session.flush()
    outcome = _SETTLED[CaseKind(case.kind)](accounts, session, sides, change)
    families.end_all(accounts.rings, session, sides.holder.id, change.at)
    _record(session, case, "accounts.settle_recovery", change, outcome)


def reject(
    accounts: Accounts, session: Session, case: RecoveryCase, change: audit.Change, *, why: str = "decision"
) -> None:
    """End a locked case and leave everything as it is; all who are concerned are told. `why` stands in the audit."""
    phone = phone_of(accounts.rings, case)
    _end(case, CaseState.REJECTED, change)
    for number in sorted({phone, *_phones(accounts, session, case)} - {None}, key=str):
        notices.tell_phone(session, accounts.rings, phone=str(number), template="recovery_rejected", now=change.at)
    _record(session, case, "accounts.reject_recovery", change, {"why": why})


def _claimed(accounts: Accounts, session: Session, sides: Sides, change: audit.Change) -> Mapping[str, Any]:
    """The register confirmed name, number and phone of the claimant: that phone goes to the holder's account."""
    claimant = sides.other
    phone = residents.phone_of(accounts.rings, claimant) if claimant is not None else None
    if claimant is None or phone is None or claimant.assurance == Assurance.VERIFIED:
        raise errors.RecoveryCaseStale
    return _move(accounts, session, sides, phone, change)


def _new_phone(accounts: Accounts, session: Session, sides: Sides, change: audit.Change) -> Mapping[str, Any]:
    if sides.phone is None:
        raise errors.RecoveryCaseStale
    return _move(accounts, session, sides, sides.phone, change)


def _lost_phone(accounts: Accounts, session: Session, sides: Sides, change: audit.Change) -> Mapping[str, Any]:
    """Without a new phone the holder has the old number again, on a new card, and only signs in anew."""
    if sides.phone is not None:
        return _move(accounts, session, sides, sides.phone, change)
    notices.tell(session, accounts.rings, resident_id=sides.holder.id, template="recovery_settled", now=change.at)
    return {"phone": "kept"}


def _recycled(accounts: Accounts, session: Session, sides: Sides, change: audit.Change) -> Mapping[str, Any]:
    """The number is another person's by now: the account stands without a phone until its holder comes to a window."""
    phone = residents.phone_of(accounts.rings, sides.holder)
    if phone is None or phone != sides.phone:
        raise errors.RecoveryCaseStale
    residents.take_phone(sides.holder)
    session.flush()
    notices.tell_phone(session, accounts.rings, phone=phone, template="recovery_old_phone", now=change.at)
    return {"phone": "taken off"}


def _closing(accounts: Accounts, session: Session, sides: Sides, change: audit.Change) -> Mapping[str, Any]:
    """Close the holder's account; the proof goes to the phone, or of a ward without one to all who act for the ward."""
    holder, rings = sides.holder, accounts.rings
    phone = residents.phone_of(rings, holder)
    phones = [phone] if phone is not None else held.phones_of_guardians(rings, session, holder.id, change.at)
    closing_row = closing.close(accounts, session, holder, change=change, why="window")
    for one in phones:
        notices.tell_phone(
            session, rings, phone=one, template="account_closed", now=change.at, proof=str(closing_row.id)
        )
    return {"account": "closed"}


_SETTLED = {
    CaseKind.CLAIMED: _claimed,
    CaseKind.NEW_PHONE: _new_phone,
    CaseKind.LOST_PHONE: _lost_phone,
    CaseKind.RECYCLED: _recycled,
    CaseKind.CLOSING: _closing,
}


def _move(accounts: Accounts, session: Session, sides: Sides, phone: str, change: audit.Change) -> Mapping[str, Any]:
    """Give the holder's account a phone; an account without a name that has it is joined, that is closed.

    Raises PhoneTaken where another person's has it, PhoneUnsettled where an account with it is made at this moment.
    """
    holder, other, rings = sides.holder, sides.other, accounts.rings
    old = residents.phone_of(rings, holder)
    if other is not None and other.assurance == Assurance.VERIFIED:
        raise errors.PhoneTaken
    if other is not None and other.closed_at is None:
        closing.close(accounts, session, other, change=change, why="joined")
    try:
        with session.begin_nested():
            residents.give_phone(rings, holder, phone, change.at)
    except exc.IntegrityError as error:
        raise errors.PhoneUnsettled from error
    if old is not None and old != phone:
        notices.tell_phone(session, rings, phone=old, template="recovery_old_phone", now=change.at)
    notices.tell_phone(session, rings, phone=phone, template="recovery_new_phone", now=change.at)
    return {"phone": "moved", "joined": str(other.id) if other is not None else None}


def _phones(accounts: Accounts, session: Session, case: RecoveryCase) -> set[str | None]:
    sides = [session.get_one(Resident, side) for side in (case.holder_id, case.claimant_id) if side is not None]
    return {residents.phone_of(accounts.rings, resident) for resident in sides}


def _end(case: RecoveryCase, state: CaseState, change: audit.Change) -> None:
    case.state, case.closed_at, case.phone_sealed = state.value, change.at, None


def _record(session: Session, case: RecoveryCase, action: str, change: audit.Change, done: Mapping[str, Any]) -> None:
    before, after = {"state": CaseState.OPEN.value}, {"state": case.state, **done}
    sides = {"holder": str(case.holder_id), "claimant": str(case.claimant_id) if case.claimant_id else None}
    audit.record_change(session, change, action, str(case.id), before=before, after=after, kind=case.kind, **sides)
