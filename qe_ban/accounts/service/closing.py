"""Closes an account: all that is personal is deleted in one transaction, counted before and after, and proven."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from qe_ban.accounts import errors, rules
from qe_ban.accounts.models import Closing, Guardianship, RecoveryCase, RefreshFamily, Resident
from qe_ban.accounts.rules import CaseState, GuardianshipState, WardBasis
from qe_ban.accounts.rules.closing import kept
from qe_ban.accounts.service import erasing, families, notices, residents, sign_ins
from qe_ban.accounts.service.collaborators import Accounts
from qe_ban.accounts.service.wards import ending, held
from qe_ban.audit import service as audit
from qe_ban.kernel.clock import start_of_day
from qe_ban.kernel.ids import secret_id
from qe_ban.kernel.principal import Actor, Principal, PrincipalKind
from qe_ban.keys import data_keys

CHECKED_AFTER = rules.ACCESS_LIFE + families.CLOCKS_APART
"""No token of a closed account lives longer than this: what it wrote at the last moment is deleted then, too."""
AT_ONCE = 100

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """What closing would delete, by table, what it would end, and what would be kept (as `rules.closing.kept` says)."""

    deletes: Mapping[str, int]
    ends: Mapping[str, int]
    keeps: list[dict[str, Any]]


def plan_closing(accounts: Accounts, session: Session, *, resident_id: UUID, now: datetime) -> Plan:
    """Give what closing an account now would do. Raises SessionEnded when it is gone, WindowNeeded."""
    resident = session.get(Resident, resident_id)
    if resident is None or resident.closed_at is not None:
        raise errors.SessionEnded
    _require_own_say(session, resident_id, now)
    return plan(accounts, session, resident, now)


def plan(accounts: Accounts, session: Session, resident: Resident, now: datetime) -> Plan:
    """Return what closing an account now would do, whoever may ask for it."""
    deletes, ends = erasing.count(accounts, session, resident), _standing(accounts, session, resident.id)
    return Plan(deletes, ends, _kept(accounts, resident, now))


def close_account(accounts: Accounts, session: Session, *, change: audit.Change) -> Closing:
    """Close the account of the resident who asks for it, and send the proof's id to the phone that was theirs.

    Raises SessionEnded when the account or the sign-in is gone, WindowNeeded while custody or a court's order is over
    the resident.
    """
    ending.lock_with_wards(session, change.by.id)
    resident = session.get(Resident, change.by.id, with_for_update=True, populate_existing=True)
    if resident is None or resident.closed_at is not None:
        raise errors.SessionEnded
    families.require_running(accounts, session, change.by)
    _require_own_say(session, resident.id, change.at)
    phone = residents.phone_of(accounts.rings, resident)
    closing = close(accounts, session, resident, change=change, why="resident")
    if phone is not None:
        message = {"template": "account_closed", "proof": str(closing.id)}
        notices.tell_phone(session, accounts.rings, phone=phone, now=change.at, **message)
    return closing


def close_returned(accounts: Accounts, session: Session, resident_id: UUID, change: audit.AtShell) -> None:
    """Close an account that was closed before, and came back with a restore: its data key is destroyed."""
    ending.lock_with_wards(session, resident_id)
    resident = session.get_one(Resident, resident_id, with_for_update=True, populate_existing=True)
    if resident.closed_at is not None:
        return
    # nothing can be sealed under the destroyed key, and whatever its end writes is deleted with it
    data_key, resident.data_key = resident.data_key, None
    session.flush()
    close(accounts, session, resident, change=change, why="restored")
    resident.data_key = data_key


def closing_report(session: Session, closing_id: UUID) -> Closing:
    """Give the proof of a closing to whoever has its id, which is the secret. Raises ClosingNotFound."""
    closing = session.get(Closing, closing_id)
    if closing is None:
        raise errors.ClosingNotFound
    return closing


def close(
    accounts: Accounts, session: Session, resident: Resident, *, change: audit.Change | audit.AtShell, why: str
) -> Closing:
    """Close a locked account that stands: afterwards nothing personal of it is left, or nothing at all is done.

    All accounts end here. `why`: `resident`, `guardian`, `window`, `unheld` (nobody holds it), or `joined` to another.
    The report has `deleted` and `ended` by table, `kept`, and `remaining`, the rows that a count afterwards finds: 0.
    Raises ClosingUnsettled where something is left all the same: it came back at this moment, or nothing deletes it.
    """
    by = _by(change.by, resident)
    ends = _standing(accounts, session, resident.id)
    # first, while the account has its number: what others have only asked for is found by that
    ends["guardianships"] = ending.end_all(accounts, session, resident_id=resident.id, change=change)
    resident.closed_at = start_of_day(change.at)
    families.end_all(accounts.rings, session, resident.id, change.at)
    families.refuse(session, resident.id, change.at)
    # now: a guardianship that ends takes consents back, which is in the history of consents until it is deleted
    before = erasing.count(accounts, session, resident)
    erasing.erase(accounts, session, resident, by, change.at)
    left = _left(accounts, session, resident)
    if left:
        # written by requests that ended between the two: not every table waits for the locked account
        erasing.erase(accounts, session, resident, by, change.at)
        left = _left(accounts, session, resident)
    if left:
        log.error("accounts.closing_unsettled", left=left)
        raise errors.ClosingUnsettled
    rows_deleted = {table: rows for table, rows in before.items() if rows}
    report = {
        "reason": why,
        "deleted": rows_deleted,
        "ended": ends,
        "kept": _kept(accounts, resident, change.at),
        "remaining": 0,
    }
    data_keys.discard(session, [resident.data_key])
    data_keys.destroy_on_commit(accounts.rings, session)
    closing = Closing(id=secret_id(), resident_id=resident.id, closed_at=change.at, report=report)
    session.add(closing)
    details = {"reason": why, "deleted": rows_deleted, "ended": ends, "remaining": 0}
    audit.record_change(
        session,
        change,
        "accounts.close_account",
        str(resident.id),
        before={"closed": False},
        after={"closed": True} | details,
    )
    session.flush()
    return closing


def check_closings(accounts: Accounts, session: Session, now: datetime) -> None:
    """Count once more what is left of accounts closed a while ago, delete it, and write it into their reports.

    The worker's part, at most `AT_ONCE` in a run. A request that was under way while the account was closed, or a scan,
    may have written a row after it.
    """
    due = select(Closing).where(Closing.checked_at.is_(None), Closing.closed_at <= now - CHECKED_AFTER)
    closings = session.scalars(due.order_by(Closing.closed_at).limit(AT_ONCE).with_for_update(skip_locked=True)).all()
    for closing in closings:
        resident = session.get_one(Resident, closing.resident_id, with_for_update=True, populate_existing=True)
        late = _left(accounts, session, resident)
        if late:
            erasing.erase(accounts, session, resident, _by(None, resident), now)
        left = sum(_left(accounts, session, resident).values()) if late else 0
        if left:
            # of whom, says the audit event below: the log names no residents
            log.error("accounts.closing_incomplete", rows=left)
        closing.checked_at, closing.report = now, closing.report | {"late": late, "remaining": left}
        audit.record(
            session,
            at=now,
            actor=None,
            action="accounts.check_closing",
            subject=str(closing.resident_id),
            details={"late": late, "remaining": left},
        )


def _left(accounts: Accounts, session: Session, resident: Resident) -> dict[str, int]:
    """Return what a closed account still has, by table: what is to be deleted, and what is to have ended."""
    personal, standing = erasing.count(accounts, session, resident), _standing(accounts, session, resident.id)
    return {table: rows for table, rows in (Counter(personal) + Counter(standing)).items() if rows}


def _standing(accounts: Accounts, session: Session, resident_id: UUID) -> dict[str, int]:
    mine = or_(Guardianship.guardian_id == resident_id, Guardianship.ward_id == resident_id)
    running = sign_ins.belong_to(accounts.rings, resident_id) & RefreshFamily.ended_at.is_(None)
    cases = erasing.concerned(resident_id) & (RecoveryCase.state == CaseState.OPEN.value)
    return {
        "sessions": erasing.rows(session, running),
        "guardianships": erasing.rows(session, mine & (Guardianship.state != GuardianshipState.ENDED.value)),
        "recovery_cases": erasing.rows(session, cases),
    }


def _require_own_say(session: Session, resident_id: UUID, now: datetime) -> None:
    """Raise WindowNeeded while somebody acts for a resident by custody or a court's order.

    Else a child would close the account, begin anew, and have no guardian.
    """
    was_imposed = (Guardianship.ward_id == resident_id) & (Guardianship.basis != WardBasis.ENTRUSTED.value)
    if erasing.rows(session, was_imposed & (Guardianship.state == GuardianshipState.ACTIVE.value) & held.standing(now)):
        raise errors.WindowNeeded


def _by(by: Principal | None, resident: Resident) -> Principal | Actor:
    return by or Actor(PrincipalKind.RESIDENT, resident.id)


def _kept(accounts: Accounts, resident: Resident, now: datetime) -> list[dict[str, Any]]:
    return kept(now, accounts.retention, has_data_key=resident.data_key is not None)
