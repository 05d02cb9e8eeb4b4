"""Finds residents by blind indexes, makes their accounts, and opens what is sealed of them."""

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute, Session

from qe_ban.accounts import errors
from qe_ban.accounts.models import Resident
from qe_ban.accounts.rules import Assurance
from qe_ban.accounts.service import holding
from qe_ban.db import overlaps
from qe_ban.kernel.clock import CITY_TIME, start_of_day
from qe_ban.kernel.identifiers import IdentifierInvalid, IdType, mask_name, normalise, normalise_phone
from qe_ban.kernel.ids import secret_id
from qe_ban.keys import data_keys, moments, vault
from qe_ban.keys.data_files import DataKeyDestroyed
from qe_ban.keys.data_keys import Owner
from qe_ban.keys.models import Ring
from qe_ban.keys.rings import KeyRings

PHONE, NAME, ID_NUMBER = "residents.phone", "residents.name", "residents.id_number"
ATTEMPTS = 3


def phone_from(text: str, field: str = "phone") -> str:
    """Give a typed phone's 11 digits; `field` is where it was typed. Raises IdentifierRefused."""
    try:
        return normalise_phone(text)
    except IdentifierInvalid as error:
        raise errors.IdentifierRefused(error.message, fields={field: error.message}) from error


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


def id_index(rings: KeyRings, id_type: IdType, number: str) -> tuple[bytes | None, bytes | None]:
    """Give the blind indexes of a document for the two slots of its column."""
    return rings.blind(Ring.BLIND_ID_NUMBER, f"{id_type}:{number}")


def of_phone(rings: KeyRings, session: Session, *, phone: str, now: datetime) -> UUID:
    """Give the id of the account with this phone, made now if there is none; of two at once the first row stands.

    The account is held until the transaction ends. Raises PhoneUnsettled.
    """
    for _ in range(ATTEMPTS):
        resident_id = hold_by_phone(rings, session, phone, now) or _made(rings, session, phone, now)
        if resident_id is not None:
            return resident_id
    raise errors.PhoneUnsettled


def hold_by_phone(rings: KeyRings, session: Session, phone: str, now: datetime) -> UUID | None:
    """Return the id of the account with this phone, held until the transaction ends; None where none has it.

    A phone that moves to another account meanwhile is looked for anew, and nobody signs in to the one that it has left.
    """
    index = rings.blind(Ring.BLIND_PHONE, phone)
    statement = select(Resident.id).where(_found(Resident.phone_index, Resident.phone_index_next, index))
    if not overlaps.is_over(session, now):
        # the previous release knows no other lock
        statement = statement.with_for_update(read=True)
    resident_id = session.scalar(statement)
    if resident_id is None:
        return None
    holding.hold(rings, session, resident_id)
    return resident_id if session.scalar(statement) == resident_id else None


def _made(rings: KeyRings, session: Session, phone: str, now: datetime) -> UUID | None:
    # an id with a moment in it would say when its account was made
    resident_id = secret_id()
    first, second = rings.blind(Ring.BLIND_PHONE, phone)
    data_key = data_keys.allocate(rings, session, Owner.RESIDENT, now)
    created_at = moments.seal(rings, "residents", (resident_id,), {"created_at": now}, now, data_key=data_key)
    row = {
        "id": resident_id,
        "phone_index": first,
        "phone_index_next": second,
        "phone_sealed": vault.seal(rings, PHONE, resident_id, phone, now, data_key=data_key),
        "assurance": Assurance.NONE,
        "created_at": start_of_day(now),
        "moments_sealed": created_at,
        "data_key": data_key,
    }
    return session.scalar(insert(Resident).values(row).on_conflict_do_nothing().returning(Resident.id))


def lock_open(session: Session, resident_ids: Iterable[UUID]) -> set[UUID]:
    """Lock accounts that are not closed until the transaction ends, in the order of their ids; returns their ids.

    Scans, which only refer to accounts, do not wait for it.
    """
    statement = select(Resident.id).where(Resident.id.in_(sorted(resident_ids)), Resident.closed_at.is_(None))
    return set(session.scalars(statement.order_by(Resident.id).with_for_update(key_share=True)))


def lock_reachable(session: Session, resident_ids: Collection[UUID]) -> dict[UUID, bool]:
    """Lock those of these residents whom nobody else holds, against their closing; gives whether each has an account.

    Waits for nobody, so that one who is held hinders no other.
    """
    query = select(Resident.id, Resident.closed_at.is_(None)).where(Resident.id.in_(resident_ids)).order_by(Resident.id)
    rows = session.execute(query.with_for_update(read=True, key_share=True, skip_locked=True))
    return {row[0]: row[1] for row in rows}


def data_keys_of(session: Session, resident_ids: Collection[UUID]) -> dict[UUID, int | None]:
    """Return the numbers of residents' data keys; None where somebody has none yet."""
    rows = session.execute(select(Resident.id, Resident.data_key).where(Resident.id.in_(resident_ids)))
    return {row.id: row.data_key for row in rows}


def masked_names(rings: KeyRings, session: Session, resident_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return the masked names of those of these residents whose names are known."""
    rows = session.scalars(select(Resident).where(Resident.id.in_(list(resident_ids))))
    names = {row.id: name_of(rings, row) for row in rows}
    return {one: mask_name(name) for one, name in names.items() if name is not None}


def give_phone(rings: KeyRings, resident: Resident, phone: str, now: datetime) -> None:
    """Write a phone (11 digits) into an account; flushing it fails where another account has it. Raises KeyMissing."""
    resident.phone_index, resident.phone_index_next = rings.blind(Ring.BLIND_PHONE, phone)
    resident.phone_sealed = vault.seal(rings, PHONE, resident.id, phone, now, data_key=resident.data_key)


def take_phone(resident: Resident) -> None:
    """Take its phone from an account; whoever is not verified and has an account has one."""
    resident.phone_index = resident.phone_index_next = resident.phone_sealed = None


def phone_of(rings: KeyRings, resident: Resident) -> str | None:
    """Open a resident's phone, if there is one: a ward may have none."""
    return _opened(rings, PHONE, resident, resident.phone_sealed)


def has_phone(session: Session, resident_id: UUID) -> bool:
    """Return whether a resident has a phone to sign in with; a ward may have none."""
    phone = select(Resident.phone_sealed.is_not(None)).where(Resident.id == resident_id)
    return bool(session.scalar(phone))


def name_of(rings: KeyRings, resident: Resident) -> str | None:
    """Open a resident's name, if it is known."""
    return _opened(rings, NAME, resident, resident.name_sealed)


def id_number_of(rings: KeyRings, resident: Resident) -> str | None:
    """Open a resident's document number, if it is known."""
    return _opened(rings, ID_NUMBER, resident, resident.id_number_sealed)


def _opened(rings: KeyRings, column: str, resident: Resident, sealed: bytes | None) -> str | None:
    """Open a column, if there is something: of a closed account that came back with a restore there is not."""
    if sealed is None:
        return None
    try:
        return vault.unseal(rings, column, resident.id, sealed)
    except DataKeyDestroyed:
        return None


def _found(
    first: InstrumentedAttribute[bytes | None],
    second: InstrumentedAttribute[bytes | None],
    index: tuple[bytes | None, bytes | None],
) -> ColumnElement[bool]:
    """Ask both slots: while a rotation lasts, a row may have only one of them filled."""
    pairs = zip((first, second), index, strict=True)
    return or_(*(column == value for column, value in pairs if value is not None))


def closed_before(moment: datetime) -> Select[UUID]:
    """Select the ids of the accounts that were closed before a moment."""
    return select(Resident.id).where(Resident.closed_at < moment)
