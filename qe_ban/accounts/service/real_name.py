"""Binds a real name to a resident's account: the register confirms it, and one number is one account."""

import hmac
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import exc, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from qe_ban.accounts import errors
from qe_ban.accounts.adapters.real_name import Claim
from qe_ban.accounts.models import RecoveryCase, Resident
from qe_ban.accounts.rules import Assurance, CaseState
from qe_ban.accounts.service import attempts, residents
from qe_ban.accounts.service.collaborators import Accounts
from qe_ban.audit import service as audit
from qe_ban.jobs import service as jobs
from qe_ban.kernel.identifiers import IdType
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import Principal
from qe_ban.keys import vault


@dataclass(frozen=True, slots=True)
class RealName:
    """What a resident says: a name and a document number in its normal form. Its repr shows nothing of it."""

    name: str = field(repr=False)
    id_type: IdType
    id_number: str = field(repr=False)


def begin_claim(
    accounts: Accounts, session: Session, *, resident_id: UUID, said: RealName, now: datetime
) -> Claim | errors.RealNameFixed | None:
    """Take one of the day's five tries and give what the register is to confirm; None when it did so before.

    Commit, then ask the register. Another name than the confirmed one is given back as a refusal and not raised, so
    that the try is kept: nobody finds out a holder's number by asking. Raises TooMany, SessionEnded.
    """
    resident = session.get(Resident, resident_id)
    if resident is None:
        raise errors.SessionEnded
    attempts.count(session, attempts.REAL_NAME, str(resident_id), now)
    if resident.assurance != Assurance.VERIFIED:
        return Claim(said.name, said.id_type, said.id_number, residents.phone_of(accounts.rings, resident))
    if not _is_same(accounts, resident, said):
        return errors.RealNameFixed()
    attempts.forgive(session, attempts.REAL_NAME, str(resident_id))
    return None


def confirm_claim(accounts: Accounts, claim: Claim) -> None:
    """Ask the register, outside of any transaction. Raises RealNameUnconfirmed, OutsideUnavailable."""
    if not accounts.real_name.confirms(claim):
        raise errors.RealNameUnconfirmed


def finish_claim(
    accounts: Accounts, session: Session, *, principal: Principal, said: RealName, now: datetime
) -> Assurance | errors.RecoveryOpened | errors.RealNameFixed:
    """Bind the confirmed name to the account; the number's unique index decides between two at once.

    Where another account holds the number, a recovery case is opened and the holder is told: that refusal is given
    back and not raised, so that it commits; so is another name than the
    confirmed one.
    """
    resident = session.get_one(Resident, principal.id, with_for_update=True)
    if resident.assurance == Assurance.VERIFIED:
        return Assurance.VERIFIED if _is_same(accounts, resident, said) else errors.RealNameFixed()
    try:
        with session.begin_nested():
            bind(accounts, resident, said, now)
    except exc.IntegrityError:
        holder = residents.by_id_number(accounts.rings, session, said.id_type, said.id_number)
        if holder is None:
            raise
        _open_case(accounts, session, principal, holder, now)
        return errors.RecoveryOpened()
    attempts.forgive(session, attempts.REAL_NAME, str(resident.id))
    accounts.verified(session, resident.id, now)
    return Assurance.VERIFIED


def bind(accounts: Accounts, resident: Resident, said: RealName, now: datetime) -> None:
    """Write a confirmed name into the account; flushing it fails where another account has the number."""
    rings = accounts.rings
    resident.id_type = said.id_type.value
    resident.id_index, resident.id_index_next = residents.id_index(rings, said.id_type, said.id_number)
    resident.name_sealed = vault.seal(rings, residents.NAME, resident.id, said.name, now)
    resident.id_number_sealed = vault.seal(rings, residents.ID_NUMBER, resident.id, said.id_number, now)
    resident.assurance, resident.verified_at = Assurance.VERIFIED.value, now


def _is_same(accounts: Accounts, resident: Resident, said: RealName) -> bool:
    """A repeat of the confirmed name is harmless; anything else would be another person."""
    held = (
        residents.name_of(accounts.rings, resident) or "",
        resident.id_type or "",
        residents.id_number_of(accounts.rings, resident) or "",
    )
    given = (said.name, said.id_type.value, said.id_number)
    return hmac.compare_digest("\0".join(held).encode(), "\0".join(given).encode())


def _open_case(accounts: Accounts, session: Session, principal: Principal, holder: Resident, now: datetime) -> None:
    """Open one case for claimant and holder, however often it is claimed, and tell the holder once."""
    case = {
        "id": new_id(),
        "claimant_id": principal.id,
        "holder_id": holder.id,
        "state": CaseState.OPEN.value,
        "opened_at": now,
    }
    opened = session.scalar(insert(RecoveryCase).values(case).on_conflict_do_nothing().returning(RecoveryCase.id))
    if opened is None:
        return
    message = {"phone": residents.phone_of(accounts.rings, holder), "template": "recovery_opened"}
    jobs.enqueue(session, accounts.rings, topic="notice", payload=message, now=now)
    details = {"claimant": str(principal.id), "holder": str(holder.id)}
    audit.record(
        session, at=now, actor=principal, action="accounts.open_recovery", subject=str(opened), details=details
    )


def open_cases(session: Session, resident_id: UUID) -> list[RecoveryCase]:
    """Give the recovery cases in which a resident claims or holds, oldest first."""
    concerned = (RecoveryCase.holder_id == resident_id) | (RecoveryCase.claimant_id == resident_id)
    return list(session.scalars(select(RecoveryCase).where(concerned).order_by(RecoveryCase.id)))
