"""What was asked for comes into force: by the register's word at once, by the ward's own phone, or at a window."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import exc, select
from sqlalchemy.orm import Session

from qe_ban.accounts import errors
from qe_ban.accounts.models import Guardianship, Resident
from qe_ban.accounts.rules import Assurance, ConfirmedBy, GuardianshipState, WardBasis
from qe_ban.accounts.service import names, notices, residents
from qe_ban.accounts.service.collaborators import Accounts
from qe_ban.accounts.service.names import RealName
from qe_ban.accounts.service.wards import ending, held
from qe_ban.audit import service as audit
from qe_ban.kernel.identifiers import IdType
from qe_ban.kernel.ids import secret_id
from qe_ban.keys import data_keys, moments
from qe_ban.keys.data_keys import Owner
from qe_ban.keys.rings import KeyRings


def confirm_guardian(
    accounts: Accounts, session: Session, *, guardianship_id: UUID, change: audit.Change
) -> held.Shown:
    """The ward agrees, signed in by the own phone. Of two confirmations at once the first stands.

    Raises GuardianshipNotFound, also for another's; GuardianshipSettled for what does not wait any more; WindowNeeded
    for what does not rest on the ward's word.
    """
    lock_resident(session, change.by.id)
    row = ending.locked_by_ward(accounts.rings, session, guardianship_id, change.by.id)
    if row is None:
        raise errors.GuardianshipNotFound
    require_waiting(row, change.at)
    if row.basis != WardBasis.ENTRUSTED:
        raise errors.WindowNeeded
    before = ending.told(row)
    activate(accounts.rings, session, row, change.by.id, ConfirmedBy.WARD, change.at)
    audit.record_change(session, change, "wards.confirm", str(row.id), before=before, after=ending.told(row))
    notices.tell(session, accounts.rings, resident_id=row.guardian_id, template="ward_confirmed", now=change.at)
    return held.shown(accounts.rings, session, row)


def confirm_by_register(
    accounts: Accounts, session: Session, row: Guardianship, said: RealName, change: audit.Change
) -> None:
    """The register says that the guardian has custody: nobody else is asked; a ward with a phone is told."""
    before = ending.told(row)
    ward_id = account_of(accounts, session, said, change.at)
    activate(accounts.rings, session, row, ward_id, ConfirmedBy.REGISTER, change.at)
    audit.record_change(session, change, "wards.confirm", str(row.id), before=before, after=ending.told(row))
    notices.tell(session, accounts.rings, resident_id=ward_id, template="guardian_added", now=change.at)


def require_waiting(row: Guardianship, now: datetime) -> None:
    """Raise GuardianshipSettled for what does not wait to be confirmed."""
    if row.state != GuardianshipState.PENDING or not held.is_standing(row, now):
        raise errors.GuardianshipSettled


def activate(
    rings: KeyRings, session: Session, row: Guardianship, ward_id: UUID, by: ConfirmedBy, now: datetime
) -> None:
    """Bring a locked guardianship into force; whom it is about is told by the ward's account from now on."""
    row.ward_id, row.state = ward_id, GuardianshipState.ACTIVE.value
    row.confirmed_at, row.confirmed_by = now, by.value
    ending.forget(rings, session, row)
    session.flush()


def account_of(accounts: Accounts, session: Session, said: RealName, now: datetime) -> UUID:
    """Give the account of a confirmed name, made now without a phone if there is none, and locked.

    Of two at once the number's unique index decides; what follows from a name (entitlements) comes with it.
    """
    resident_id = _locked_account(accounts, session, said)
    if resident_id is not None:
        return resident_id
    data_key = data_keys.allocate(accounts.rings, session, Owner.RESIDENT, now)
    resident = Resident(id=secret_id(), assurance=Assurance.NONE.value, data_key=data_key)
    moments.write(accounts.rings, resident, now, data_key=data_key, created_at=now)
    try:
        with session.begin_nested():
            names.bind(accounts.rings, resident, said, now)
            session.add(resident)
    except exc.IntegrityError:
        faster = _locked_account(accounts, session, said)
        if faster is None:
            raise
        return faster
    accounts.verified(session, resident.id, now)
    return resident.id


def lock_resident(session: Session, resident_id: UUID) -> None:
    """Let nobody change a resident's row until the transaction ends."""
    session.execute(select(Resident.id).where(Resident.id == resident_id).with_for_update(key_share=True))


def _locked_account(accounts: Accounts, session: Session, said: RealName) -> UUID | None:
    """Find and lock whose number it is; whoever closed the account meanwhile has it no more."""
    held_by = residents.by_id_number(accounts.rings, session, said.id_type, said.id_number)
    if held_by is None:
        return None
    lock_resident(session, held_by.id)
    again = residents.by_id_number(accounts.rings, session, IdType(said.id_type), said.id_number)
    return again.id if again is not None else None
