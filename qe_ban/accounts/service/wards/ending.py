"""How acting for another ends: by either side, at a window, by time, by an account's closing; at once in each case."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Session

from qe_ban.accounts import errors, rules
from qe_ban.accounts.models import Guardianship, Resident
from qe_ban.accounts.rules import EndedBy, GuardianshipState, WardBasis
from qe_ban.accounts.service import attempts, consents, notices
from qe_ban.accounts.service.collaborators import Accounts
from qe_ban.accounts.service.wards import held
from qe_ban.audit import service as audit
from qe_ban.kernel.identifiers import IdType
from qe_ban.keys import data_keys
from qe_ban.keys.rings import KeyRings

AT_ONCE = 200
OPEN = (GuardianshipState.PENDING.value, GuardianshipState.ACTIVE.value)


def end_ward(accounts: Accounts, session: Session, *, guardianship_id: UUID, change: audit.Change) -> None:
    """The guardian ends it, or takes the wish back. Raises WardNotFound, also for what has ended."""
    row = locked(session, guardianship_id)
    if row is None or row.guardian_id != change.by.id or not held.is_standing(row, change.at):
        raise errors.WardNotFound
    end(accounts, session, row, EndedBy.GUARDIAN, change)


def end_guardian(accounts: Accounts, session: Session, *, guardianship_id: UUID, change: audit.Change) -> None:
    """The ward ends it, or declines: then the guardian cannot wish the same anew for thirty days.

    What rests on custody or a court's order, once confirmed, only a window ends.

    Raises GuardianshipNotFound, also for what has ended, and WindowNeeded.
    """
    row = locked_by_ward(accounts.rings, session, guardianship_id, change.by.id)
    if row is None or not held.is_standing(row, change.at):
        raise errors.GuardianshipNotFound
    if row.state == GuardianshipState.ACTIVE and row.basis != WardBasis.ENTRUSTED:
        raise errors.WindowNeeded
    if row.state == GuardianshipState.PENDING and row.ward_mac is not None:
        wish = wish_of(row.guardian_id, row.ward_mac, WardBasis(row.basis))
        attempts.take(session, attempts.WARD_DECLINED, wish, change.at)
    end(accounts, session, row, EndedBy.WARD, change)


def end_due(accounts: Accounts, session: Session, now: datetime) -> int:
    """End what time has ended, at most `AT_ONCE`, the worker's part; gives how many.

    Nobody acts by it any more anyway: each call asks for the time. Whoever is locked at this moment comes next time.
    """
    has_lapsed = (Guardianship.state == GuardianshipState.PENDING.value) & (
        Guardianship.requested_at <= now - rules.WARD_WAITS
    )
    due = select(Guardianship.id).where(
        Guardianship.state != GuardianshipState.ENDED.value, or_(Guardianship.ends_at <= now, has_lapsed)
    )
    count = 0
    for guardianship_id in session.scalars(due.order_by(Guardianship.id).limit(AT_ONCE)).all():
        row = locked(session, guardianship_id, wait=False)
        if row is not None and row.state != GuardianshipState.ENDED:
            end(accounts, session, row, _by_time(accounts.rings, session, row, now), audit.AtShell(now))
            count += 1
    return count


def end_returned(accounts: Accounts, session: Session, guardianship_id: UUID, change: audit.AtShell) -> None:
    """End what was confirmed or over before, and came back with a restore: nobody can open whom it is about."""
    row = locked(session, guardianship_id)
    if row is not None and row.state == GuardianshipState.PENDING:
        end(accounts, session, row, EndedBy.LAPSED, change)


def end_all(accounts: Accounts, session: Session, *, resident_id: UUID, change: audit.Change | audit.AtShell) -> int:
    """End whatever a resident has to do with, as guardian or ward, as the account closes; gives how many.

    Call it while the account still has its number: what others have only asked for is found by that.
    """
    resident = session.get_one(Resident, resident_id)
    is_side = or_(Guardianship.guardian_id == resident_id, held.about(accounts.rings, resident))
    statement = select(Guardianship.id).where(Guardianship.state.in_(OPEN), is_side).order_by(Guardianship.id)
    count = 0
    for guardianship_id in session.scalars(statement).all():
        row = locked(session, guardianship_id)
        if row is not None and row.state != GuardianshipState.ENDED:
            end(accounts, session, row, EndedBy.CLOSING, change)
            count += 1
    return count


def end(
    accounts: Accounts,
    session: Session,
    row: Guardianship,
    by: EndedBy,
    change: audit.Change | audit.AtShell,
    record: Callable[[dict[str, object], dict[str, object]], None] | None = None,
) -> None:
    """End a locked guardianship: what was agreed to by it, and what the ward's guardians show now, counts no more.

    `record` audits what it was before and after, where more is to be said than who and when.
    """
    before, was_active = told(row), row.state == GuardianshipState.ACTIVE
    row.state, row.ended_at, row.ended_by = GuardianshipState.ENDED.value, change.at, by.value
    forget(accounts.rings, session, row)
    session.flush()
    if was_active:
        outdate(session, Resident.id == row.ward_id, change.at)
        # what time has ended was over then, whenever the worker comes to it
        at = min(change.at, row.ends_at or change.at)
        consents.withdraw_with_guardianship(accounts, session, row, at=at, now=change.at)
    if record is not None:
        record(before, told(row))
    else:
        audit.record_change(session, change, "wards.end", str(row.id), before=before, after=told(row))
    if by is not EndedBy.GUARDIAN:
        notices.tell(session, accounts.rings, resident_id=row.guardian_id, template="ward_ended", now=change.at)
    if was_active and row.ward_id is not None and by is not EndedBy.WARD:
        notices.tell(session, accounts.rings, resident_id=row.ward_id, template="guardian_ended", now=change.at)


def outdate(session: Session, wards: ColumnElement[bool], at: datetime) -> None:
    """Let what guardians have shown for these wards count no more: up to `at`, and up to now.

    Whoever waited for a lock comes later than `at`, and codes were shown meanwhile.
    """
    rows = select(Resident.id).where(wards).order_by(Resident.id).with_for_update(key_share=True)
    after = func.greatest(Resident.guardian_codes_after, at, func.clock_timestamp())
    later = update(Resident).where(Resident.id.in_(session.scalars(rows).all())).values(guardian_codes_after=after)
    session.execute(later.execution_options(synchronize_session=False))


def locked(session: Session, guardianship_id: UUID, *, wait: bool = True) -> Guardianship | None:
    """Give a guardianship, which nobody changes until the transaction ends; the ward's row is locked first.

    So is the order everywhere: whoever holds a resident may ask for guardianships, and never the other way round. None
    where there is none, or where somebody holds it and `wait` is False.
    """
    ward_id = session.scalar(select(Guardianship.ward_id).where(Guardianship.id == guardianship_id))
    if ward_id is not None:
        return _lock_row(session, guardianship_id, wait=wait) if _lock_ward(session, ward_id, wait=wait) else None
    with session.begin_nested() as savepoint:
        row = _lock_row(session, guardianship_id, wait=wait)
        confirmed_meanwhile = row is not None and row.ward_id is not None
        if confirmed_meanwhile:
            # it is let go again, for the ward's row comes first
            savepoint.rollback()
    return locked(session, guardianship_id, wait=wait) if confirmed_meanwhile else row


def locked_by_ward(rings: KeyRings, session: Session, guardianship_id: UUID, ward_id: UUID) -> Guardianship | None:
    """Give a locked guardianship of which this resident is the ward; None for another's, which is not waited for."""
    seen = session.get(Guardianship, guardianship_id)
    if seen is None or not is_about(rings, session, seen, ward_id):
        return None
    row = locked(session, guardianship_id)
    return row if row is not None and is_about(rings, session, row, ward_id) else None


def lock_with_wards(session: Session, resident_id: UUID) -> None:
    """Lock a resident and whom this one acts for, by id: of two who act for each other neither then waits in vain."""
    acts_for = select(Guardianship.ward_id).where(
        Guardianship.guardian_id == resident_id, Guardianship.state == GuardianshipState.ACTIVE.value
    )
    rows = select(Resident.id).where(or_(Resident.id == resident_id, Resident.id.in_(acts_for)))
    session.scalars(rows.order_by(Resident.id).with_for_update()).all()


def _lock_row(session: Session, guardianship_id: UUID, *, wait: bool) -> Guardianship | None:
    row = select(Guardianship).where(Guardianship.id == guardianship_id)
    return session.scalar(row.with_for_update(skip_locked=not wait).execution_options(populate_existing=True))


def _lock_ward(session: Session, ward_id: UUID, *, wait: bool) -> bool:
    ward = select(Resident.id).where(Resident.id == ward_id)
    return session.scalar(ward.with_for_update(key_share=True, skip_locked=not wait)) is not None


def is_about(rings: KeyRings, session: Session, row: Guardianship, resident_id: UUID) -> bool:
    """Tell whether a guardianship is about this resident as the ward, confirmed or not."""
    resident = session.get(Resident, resident_id)
    mine = select(Guardianship.id).where(Guardianship.id == row.id)
    return resident is not None and session.scalar(mine.where(held.about(rings, resident))) is not None


def wish_of(guardian_id: UUID, ward_mac: bytes, basis: WardBasis) -> str:
    """Give what makes two wishes the same, without a trace of whom they are about: `ward_mac` is a keyed hash."""
    return f"{guardian_id} {ward_mac.hex()} {basis}"


def forget(rings: KeyRings, session: Session, row: Guardianship) -> None:
    """Let go whom it is about: the ward's account says it, or nobody needs to know any more."""
    row.name_sealed = row.id_number_sealed = row.ward_mac = row.closing_due_at = None
    data_keys.discard(session, [row.data_key])
    data_keys.destroy_on_commit(rings, session)
    row.data_key = None


def told(row: Guardianship) -> dict[str, object]:
    """Give what the audit keeps of a guardianship: ids and words."""
    return {
        "guardian": str(row.guardian_id),
        "ward": str(row.ward_id) if row.ward_id else None,
        "relation": row.relation,
        "basis": row.basis,
        "state": row.state,
        "by": row.ended_by or row.confirmed_by,
    }


def _by_time(rings: KeyRings, session: Session, row: Guardianship, now: datetime) -> EndedBy:
    if row.ends_at is None or row.ends_at > now:
        return EndedBy.LAPSED
    ward = session.get(Resident, row.ward_id) if row.ward_id is not None else None
    birth = rules.born(IdType(row.id_type), held.ward_number(rings, row, ward) or "")
    return EndedBy.AGE if birth is not None and rules.comes_of_age(birth) == row.ends_at else EndedBy.UNTIL
