"""What staff do at a window about acting for another: look, confirm with papers in hand, end; each for a case."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from qe_ban.accounts import errors, rules
from qe_ban.accounts.models import Guardianship
from qe_ban.accounts.rules import ConfirmedBy, EndedBy
from qe_ban.accounts.service import notices, residents
from qe_ban.accounts.service.collaborators import Accounts
from qe_ban.accounts.service.names import RealName
from qe_ban.accounts.service.wards import confirming, ending, held
from qe_ban.audit import service as audit
from qe_ban.kernel.identifiers import IdType

MOST_FOUND = 100


@dataclass(frozen=True, slots=True)
class FoundGuardianships:
    """What was found of a person, those in force first; `more` says that there are further ones."""

    shown: Sequence[held.Shown]
    more: bool


def look_up_guardianships(
    accounts: Accounts, session: Session, *, id_type: IdType, number: str, case_number: str, change: audit.Change
) -> FoundGuardianships:
    """Give the guardianships in which the holder of a document is ward or guardian: in force or waiting, masked.

    Looking is audited, found or not, by the account; where there is none, by the oldest wish.
    """
    person = residents.by_id_number(accounts.rings, session, id_type, number)
    most = MOST_FOUND + 1
    rows = held.of_person(accounts.rings, session, person, id_type=id_type, number=number, now=change.at, limit=most)
    page = rows[:MOST_FOUND]
    details = {"by": id_type.value, "found": [str(one.row.id) for one in page], "more": len(rows) == most}
    subjects = [person.id] if person is not None else [one.row.id for one in page]
    _record(session, "wards.look_up", str(subjects[0]) if subjects else "unknown", details, case_number, change)
    return FoundGuardianships(page, len(rows) == most)


def confirm_at_window(
    accounts: Accounts,
    session: Session,
    *,
    guardianship_id: UUID,
    basis_seen: str,
    case_number: str,
    change: audit.Change,
) -> held.Shown:
    """Bring what waits into force: the papers were seen. Makes the ward's account where there is none.

    Raises GuardianshipNotFound, and GuardianshipSettled for what does not wait any more, WardInvalid.
    """
    rules.check_remark("basis_seen", basis_seen)
    real_name = _said(accounts, session, guardianship_id, change.at)
    ward_id = confirming.account_of(accounts, session, real_name, change.at)
    row = _row(session, guardianship_id)
    confirming.require_waiting(row, change.at)
    before = ending.told(row)
    confirming.activate(accounts.rings, session, row, ward_id, ConfirmedBy.WINDOW, change.at)
    basis = audit.seal_words(session, accounts.rings, basis_seen, change.at)
    details = {"before": before, "after": ending.told(row), "basis_seen": basis}
    _record(session, "wards.confirm", str(row.id), details, case_number, change)
    notices.tell(session, accounts.rings, resident_id=row.guardian_id, template="ward_confirmed", now=change.at)
    notices.tell(session, accounts.rings, resident_id=ward_id, template="guardian_added", now=change.at)
    return held.shown(accounts.rings, session, row)


def end_at_window(
    accounts: Accounts, session: Session, *, guardianship_id: UUID, reason: str, case_number: str, change: audit.Change
) -> None:
    """End what is in force, or refuse what waits; both sides are told.

    Raises GuardianshipNotFound, GuardianshipSettled for what has ended, WardInvalid.
    """
    rules.check_remark("reason", reason)
    row = _row(session, guardianship_id)
    if not held.is_standing(row, change.at):
        raise errors.GuardianshipSettled

    def record(before: dict[str, object], after: dict[str, object]) -> None:
        words = audit.seal_words(session, accounts.rings, reason, change.at)
        details = {"before": before, "after": after, "reason": words}
        _record(session, "wards.end", str(row.id), details, case_number, change)

    ending.end(accounts, session, row, EndedBy.WINDOW, change, record)


def _said(accounts: Accounts, session: Session, guardianship_id: UUID, now: datetime) -> RealName:
    """Give whom it is about, before anything is locked: the ward's account comes first."""
    row = session.get(Guardianship, guardianship_id)
    if row is None:
        raise errors.GuardianshipNotFound
    confirming.require_waiting(row, now)
    name, number = held.ward_name(accounts.rings, row, None), held.ward_number(accounts.rings, row, None)
    if name is None or number is None:
        raise errors.GuardianshipSettled
    return RealName(name, IdType(row.id_type), number)


def _row(session: Session, guardianship_id: UUID) -> Guardianship:
    row = ending.locked(session, guardianship_id)
    if row is None:
        raise errors.GuardianshipNotFound
    return row


def _record(
    session: Session, action: str, subject: str, details: Mapping[str, object], case_number: str, change: audit.Change
) -> None:
    audit.record(
        session,
        at=change.at,
        actor=change.by,
        action=action,
        subject=subject,
        details=details,
        case_number=case_number,
        request_id=change.request_id,
    )
