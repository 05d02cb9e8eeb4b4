"""Tells residents by text message what concerns their account; without any personal data in it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from qe_ban.accounts.models import Guardianship, Resident
from qe_ban.accounts.rules import GuardianshipState
from qe_ban.accounts.service import residents
from qe_ban.jobs import service as jobs
from qe_ban.keys.rings import KeyRings


def tell(session: Session, rings: KeyRings, *, resident_id: UUID, template: str, now: datetime) -> bool:
    """Send a notice when the caller's transaction has committed; False to whoever has no phone or no account any more.

    Raises KeyMissing.
    """
    resident = session.get(Resident, resident_id)
    phone = residents.phone_of(rings, resident) if resident is not None else None
    if phone is None:
        return False
    tell_phone(session, rings, phone=phone, template=template, now=now)
    return True


def tell_or_guardians(session: Session, rings: KeyRings, *, resident_id: UUID, template: str, now: datetime) -> None:
    """Send a notice to a resident, or where there is no phone to all who act for the resident. Raises KeyMissing."""
    if tell(session, rings, resident_id=resident_id, template=template, now=now):
        return
    acting = select(Guardianship.guardian_id).where(
        Guardianship.ward_id == resident_id,
        Guardianship.state == GuardianshipState.ACTIVE.value,
        or_(Guardianship.ends_at.is_(None), Guardianship.ends_at > now),
    )
    for guardian in session.scalars(acting.order_by(Guardianship.id)).all():
        tell(session, rings, resident_id=guardian, template=template, now=now)


def tell_phone(
    session: Session, rings: KeyRings, *, phone: str, template: str, now: datetime, **parameters: str
) -> None:
    """Send a notice to a phone (11 digits), whoever's it is by then. Raises KeyMissing."""
    payload = {"phone": phone, "template": template} | parameters
    jobs.enqueue(session, rings, topic="notice", payload=payload, now=now)
