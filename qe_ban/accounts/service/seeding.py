"""Loads the sandbox's people: their real names are made up and confirmed by nobody."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from qe_ban.accounts.models import Resident, Staff
from qe_ban.accounts.rules import Assurance
from qe_ban.accounts.service import real_name, residents, staff
from qe_ban.accounts.service.collaborators import Accounts
from qe_ban.accounts.service.real_name import RealName
from qe_ban.kernel.principal import Place
from qe_ban.keys.rings import KeyRings


def seed_resident(accounts: Accounts, session: Session, *, phone: str, said: RealName | None, now: datetime) -> UUID:
    """Make the account of a phone (11 digits) unless it is there, with a confirmed real name where one is given.

    A name that was confirmed before stays. Gives the resident's id. Raises KeyMissing.
    """
    resident_id = residents.of_phone(accounts.rings, session, phone=phone, now=now)
    resident = session.get_one(Resident, resident_id, with_for_update=True)
    if said is not None and resident.assurance != Assurance.VERIFIED:
        real_name.bind(accounts, resident, said, now)
        session.flush()
        accounts.verified(session, resident_id, now)
    return resident_id


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
