"""Who acts for whom: the check that each call for a ward makes, and the lists that the two sides and a window see."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from qe_ban.accounts import errors, rules
from qe_ban.accounts.models import Guardianship, Resident
from qe_ban.accounts.rules import GuardianshipState
from qe_ban.accounts.service import residents
from qe_ban.kernel.identifiers import IdType, mask_id, mask_name, mask_phone
from qe_ban.keys import vault
from qe_ban.keys.models import Ring
from qe_ban.keys.rings import KeyRings

NAME, ID_NUMBER = "guardianships.name", "guardianships.id_number"


@dataclass(frozen=True, slots=True)
class Masked:
    """A person as others may see one; what is not known or not there is None."""

    name: str | None = None
    id_number: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A guardianship with its two sides."""

    row: Guardianship
    ward: Masked
    guardian: Masked


def acting_for(session: Session, *, guardian: UUID, ward: UUID, now: datetime) -> UUID:
    """Give the resident whom a guardian acts for now; `ward` is the guardianship's id.

    Each call for a ward asks here, so that what has ended is over at once. Raises WardNotFound, also for another's,
    one that waits to be confirmed and one that is over.
    """
    ward_id = session.scalar(
        select(Guardianship.ward_id).where(
            Guardianship.id == ward,
            Guardianship.guardian_id == guardian,
            Guardianship.state == GuardianshipState.ACTIVE.value,
            or_(Guardianship.ends_at.is_(None), Guardianship.ends_at > now),
        )
    )
    if ward_id is None:
        raise errors.WardNotFound
    return ward_id


def wards(
    rings: KeyRings, session: Session, *, guardian: UUID, now: datetime, after: UUID | None, limit: int
) -> Sequence[Shown]:
    """Give whom a resident acts for or has asked to, at most `limit`, by id, those after `after`."""
    mine = Guardianship.guardian_id == guardian
    return _shown(rings, session, and_(mine, standing(now)), after=after, limit=limit)


def guardians(
    rings: KeyRings, session: Session, *, ward: UUID, now: datetime, after: UUID | None, limit: int
) -> Sequence[Shown]:
    """Give who acts for a resident or has asked to, at most `limit`, by id, those after `after`.

    Raises SessionEnded when the account is gone.
    """
    resident = session.get(Resident, ward)
    if resident is None:
        raise errors.SessionEnded
    mine = about(rings, resident)
    return _shown(rings, session, and_(mine, standing(now)), after=after, limit=limit)


def of_person(
    rings: KeyRings,
    session: Session,
    person: Resident | None,
    *,
    id_type: IdType,
    number: str,
    now: datetime,
    limit: int,
) -> Sequence[Shown]:
    """Give the guardianships in which the holder of a document (normal form) is ward or guardian.

    Those in force first, each part oldest first. `person`: the holder's account, None where there is none.
    """
    waiting = Guardianship.ward_mac.in_(number_macs(rings, id_type, number))
    is_side = and_(Guardianship.state == GuardianshipState.PENDING.value, waiting)
    if person is not None:
        is_side = or_(is_side, Guardianship.ward_id == person.id, Guardianship.guardian_id == person.id)
    waits = Guardianship.state == GuardianshipState.PENDING.value
    statement = select(Guardianship).where(is_side, standing(now)).order_by(waits, Guardianship.id).limit(limit)
    return [shown(rings, session, row) for row in session.scalars(statement)]


def wards_ever(session: Session, guardian: UUID) -> Sequence[UUID]:
    """Return whom a resident acts for, or acted for at any time."""
    statement = select(Guardianship.ward_id).where(Guardianship.guardian_id == guardian).distinct()
    return [ward for ward in session.scalars(statement) if ward is not None]


def acting_guardians(session: Session, ward: UUID, now: datetime) -> Sequence[UUID]:
    """Return who acts for a resident now, in the order of the guardianships."""
    acting = and_(Guardianship.ward_id == ward, Guardianship.state == GuardianshipState.ACTIVE.value, standing(now))
    return session.scalars(select(Guardianship.guardian_id).where(acting).order_by(Guardianship.id)).all()


def phones_of_guardians(rings: KeyRings, session: Session, ward: UUID, now: datetime) -> list[str]:
    """Return the phones of who acts for a resident now."""
    guardians = (session.get_one(Resident, guardian) for guardian in acting_guardians(session, ward, now))
    return [phone for guardian in guardians if (phone := residents.phone_of(rings, guardian)) is not None]


def standing(now: datetime) -> ColumnElement[bool]:
    """Give the condition that a guardianship is in force, or waits to be confirmed, at a moment."""
    waiting = and_(
        Guardianship.state == GuardianshipState.PENDING.value, Guardianship.requested_at > now - rules.WARD_WAITS
    )
    return and_(
        or_(Guardianship.state == GuardianshipState.ACTIVE.value, waiting),
        or_(Guardianship.ends_at.is_(None), Guardianship.ends_at > now),
    )


def is_standing(row: Guardianship, now: datetime) -> bool:
    """Tell the same of a row."""
    if row.ends_at is not None and row.ends_at <= now:
        return False
    waiting = row.state == GuardianshipState.PENDING and row.requested_at > now - rules.WARD_WAITS
    return waiting or row.state == GuardianshipState.ACTIVE


def about(rings: KeyRings, resident: Resident) -> ColumnElement[bool]:
    """Give the condition that a guardianship is about a resident as the ward, confirmed or not."""
    is_ward = Guardianship.ward_id == resident.id
    number = residents.id_number_of(rings, resident)
    if number is None or resident.id_type is None:
        return is_ward
    waiting = Guardianship.ward_mac.in_(number_macs(rings, IdType(resident.id_type), number))
    return or_(is_ward, and_(Guardianship.state == GuardianshipState.PENDING.value, waiting))


def number_macs(rings: KeyRings, id_type: IdType, number: str) -> list[bytes]:
    """Give the keyed hashes by which what waits is found by a document, the newest key's first.

    Of the ring HOLDER: what waits is over long before a key of it goes, so no row has to be written anew.
    """
    return rings.macs(Ring.HOLDER, "ward", f"{id_type}:{number}".encode())


def ward_name(rings: KeyRings, row: Guardianship, ward: Resident | None) -> str | None:
    """Open whom a guardianship is about; None of one that has ended."""
    if row.name_sealed is not None:
        return vault.unseal(rings, NAME, row.id, row.name_sealed)
    return residents.name_of(rings, ward) if ward is not None else None


def ward_number(rings: KeyRings, row: Guardianship, ward: Resident | None) -> str | None:
    """Open the document number of whom a guardianship is about; None of one that has ended."""
    if row.id_number_sealed is not None:
        return vault.unseal(rings, ID_NUMBER, row.id, row.id_number_sealed)
    return residents.id_number_of(rings, ward) if ward is not None else None


def shown(rings: KeyRings, session: Session, row: Guardianship) -> Shown:
    """Give a guardianship as its two sides and staff may see it: masked."""
    ward = session.get(Resident, row.ward_id) if row.ward_id is not None else None
    guardian = session.get_one(Resident, row.guardian_id)
    name, number = ward_name(rings, row, ward), ward_number(rings, row, ward)
    guardian_name, phone = residents.name_of(rings, guardian), residents.phone_of(rings, guardian)
    return Shown(
        row,
        Masked(name=mask_name(name) if name else None, id_number=mask_id(number) if number else None),
        Masked(name=mask_name(guardian_name) if guardian_name else None, phone=mask_phone(phone) if phone else None),
    )


def _shown(
    rings: KeyRings, session: Session, condition: ColumnElement[bool], *, after: UUID | None, limit: int
) -> Sequence[Shown]:
    statement = select(Guardianship).where(condition).order_by(Guardianship.id).limit(limit)
    if after is not None:
        statement = statement.where(Guardianship.id > after)
    return [shown(rings, session, row) for row in session.scalars(statement)]
