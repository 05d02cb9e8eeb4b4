"""How a recovery case is opened: at a window by a clerk, or by whoever signs in and finds another person's account."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from qe_ban.accounts import errors
from qe_ban.accounts.models import Guardianship, RecoveryCase, RefreshFamily, Resident
from qe_ban.accounts.rules import Assurance, CaseKind, CaseState, GuardianshipState
from qe_ban.accounts.rules.recovery import names_a_number
from qe_ban.accounts.service import cases, families, notices, residents, sign_ins
from qe_ban.accounts.service.collaborators import Accounts
from qe_ban.accounts.service.names import is_same_name
from qe_ban.accounts.service.recovery.showing import PHONE, ShownCase, phone_of, shown
from qe_ban.accounts.service.wards import ending
from qe_ban.audit import service as audit
from qe_ban.db import overlaps
from qe_ban.kernel.errors import DomainError
from qe_ban.kernel.identifiers import IdType
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import Principal
from qe_ban.keys import vault, words

OPENED = "accounts.open_recovery"


@dataclass(frozen=True, slots=True)
class NewCase:
    """What a clerk opens: whose account, by document (normal form), and the phone (11 digits) it shall have, if any.

    `basis`: which papers were seen, without personal numbers.
    """

    kind: CaseKind
    id_type: IdType
    id_number: str = field(repr=False)
    name: str | None = field(repr=False)
    new_phone: str | None = field(repr=False)
    basis: str
    case_number: str


def open_recovery(
    accounts: Accounts, session: Session, *, wanted: NewCase, change: audit.Change
) -> ShownCase | DomainError:
    """Open a case for who stands at the window, `new_phone`, `lost_phone` or `closing`; of each one at a time.

    With a lost phone all sign-ins end and all codes are suspended at once, whether or not a case can be opened: that is
    safe, and takes one person. The look-up is audited whatever comes of it, so refusals are given back and not raised:
    ResidentNotFound (also where the name is another), RecoveryCaseExists, PhoneTaken, RecoveryInvalid. Raises
    RecoveryInvalid for what nobody needs to look up.
    """
    check_basis(wanted.basis)
    if wanted.kind is CaseKind.NEW_PHONE and wanted.new_phone is None:
        raise errors.RecoveryInvalid(fields={"new_phone": "更换手机号码须填写新手机号码"})
    if wanted.kind is CaseKind.CLOSING:
        _check_closing(session, wanted, change.at)
    holder = _looked_up(accounts, session, wanted, change)
    if holder is None:
        return errors.ResidentNotFound()
    if wanted.kind is CaseKind.LOST_PHONE:
        _protect(accounts, session, holder, wanted, change)
    refusal = _refusal(accounts, session, wanted, holder)
    if refusal is not None:
        return refusal
    case = _made(accounts, holder, wanted.kind, wanted.new_phone, change.at)
    case.basis_sealed = words.seal(
        accounts.rings, words.RECOVERY_BASIS, case.id, wanted.basis, change.at, data_key=holder.data_key
    )
    case.opened_by = change.by.id
    session.add(case)
    if wanted.kind is CaseKind.CLOSING:
        rings = accounts.rings
        notices.tell_or_guardians(session, rings, resident_id=holder.id, template="closing_opened", now=change.at)
    elif wanted.kind is not CaseKind.LOST_PHONE:
        notices.tell(session, accounts.rings, resident_id=holder.id, template="recovery_opened", now=change.at)
    _record(session, case, OPENED, change, wanted.case_number)
    session.flush()
    return shown(accounts, session, case, change.at)


def report_not_mine(accounts: Accounts, session: Session, *, change: audit.Change) -> RecoveryCase:
    """Take down that the account behind the caller's number is another person's; the caller's sign-in ends.

    Nothing else happens to the account until two persons have looked into it; a repeat gives the open case. Raises
    AccountIsYours for an account without a name and for who has shown their face, SessionEnded.
    """
    resident = session.get(Resident, change.by.id, with_for_update=True, populate_existing=True)
    family = session.get(RefreshFamily, change.by.session)
    phone = residents.phone_of(accounts.rings, resident) if resident is not None else None
    if resident is None or phone is None or family is None or family.ended_at is not None:
        raise errors.SessionEnded
    if resident.assurance != Assurance.VERIFIED or _stepped_up(accounts, change.by, family):
        raise errors.AccountIsYours
    families.end(accounts.rings, session, family.id, change.at)
    case = _case_of_number(accounts, session, resident, phone, change)
    if case is None:
        case = _made(accounts, resident, CaseKind.RECYCLED, phone, change.at)
        session.add(case)
        _record(session, case, OPENED, change, None)
    session.flush()
    return case


def _case_of_number(
    accounts: Accounts, session: Session, resident: Resident, phone: str, change: audit.Change
) -> RecoveryCase | None:
    """Return the open case of who has an account's number now; one of another number is dropped."""
    case = _open_case(session, resident, CaseKind.RECYCLED)
    if case is None or phone_of(accounts.rings, case) == phone:
        return case
    # of a number that the account has no more: whoever has this one must not wait for it
    cases.drop(session, case, by=change.by, now=change.at)
    _record(session, case, "accounts.reject_recovery", change, None)
    return None


def check_basis(basis: str) -> None:
    """See that what a clerk writes has no personal number in it. Raises RecoveryInvalid."""
    if names_a_number(basis):
        raise errors.RecoveryInvalid(fields={"basis": "请勿写入证件号码、手机号码等个人号码"})


def _looked_up(accounts: Accounts, session: Session, wanted: NewCase, change: audit.Change) -> Resident | None:
    resident = residents.by_id_number(accounts.rings, session, wanted.id_type, wanted.id_number)
    audit.record(
        session,
        at=change.at,
        actor=change.by,
        action="residents.look_up",
        subject=str(resident.id) if resident else "unknown",
        details={"by": wanted.id_type.value, "found": resident is not None, "for": wanted.kind.value},
        case_number=wanted.case_number,
        request_id=change.request_id,
    )
    if resident is None or not _is_named(accounts, resident, wanted.name):
        return None
    ending.lock_with_wards(session, resident.id)
    holder = session.get(Resident, resident.id, with_for_update=True, populate_existing=True)
    return holder if holder is not None and holder.closed_at is None else None


def _check_closing(session: Session, wanted: NewCase, now: datetime) -> None:
    """Raise RecoveryInvalid where no case for a closing can be opened so, or not yet."""
    if wanted.new_phone is not None:
        raise errors.RecoveryInvalid(fields={"new_phone": "注销账号不需要新手机号码"})
    if not overlaps.is_over(session, now):
        # programs of release 0.3.0, which may still serve, cannot read such a case
        raise errors.RecoveryInvalid(fields={"kind": "系统升级期间暂不受理注销，请三天后再试"})


def _is_named(accounts: Accounts, resident: Resident, name: str | None) -> bool:
    """Tell whether the name, where one is given, is the holder's, however it is typed."""
    own_name, id_type = residents.name_of(accounts.rings, resident), resident.id_type
    return name is None or (
        own_name is not None and id_type is not None and is_same_name(IdType(id_type), own_name, name)
    )


def _protect(accounts: Accounts, session: Session, holder: Resident, wanted: NewCase, change: audit.Change) -> None:
    """End all sign-ins of a locked holder, suspend all codes, and let count no more what was shown for wards."""
    count = families.end_all(accounts.rings, session, holder.id, change.at)
    accounts.suspend(session, holder.id, change.at)
    acts = (Guardianship.guardian_id == holder.id) & (Guardianship.state == GuardianshipState.ACTIVE.value)
    ending.outdate(session, Resident.id.in_(select(Guardianship.ward_id).where(acts)), change.at)
    notices.tell(session, accounts.rings, resident_id=holder.id, template="phone_lost", now=change.at)
    audit.record(
        session,
        at=change.at,
        actor=change.by,
        action="accounts.lose_phone",
        subject=str(holder.id),
        details={"sessions": count},
        case_number=wanted.case_number,
        request_id=change.request_id,
    )


def _refusal(accounts: Accounts, session: Session, wanted: NewCase, holder: Resident) -> DomainError | None:
    case = _open_case(session, holder, wanted.kind)
    if case is not None:
        return errors.RecoveryCaseExists(case=str(case.id))
    if wanted.new_phone is None:
        return None
    if wanted.new_phone == residents.phone_of(accounts.rings, holder):
        return errors.RecoveryInvalid(fields={"new_phone": "与账号现在的手机号码相同"})
    other = residents.by_phone(accounts.rings, session, wanted.new_phone)
    return errors.PhoneTaken() if other is not None and other.assurance == Assurance.VERIFIED else None


def _open_case(session: Session, holder: Resident, kind: CaseKind) -> RecoveryCase | None:
    """Find and lock the open case of a kind; the holder is locked, so that there is never a second one."""
    mine = (RecoveryCase.holder_id == holder.id) & (RecoveryCase.kind == kind.value)
    statement = select(RecoveryCase).where(mine, RecoveryCase.state == CaseState.OPEN.value).with_for_update()
    return session.scalar(statement.execution_options(populate_existing=True))


def _made(accounts: Accounts, holder: Resident, kind: CaseKind, phone: str | None, now: datetime) -> RecoveryCase:
    case_id, rings, phone_sealed = new_id(), accounts.rings, None
    if phone is not None:
        phone_sealed = vault.seal(rings, PHONE, case_id, phone, now, data_key=holder.data_key)
    return RecoveryCase(
        id=case_id,
        kind=kind.value,
        holder_id=holder.id,
        state=CaseState.OPEN.value,
        opened_at=now,
        phone_sealed=phone_sealed,
    )


def _stepped_up(accounts: Accounts, caller: Principal, family: RefreshFamily) -> bool:
    return caller.stepped_up_at is not None or sign_ins.read(accounts.rings, family).stepped_up_at is not None


def _record(session: Session, case: RecoveryCase, action: str, change: audit.Change, case_number: str | None) -> None:
    audit.record(
        session,
        at=change.at,
        actor=change.by,
        action=action,
        subject=str(case.id),
        details={"kind": case.kind, "holder": str(case.holder_id)},
        case_number=case_number,
        request_id=change.request_id,
    )
