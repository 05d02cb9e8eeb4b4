"""A resident asks to act for another: the register is asked, custody of a child is enough, all else waits."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from qe_ban.accounts import errors, rules
from qe_ban.accounts.adapters.real_name import Claim
from qe_ban.accounts.models import Guardianship, Resident
from qe_ban.accounts.rules import Assurance, EndedBy, GuardianshipState, Relation, WardBasis
from qe_ban.accounts.service import attempts, notices, residents
from qe_ban.accounts.service.collaborators import Accounts
from qe_ban.accounts.service.names import RealName
from qe_ban.accounts.service.wards import confirming, ending, held
from qe_ban.audit import service as audit
from qe_ban.kernel.identifiers import IdType
from qe_ban.kernel.ids import new_id
from qe_ban.keys import data_keys, vault
from qe_ban.keys.data_keys import Owner
from qe_ban.keys.rings import KeyRings

UNCONFIRMED = "姓名与证件号码未能核验一致，请核对后重试"


@dataclass(frozen=True, slots=True)
class Wish:
    """For whom a resident wants to act, as what, why, and until when at most."""

    said: RealName
    relation: Relation
    basis: WardBasis
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What the register is to be asked."""

    guardian: Claim
    ward: Claim
    custody: bool


def begin_ward(accounts: Accounts, session: Session, *, guardian_id: UUID, wish: Wish, now: datetime) -> Asked:
    """Check a wish, take one of the day's five tries, and give what the register is to be asked; commit, then ask.

    Raises WardInvalid, WardExists, WardDeclined, TooManyWards, GuardianTooYoung, RealNameRequired, TooMany,
    SessionEnded.
    """
    guardian = session.get(Resident, guardian_id)
    if guardian is None:
        raise errors.SessionEnded
    claim = _check(accounts, guardian, wish, now)
    _check_room(accounts, session, guardian, wish, now)
    real_name = wish.said
    subject = attempts.subject_of(accounts.rings, guardian_id)
    attempts.count(session, attempts.WARD_WISHES, subject, now)
    attempts.count(session, attempts.WARD, subject, now)
    return Asked(claim, Claim(real_name.name, real_name.id_type, real_name.id_number), wish.basis is WardBasis.CUSTODY)


def ask_register(accounts: Accounts, asked: Asked) -> bool:
    """Ask, outside of any transaction; tells whether the guardian has custody, which needs no further word.

    Raises RealNameUnconfirmed where there is no such person, OutsideUnavailable.
    """
    if asked.custody and accounts.real_name.has_custody(asked.guardian, asked.ward):
        return True
    if not accounts.real_name.confirms(asked.ward):
        raise errors.RealNameUnconfirmed(UNCONFIRMED)
    return False


def regret_ward(accounts: Accounts, session: Session, *, guardian_id: UUID) -> None:
    """Give the day's try back where the register did not say no; of the wishes of the day it stays one."""
    attempts.give_back(session, attempts.WARD, attempts.subject_of(accounts.rings, guardian_id))


def finish_ward(accounts: Accounts, session: Session, *, wish: Wish, custody: bool, change: audit.Change) -> held.Shown:
    """Keep the wish; with custody it is in force. The guardian's row is locked, so that two at once are counted.

    It is checked anew: a birthday may have come while the register was asked. What is given does not tell whether the
    ward has an account. Raises WardInvalid, WardExists, WardDeclined, TooManyWards, RealNameRequired, GuardianTooYoung.
    """
    now, real_name = change.at, wish.said
    statement = select(Resident).where(Resident.id == change.by.id).with_for_update(key_share=True)
    guardian = session.scalars(statement.execution_options(populate_existing=True)).one()
    _check(accounts, guardian, wish, now)
    _end_over(accounts, session, guardian.id, change)
    _check_room(accounts, session, guardian, wish, now)
    birth = rules.born(real_name.id_type, real_name.id_number)
    row = Guardianship(
        id=new_id(),
        guardian_id=guardian.id,
        id_type=real_name.id_type.value,
        relation=wish.relation.value,
        basis=wish.basis.value,
        state=GuardianshipState.PENDING.value,
        requested_at=now,
        ends_at=rules.ends_at(birth, wish.until, now),
    )
    row.data_key = data_keys.allocate(accounts.rings, session, Owner.GUARDIANSHIP, now)
    ward_mac = _seal_ward(accounts.rings, row, real_name, now)
    session.add(row)
    session.flush()
    audit.record_change(session, change, "wards.ask", str(row.id), before=None, after=ending.told(row))
    if custody:
        confirming.confirm_by_register(accounts, session, row, real_name, change)
    else:
        _tell_ward(accounts, session, guardian.id, ward_mac, real_name, now)
    return held.shown(accounts.rings, session, row)


def _seal_ward(rings: KeyRings, row: Guardianship, said: RealName, now: datetime) -> bytes:
    """Keep whom a wish is about; returns the hash that finds it.

    The wish has a data key of its own: the ward's would name an account, the guardian's is kept for longer.
    """
    row.name_sealed = vault.seal(rings, held.NAME, row.id, said.name, now, data_key=row.data_key)
    row.id_number_sealed = vault.seal(rings, held.ID_NUMBER, row.id, said.id_number, now, data_key=row.data_key)
    row.ward_mac = ward_mac = held.number_macs(rings, said.id_type, said.id_number)[0]
    return ward_mac


def _check(accounts: Accounts, guardian: Resident, wish: Wish, now: datetime) -> Claim:
    """Check a wish at a moment; gives who the guardian is. Raises RealNameRequired, GuardianTooYoung, WardInvalid."""
    claim, real_name = _guardian(accounts, guardian, now), wish.said
    rules.check_ward(
        basis=wish.basis,
        child=rules.is_child(real_name.id_type, real_name.id_number, now),
        oneself=(claim.id_type, claim.id_number) == (real_name.id_type, real_name.id_number),
        until=wish.until,
        now=now,
    )
    return claim


def _guardian(accounts: Accounts, guardian: Resident, now: datetime) -> Claim:
    """Give who the guardian is. Raises RealNameRequired, GuardianTooYoung."""
    name, number = residents.name_of(accounts.rings, guardian), residents.id_number_of(accounts.rings, guardian)
    if guardian.assurance != Assurance.VERIFIED or name is None or number is None or guardian.id_type is None:
        raise errors.RealNameRequired
    id_type = IdType(guardian.id_type)
    if rules.is_child(id_type, number, now):
        raise errors.GuardianTooYoung
    return Claim(name, id_type, number, residents.phone_of(accounts.rings, guardian))


def _check_room(accounts: Accounts, session: Session, guardian: Resident, wish: Wish, now: datetime) -> None:
    """See that there is room for one more, and that the person did not decline it lately.

    Raises WardExists, WardDeclined, TooManyWards.
    """
    mine = select(Guardianship).where(Guardianship.guardian_id == guardian.id, held.standing(now))
    rows = session.scalars(mine.limit(rules.MOST_WARDS)).all()
    real_name = wish.said
    macs = held.number_macs(accounts.rings, real_name.id_type, real_name.id_number)
    ward = residents.by_id_number(accounts.rings, session, real_name.id_type, real_name.id_number)
    if any(row.ward_mac in macs or (ward is not None and row.ward_id == ward.id) for row in rows):
        raise errors.WardExists
    declined_wishes = [ending.wish_of(guardian.id, mac, wish.basis) for mac in macs]
    if attempts.is_spent(session, attempts.WARD_DECLINED, declined_wishes, now):
        raise errors.WardDeclined
    if len(rows) >= rules.MOST_WARDS:
        raise errors.TooManyWards(most=rules.MOST_WARDS)


def _end_over(accounts: Accounts, session: Session, guardian_id: UUID, change: audit.Change) -> None:
    """End what time has ended and the worker has not come to yet: it stands in the way of the same anew."""
    over = select(Guardianship.id).where(
        Guardianship.guardian_id == guardian_id,
        Guardianship.state == GuardianshipState.ACTIVE.value,
        and_(Guardianship.ends_at.is_not(None), Guardianship.ends_at <= change.at),
    )
    for guardianship_id in session.scalars(over).all():
        row = ending.locked(session, guardianship_id)
        if row is not None and row.state == GuardianshipState.ACTIVE:
            ending.end(accounts, session, row, EndedBy.UNTIL, change)


def _tell_ward(
    accounts: Accounts, session: Session, guardian_id: UUID, ward_mac: bytes, said: RealName, now: datetime
) -> None:
    """Tell the ward of a wish, of the same guardian's once a week; counted whether or not there is an account."""
    if not attempts.take(session, attempts.WARD_TOLD, f"{guardian_id} {ward_mac.hex()}", now):
        return
    ward = residents.by_id_number(accounts.rings, session, said.id_type, said.id_number)
    if ward is not None:
        notices.tell(session, accounts.rings, resident_id=ward.id, template="ward_asked", now=now)
