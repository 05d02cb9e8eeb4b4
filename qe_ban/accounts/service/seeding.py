"""Loads the sandbox's people: their real names are made up and confirmed by nobody."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from qe_ban.accounts import rules
from qe_ban.accounts.models import Guardianship, Resident, Staff
from qe_ban.accounts.rules import Assurance, ConfirmedBy, GuardianshipState, Relation, WardBasis
from qe_ban.accounts.service import names, residents, staff
from qe_ban.accounts.service.collaborators import Accounts
from qe_ban.accounts.service.names import RealName
from qe_ban.accounts.service.wards import confirming
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import Place
from qe_ban.keys.rings import KeyRings


def seed_resident(accounts: Accounts, session: Session, *, phone: str, said: RealName | None, now: datetime) -> UUID:
    """Make the account of a phone (11 digits) unless it is there, with a confirmed real name where one is given.

    A name that was confirmed before stays. Gives the resident's id. Raises KeyMissing.
    """
    resident_id = residents.of_phone(accounts.rings, session, phone=phone, now=now)
    resident = session.get_one(Resident, resident_id, with_for_update=True)
    if said is not None and resident.assurance != Assurance.VERIFIED:
        names.bind(accounts.rings, resident, said, now)
        session.flush()
        accounts.verified(session, resident_id, now)
    return resident_id


def seed_ward(accounts: Accounts, session: Session, *, said: RealName, now: datetime) -> UUID:
    """Make the account of somebody without a phone unless the number has one; gives the resident's id."""
    return confirming.account_of(accounts, session, said, now)


def seed_guardianship(
    session: Session,
    *,
    guardian_id: UUID,
    ward_id: UUID,
    said: RealName,
    relation: Relation,
    basis: WardBasis,
    now: datetime,
) -> bool:
    """Let one resident act for another, unless there ever was anything between them; tells whether one was made."""
    between = (Guardianship.guardian_id == guardian_id) & (Guardianship.ward_id == ward_id)
    if session.scalar(select(Guardianship.id).where(between).limit(1)) is not None:
        return False
    row = Guardianship(
        id=new_id(),
        guardian_id=guardian_id,
        ward_id=ward_id,
        id_type=said.id_type.value,
        relation=relation.value,
        basis=basis.value,
        state=GuardianshipState.ACTIVE.value,
        requested_at=now,
        ends_at=rules.ends_at(rules.born(said.id_type, said.id_number), None, now),
        confirmed_at=now,
        confirmed_by=ConfirmedBy.REGISTER.value,
    )
    session.add(row)
    return True


def seed_staff(
    session: Session,
    rings: KeyRings,
    *,
    username: str,
    password: str,
    totp_secret: str,
    roles: Collection[str],
    place: Place,
    now: datetime,
) -> bool:
    """Make a member of staff unless the user name is taken; tells whether one was made. Raises as `create_staff`."""
    if session.scalar(select(Staff.id).where(Staff.username == username)) is not None:
        return False
    staff.create_staff(
        session,
        rings,
        username=username,
        password=password,
        totp_secret=totp_secret,
        roles=roles,
        place=place,
        now=now,
    )
    return True
