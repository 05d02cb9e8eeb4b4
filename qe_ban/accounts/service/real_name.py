"""Binds a real name to a resident's account: the register confirms it, and one number is one account."""

import hmac
from datetime import datetime
from uuid import UUID

from sqlalchemy import exc, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from qe_ban.accounts import errors
from qe_ban.accounts.adapters.real_name import Claim
from qe_ban.accounts.models import RecoveryCase, Resident
from qe_ban.accounts.rules import Assurance, CaseState
from qe_ban.accounts.service import attempts, joining, names, residents
from qe_ban.accounts.service.collaborators import Accounts
from qe_ban.accounts.service.names import RealName
from qe_ban.audit import service as audit
from qe_ban.jobs import service as jobs
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import Principal


def begin_claim(
    accounts: Accounts, session: Session, *, resident_id: UUID, said: RealName, now: datetime
) -> Claim | errors.RealNameFixed | None:
    """Take one of the day's five tries and give what the register is to confirm; None when it did so before.

    Commit, then ask the register. Another name than the confirmed one is given back as a refusal and not raised, so
    that the try is kept: nobody finds out a holder's number by asking. Raises TooMany, SessionEnded.
    """
    resident = session.get(Resident, resident_id)
    if resident is None or resident.closed_at is not None:
        raise errors.SessionEnded
    subject = attempts.subject_of(accounts.rings, resident_id)
    attempts.count(session, attempts.REAL_NAME, subject, now)
    if resident.assurance != Assurance.VERIFIED:
        # who is not confirmed has a phone: the sign-in came by it
        return Claim(said.name, said.id_type, said.id_number, residents.phone_of(accounts.rings, resident))
    if not _is_same(accounts, resident, said):
        return errors.RealNameFixed()
    attempts.forgive(session, attempts.REAL_NAME, subject)
    return None


def confirm_claim(accounts: Accounts, claim: Claim) -> None:
    """Ask the register, outside of any transaction. Raises RealNameUnconfirmed, OutsideUnavailable."""
    if not accounts.real_name.confirms(claim):
        raise errors.RealNameUnconfirmed


def regret_claim(accounts: Accounts, session: Session, *, resident_id: UUID) -> None:
    """Give the day's try back where the register gave no answer."""
    attempts.give_back(session, attempts.REAL_NAME, attempts.subject_of(accounts.rings, resident_id))


def finish_claim(
    accounts: Accounts, session: Session, *, principal: Principal, said: RealName, now: datetime
) -> Assurance | errors.AccountJoined | errors.RecoveryOpened | errors.RealNameFixed:
    """Bind the confirmed name to the account; the number's unique index decides between two at once.

    Where an account without a phone holds the number, made for a ward, it gets this phone. Where another account holds
    it, a recovery case is opened and the holder is told. Both refusals are given back and not raised, so that they
    commit; so is another name than the confirmed one. Raises SessionEnded.
    """
    resident = session.get_one(Resident, principal.id, with_for_update=True, populate_existing=True)
    if resident.closed_at is not None:
        raise errors.SessionEnded
    if resident.assurance == Assurance.VERIFIED:
        return Assurance.VERIFIED if _is_same(accounts, resident, said) else errors.RealNameFixed()
    holder = _bound(accounts, session, resident, said, now)
    if holder is not None:
        account = _joined(accounts, session, principal, resident, holder, said, now)
        if account is not None:
            return account
        _open_case(accounts, session, principal, holder, now)
        return errors.RecoveryOpened()
    attempts.forgive(session, attempts.REAL_NAME, attempts.subject_of(accounts.rings, resident.id))
    accounts.verified(session, resident.id, now)
    return Assurance.VERIFIED


def _bound(accounts: Accounts, session: Session, resident: Resident, said: RealName, now: datetime) -> Resident | None:
    """Bind the name, or give who holds the number; a holder who closes the account at this moment holds it no more."""
    for last in (False, True):
        try:
            with session.begin_nested():
                names.bind(accounts.rings, resident, said, now)
        except exc.IntegrityError:
            holder = residents.by_id_number(accounts.rings, session, said.id_type, said.id_number)
            if holder is not None:
                return holder
            if last:
                raise
        else:
            break
    return None


def _joined(
    accounts: Accounts,
    session: Session,
    principal: Principal,
    claimant: Resident,
    holder: Resident,
    said: RealName,
    now: datetime,
) -> errors.AccountJoined | None:
    if holder.phone_sealed is not None:
        return None
    return joining.join(
        accounts, session, principal=principal, claimant=claimant, holder=holder, name=said.name, now=now
    )


def _is_same(accounts: Accounts, resident: Resident, said: RealName) -> bool:
    """A repeat of the confirmed name is harmless; anything else would be another person."""
    own = (resident.id_type or "", residents.id_number_of(accounts.rings, resident) or "")
    claim = (said.id_type.value, said.id_number)
    same_document = hmac.compare_digest("\0".join(own).encode(), "\0".join(claim).encode())
    same_name = names.is_same_name(said.id_type, residents.name_of(accounts.rings, resident) or "", said.name)
    return same_document and same_name


def _open_case(accounts: Accounts, session: Session, principal: Principal, holder: Resident, now: datetime) -> None:
    """Open one case for claimant and holder, however often it is claimed, and tell the holder once."""
    case = {
        "id": new_id(),
        "claimant_id": principal.id,
        "holder_id": holder.id,
        "state": CaseState.OPEN.value,
        "opened_at": now,
    }
    case_id = session.scalar(insert(RecoveryCase).values(case).on_conflict_do_nothing().returning(RecoveryCase.id))
    if case_id is None:
        return
    phone = residents.phone_of(accounts.rings, holder)
    if phone is not None:
        message = {"phone": phone, "template": "recovery_opened"}
        jobs.enqueue(session, accounts.rings, topic="notice", payload=message, now=now)
    details = {"claimant": str(principal.id), "holder": str(holder.id)}
    audit.record(
        session, at=now, actor=principal, action="accounts.open_recovery", subject=str(case_id), details=details
    )


def open_cases(session: Session, resident_id: UUID) -> list[RecoveryCase]:
    """Give the recovery cases in which a resident claims or holds, oldest first."""
    is_side = (RecoveryCase.holder_id == resident_id) | (RecoveryCase.claimant_id == resident_id)
    return list(session.scalars(select(RecoveryCase).where(is_side).order_by(RecoveryCase.id)))
