"""Finds residents by blind indexes, makes their accounts, and opens what is sealed of them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute, Session

from qe_ban.accounts import errors
from qe_ban.accounts.models import Resident
from qe_ban.accounts.rules import Assurance
from qe_ban.kernel.clock import CITY_TIME
from qe_ban.kernel.identifiers import IdentifierInvalid, IdType, normalise, normalise_phone
from qe_ban.kernel.ids import new_id
from qe_ban.keys import vault
from qe_ban.keys.models import Ring
from qe_ban.keys.rings import KeyRings

PHONE, NAME, ID_NUMBER = "residents.phone", "residents.name", "residents.id_number"


def phone_from(text: str) -> str:
    """Give a typed phone's 11 digits. Raises IdentifierRefused."""
    try:
        return normalise_phone(text)
    except IdentifierInvalid as error:
        raise errors.IdentifierRefused(error.message, fields={"phone": error.message}) from error


def id_number_from(id_type: IdType, text: str, now: datetime) -> str:
    """Give a typed document number's normal form. Raises IdentifierRefused."""
    try:
        return normalise(id_type, text, now.astimezone(CITY_TIME).date())
    except IdentifierInvalid as error:
        raise errors.IdentifierRefused(error.message, fields={"id_number": error.message}) from error


def by_phone(rings: KeyRings, session: Session, phone: str) -> Resident | None:
    """Find whose phone (11 digits) it is."""
    index = rings.blind(Ring.BLIND_PHONE, phone)
    return session.scalar(select(Resident).where(_found(Resident.phone_index, Resident.phone_index_next, index)))


def by_id_number(rings: KeyRings, session: Session, id_type: IdType, number: str) -> Resident | None:
    """Find who holds a document number (normal form)."""
    index = id_index(rings, id_type, number)
    return session.scalar(select(Resident).where(_found(Resident.id_index, Resident.id_index_next, index)))


def id_index(rings: KeyRings, id_type: IdType, number: str) -> tuple[bytes, bytes | None]:
    """Give the blind indexes of a document: current and, during a rotation, next."""
    return rings.blind(Ring.BLIND_ID_NUMBER, f"{id_type}:{number}")


def of_phone(rings: KeyRings, session: Session, *, phone: str, now: datetime) -> UUID:
    """Give the id of the account with this phone, made now if there is none; of two at once the first row stands."""
    known = by_phone(rings, session, phone)
    if known is not None:
        return known.id
    resident_id = new_id()
    current, following = rings.blind(Ring.BLIND_PHONE, phone)
    row = {
        "id": resident_id,
        "phone_index": current,
        "phone_index_next": following,
        "phone_sealed": vault.seal(rings, PHONE, resident_id, phone, now),
        "assurance": Assurance.NONE,
        "created_at": now,
    }
    made = insert(Resident).values(row).on_conflict_do_nothing().returning(Resident.id)
    if session.scalar(made) is not None:
        return resident_id
    first = by_phone(rings, session, phone)
    if first is None:
        raise errors.ResidentNotFound
    return first.id


def phone_of(rings: KeyRings, resident: Resident) -> str:
    """Open a resident's phone."""
    return vault.unseal(rings, PHONE, resident.id, resident.phone_sealed)


def name_of(rings: KeyRings, resident: Resident) -> str | None:
    """Open a resident's name, if it is known."""
    return vault.unseal(rings, NAME, resident.id, resident.name_sealed) if resident.name_sealed else None


def id_number_of(rings: KeyRings, resident: Resident) -> str | None:
    """Open a resident's document number, if it is known."""
    sealed = resident.id_number_sealed
    return vault.unseal(rings, ID_NUMBER, resident.id, sealed) if sealed else None


def _found(
    current: InstrumentedAttribute[bytes] | InstrumentedAttribute[bytes | None],
    following: InstrumentedAttribute[bytes | None],
    index: tuple[bytes, bytes | None],
) -> ColumnElement[bool]:
    """Ask both columns: rows written before a rotation know only the first key."""
    return or_(current == index[0], following == index[1]) if index[1] is not None else current == index[0]
