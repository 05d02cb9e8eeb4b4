"""A ward whose account was made without a phone comes with one of their own: the phone moves to that account."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from qe_ban.accounts import errors
from qe_ban.accounts.models import Guardianship, RecoveryCase, Resident
from qe_ban.accounts.rules import CaseKind, CaseState, GuardianshipState
from qe_ban.accounts.service import closing, notices, residents
from qe_ban.accounts.service.collaborators import Accounts
from qe_ban.accounts.service.wards import held
from qe_ban.audit import service as audit
from qe_ban.kernel.principal import Principal
from qe_ban.keys import vault


def join(
    accounts: Accounts,
    session: Session,
    *,
    principal: Principal,
    claimant: Resident,
    holder: Resident,
    name: str,
    now: datetime,
) -> errors.AccountJoined | None:
    """Move the claimant's phone to the holder of the number, who has none; None where the holder has one, or had.

    Call it when the register has confirmed name, number and phone, with the claimant locked. The claimant's own account
    is closed, its sign-ins end, and both the phone (also of each guardian who stands) and the guardians are told. What
    it gives is not raised, so that it commits. Raises PhoneUnsettled where the holder's account is being closed at this
    moment.
    """
    statement = select(Resident).where(Resident.id == holder.id).with_for_update()
    locked_holder = session.scalars(statement.execution_options(populate_existing=True)).one()
    if locked_holder.closed_at is not None:
        raise errors.PhoneUnsettled
    phone = residents.phone_of(accounts.rings, claimant)
    if locked_holder.phone_sealed is not None or phone is None or _had_a_phone(session, locked_holder):
        return None
    change = audit.Change(principal, now)
    closing.close(accounts, session, claimant, change=change, why="joined")
    residents.give_phone(accounts.rings, locked_holder, phone, now)
    locked_holder.name_sealed = vault.seal(
        accounts.rings, residents.NAME, locked_holder.id, name, now, data_key=locked_holder.data_key
    )
    session.flush()
    before, after = {"phone_of": str(claimant.id)}, {"phone_of": str(locked_holder.id)}
    audit.record_change(session, change, "accounts.join", str(locked_holder.id), before=before, after=after)
    _tell(accounts, session, locked_holder, now)
    return errors.AccountJoined()


def _had_a_phone(session: Session, holder: Resident) -> bool:
    """Tell whether the account lost a phone by a recovery case: two persons give it a new one."""
    is_recycled = (RecoveryCase.holder_id == holder.id) & (RecoveryCase.kind == CaseKind.RECYCLED.value)
    statement = select(RecoveryCase.id).where(is_recycled, RecoveryCase.state == CaseState.SETTLED.value)
    return session.scalar(statement.limit(1)) is not None


def _tell(accounts: Accounts, session: Session, ward: Resident, now: datetime) -> None:
    notices.tell(session, accounts.rings, resident_id=ward.id, template="account_joined", now=now)
    acting = select(Guardianship.guardian_id).where(
        Guardianship.ward_id == ward.id, Guardianship.state == GuardianshipState.ACTIVE.value, held.standing(now)
    )
    for guardian_id in session.scalars(acting).all():
        notices.tell(session, accounts.rings, resident_id=ward.id, template="guardian_added", now=now)
        notices.tell(session, accounts.rings, resident_id=guardian_id, template="ward_joined", now=now)
