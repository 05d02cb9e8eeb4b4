"""Counts and deletes what is personal of one resident, in all slices.

What is counted is found by construction: every foreign key to `residents` in the models, but for those that
`rules.traces` says are kept. A table that nobody thought of is so counted, is not deleted, and stops the closing.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import Session
from sqlalchemy.schema import Column

from qe_ban.accounts.models import Attempt, Consent, ConsentEvent, RecoveryCase, RefreshFamily, Resident
from qe_ban.accounts.rules import Assurance, CaseState
from qe_ban.accounts.rules.traces import TRACES, Outcome, kept_columns
from qe_ban.accounts.service import attempts, cases, fresh_consents, notices, residents, sign_ins
from qe_ban.accounts.service.collaborators import Accounts
from qe_ban.db.base import Base
from qe_ban.kernel.clock import start_of_day, system_clock
from qe_ban.kernel.principal import Actor, Principal

PERSONAL: Final = next(trace.columns for trace in TRACES if trace.what == "personal_columns")
"""The columns of a resident's row that are emptied."""
_OF_CASES: Final = next(
    trace.columns for trace in TRACES if (trace.what, trace.outcome) == ("recovery_cases", Outcome.DELETED)
)
"""What a recovery case says of a person, sealed or, in rows of the previous release, in clear."""
_WHAT: Final = {(trace.table, column): trace.what for trace in TRACES for column in trace.columns}


def count(accounts: Accounts, session: Session, resident: Resident) -> dict[str, int]:
    """Count what is personal, by table; of the resident's own row and of cases, the columns that hold something."""
    counts = Counter(_by_foreign_key(session, resident.id))
    others = {
        "refresh_families": sign_ins.belong_to(accounts.rings, resident.id),
        "attempts": attempts.counted_by(accounts.rings, resident.id),
        "recovery_cases": personal_in(resident.id)
        & (func.num_nonnulls(*(getattr(RecoveryCase, name) for name in _OF_CASES)) > 0),
    }
    counts.update({what: rows(session, condition) for what, condition in others.items()})
    counts.update(fresh_consents.count_rows(accounts.rings, session, resident.id, system_clock()))
    counts["personal_columns"] = sum(getattr(resident, column) is not None for column in PERSONAL)
    for eraser in accounts.erasers:
        counts.update(eraser.count(session, resident.id))
    return dict(counts)


def rows(session: Session, condition: ColumnElement[bool]) -> int:
    """Count the rows for which a condition holds."""
    return session.scalar(select(func.count()).where(condition)) or 0


def erase(accounts: Accounts, session: Session, resident: Resident, by: Principal | Actor, now: datetime) -> None:
    """Delete what is personal of a locked account, whichever of it is there; done again it changes nothing."""
    for eraser in accounts.erasers:
        eraser.erase(session, resident.id, now)
    fresh_consents.forget(accounts.rings, session, resident.id, now)
    session.execute(delete(Consent).where(Consent.resident_id == resident.id))
    session.execute(delete(ConsentEvent).where(ConsentEvent.resident_id == resident.id))
    session.execute(delete(RefreshFamily).where(sign_ins.belong_to(accounts.rings, resident.id)))
    session.execute(delete(Attempt).where(attempts.counted_by(accounts.rings, resident.id)))
    _close_cases(accounts, session, resident.id, by, now)
    session.flush()
    session.execute(update(RecoveryCase).where(personal_in(resident.id)).values(dict.fromkeys(_OF_CASES)))
    residents.take_phone(resident)
    # a day: of accounts that release 0.3.0 made it may still be a moment
    resident.assurance, resident.created_at = Assurance.NONE.value, start_of_day(resident.created_at)
    for column in PERSONAL:
        setattr(resident, column, None)
    session.flush()


def concerned(resident_id: UUID) -> ColumnElement[bool]:
    """Return the condition that a recovery case is between this resident and another, or about this one alone."""
    return or_(RecoveryCase.holder_id == resident_id, RecoveryCase.claimant_id == resident_id)


def personal_in(resident_id: UUID) -> ColumnElement[bool]:
    """Return the condition that a case is about a resident's person.

    A claimant of a settled one lives on in the holder's account: only the phone has moved, and why must stay.
    """
    claims = (RecoveryCase.claimant_id == resident_id) & (RecoveryCase.state != CaseState.SETTLED.value)
    return or_(RecoveryCase.holder_id == resident_id, claims)


def foreign_keys() -> Iterator[Column[UUID]]:
    """Return the columns of all tables that name a resident, but for those that outlive an account."""
    keeping = kept_columns()
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            names_residents = any(key.target_fullname == "residents.id" for key in column.foreign_keys)
            if names_residents and (table.name, column.name) not in keeping:
                yield column


def _by_foreign_key(session: Session, resident_id: UUID) -> dict[str, int]:
    columns = list(foreign_keys())
    counts = [select(func.count()).where(column == resident_id).scalar_subquery() for column in columns]
    counted: Counter[str] = Counter()
    for column, number in zip(columns, session.execute(select(*counts)).one(), strict=True):
        counted[_WHAT.get((column.table.name, column.name), column.table.name)] += number
    return dict(counted)


def _close_cases(accounts: Accounts, session: Session, resident_id: UUID, by: Principal | Actor, now: datetime) -> None:
    """End the open cases of the account, for one of their two sides is no more; who claims it is told."""
    statement = select(RecoveryCase).where(concerned(resident_id), RecoveryCase.state == CaseState.OPEN.value)
    for case in session.scalars(statement.order_by(RecoveryCase.id).with_for_update()).all():
        cases.drop(session, case, by=by, now=now)
        if case.claimant_id is not None and case.claimant_id != resident_id:
            notices.tell(session, accounts.rings, resident_id=case.claimant_id, template="recovery_rejected", now=now)
