"""Records that nobody holds: an account without a phone, whose last guardian is gone, ends after half a year."""

from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from qe_ban.accounts import errors, rules
from qe_ban.accounts.models import Guardianship, RecoveryCase, Resident
from qe_ban.accounts.rules import CaseState, GuardianshipState
from qe_ban.accounts.service import closing
from qe_ban.accounts.service.collaborators import Accounts
from qe_ban.accounts.service.wards import ending, held
from qe_ban.audit import service as audit
from qe_ban.db.engine import Database
from qe_ban.kernel.clock import Clock

AT_ONCE = 50

log = structlog.get_logger(__name__)


def close_unheld(accounts: Accounts, database: Database, clock: Clock) -> int:
    """Close accounts that nobody has held for half a year, each in a transaction of its own; returns how many.

    The worker's part, at most `AT_ONCE` in a run.
    """
    with database.transaction() as session:
        over = select(Resident.id).where(is_unheld(clock()), since() <= clock() - rules.UNHELD_FOR)
        resident_ids = session.scalars(over.order_by(Resident.id).limit(AT_ONCE)).all()
    count = 0
    for resident_id in resident_ids:
        try:
            with database.transaction() as session:
                count += _close(accounts, session, resident_id, clock())
        except errors.ClosingUnsettled:
            log.warning("accounts.unheld_unsettled")
    return count


def is_unheld(now: datetime) -> ColumnElement[bool]:
    """Return the condition that nobody can sign in to an account, nobody acts for it, and no window works on it."""
    acting = and_(
        Guardianship.ward_id == Resident.id,
        Guardianship.state == GuardianshipState.ACTIVE.value,
        held.standing(now),
    )
    worked_on = (RecoveryCase.holder_id == Resident.id) & (RecoveryCase.state == CaseState.OPEN.value)
    return and_(
        Resident.phone_sealed.is_(None),
        Resident.closed_at.is_(None),
        ~select(Guardianship.id).where(acting).exists(),
        ~select(RecoveryCase.id).where(worked_on).exists(),
    )


def since() -> ColumnElement[datetime]:
    """Return from when on nobody has held an account: its last guardian or case ended, or it was made."""
    last_guardianship = select(func.max(func.least(Guardianship.ended_at, Guardianship.ends_at))).where(
        Guardianship.ward_id == Resident.id
    )
    last_decision = select(func.max(RecoveryCase.closed_at)).where(RecoveryCase.holder_id == Resident.id)
    return func.greatest(Resident.created_at, last_guardianship.scalar_subquery(), last_decision.scalar_subquery())


def _close(accounts: Accounts, session: Session, resident_id: UUID, now: datetime) -> bool:
    ending.lock_with_wards(session, resident_id)
    resident = session.get_one(Resident, resident_id, with_for_update=True, populate_existing=True)
    # somebody may have come for it meanwhile: a guardian who was confirmed, or its holder with a phone
    still = select(Resident.id).where(Resident.id == resident_id, is_unheld(now), since() <= now - rules.UNHELD_FOR)
    if session.scalar(still) is None:
        return False
    closing.close(accounts, session, resident, change=audit.AtShell(now), why="unheld")
    return True
