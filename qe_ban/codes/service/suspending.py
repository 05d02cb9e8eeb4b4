"""Reporting codes lost and taking that back, by the resident, a guardian, or a window; who did so is kept and shown."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from qe_ban.accounts import service as accounts
from qe_ban.accounts.errors import WardDecided
from qe_ban.accounts.service import notices
from qe_ban.codes.errors import EntitlementNotFound
from qe_ban.codes.models import Entitlement
from qe_ban.codes.rules import SuspendedBy
from qe_ban.kernel.clock import start_of_day
from qe_ban.keys.rings import KeyRings


@dataclass(frozen=True, slots=True)
class SuspensionRequest:
    """Whose code of which kind is meant; `by_guardian`: somebody acts for the resident."""

    resident_id: UUID
    kind: str
    by_guardian: bool


def suspend(session: Session, rings: KeyRings, request: SuspensionRequest, now: datetime) -> None:
    """Refuse this kind's codes from now on; reporting it twice is harmless. Raises EntitlementNotFound.

    What the resident reports is the resident's own report, also where somebody else did so before.
    """
    entitlement = _lock(session, request)
    if entitlement.suspended_at is None:
        entitlement.suspended_at = start_of_day(now)
        _tell(session, rings, request, now)
    elif request.by_guardian:
        return
    by = SuspendedBy.GUARDIAN if request.by_guardian else SuspendedBy.RESIDENT
    entitlement.suspended_by = by.value


def resume(session: Session, rings: KeyRings, request: SuspensionRequest, now: datetime) -> None:
    """Take a suspension back; a source's stays.

    Raises EntitlementNotFound, and WardDecided where a ward with a phone, or a window for the ward, suspended it.
    """
    entitlement = _lock(session, request)
    if entitlement.suspended_at is None:
        return
    by_guardian = entitlement.suspended_by == SuspendedBy.GUARDIAN
    if request.by_guardian and not by_guardian and accounts.has_phone(session, request.resident_id):
        raise WardDecided
    entitlement.suspended_at = entitlement.suspended_by = None
    _tell(session, rings, request, now)


def suspend_all(session: Session, resident: UUID, now: datetime) -> None:
    """Refuse all codes of a resident whose phone was lost, as a window reports; what is suspended stays as it is."""
    mine = update(Entitlement).where(Entitlement.resident_id == resident, Entitlement.suspended_at.is_(None))
    session.execute(mine.values(suspended_at=start_of_day(now), suspended_by=SuspendedBy.WINDOW.value))


def _lock(session: Session, request: SuspensionRequest) -> Entitlement:
    query = select(Entitlement).where(Entitlement.resident_id == request.resident_id, Entitlement.kind == request.kind)
    entitlement = session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if entitlement is None:
        raise EntitlementNotFound
    return entitlement


def _tell(session: Session, rings: KeyRings, request: SuspensionRequest, now: datetime) -> None:
    """Notify a ward with a phone of what a guardian did; which code it was stands in the app."""
    if request.by_guardian:
        notices.tell(session, rings, resident_id=request.resident_id, template="codes_by_guardian", now=now)
