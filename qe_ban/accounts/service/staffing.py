"""Members of staff on a bad day: who there is, what they may do from now on, and that somebody may do nothing more."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from qe_ban.accounts import errors, rules
from qe_ban.accounts.models import RefreshFamily, Staff
from qe_ban.accounts.service import families
from qe_ban.audit import service as audit
from qe_ban.kernel.clock import rfc3339
from qe_ban.kernel.principal import Place

Change = audit.Change | audit.AtShell


def list_staff(session: Session) -> Sequence[Staff]:
    """Give all members of staff by user name, disabled ones too."""
    return session.scalars(select(Staff).order_by(Staff.username)).all()


def change_staff(
    session: Session, *, username: str, change: Change, roles: Collection[str] | None = None, place: Place | None = None
) -> bool:
    """Give a member of staff other roles, or another place, or both; False where they are so already.

    Their sign-ins end: they sign in again as what they are now. Raises StaffNotFound, StaffInvalid.
    """
    staff = _locked(session, username)
    new_roles = sorted(set(staff.roles if roles is None else roles))
    where = _place(staff) if place is None else place
    rules.check_duties(new_roles, where)
    before = _told(staff)
    if new_roles != sorted(staff.roles):
        staff.duties_since = change.at
    staff.roles = new_roles
    staff.district, staff.hall, staff.zone, staff.department = where.district, where.hall, where.zone, where.department
    return _changed(session, staff, before, change, "accounts.change_staff")


def disable_staff(session: Session, *, username: str, change: Change) -> bool:
    """End all sign-ins of a member of staff and take no more; False where they are disabled. Raises StaffNotFound."""
    staff = _locked(session, username)
    before = _told(staff)
    staff.disabled_at = staff.disabled_at or change.at
    return _changed(session, staff, before, change, "accounts.disable_staff")


def enable_staff(session: Session, *, username: str, change: Change) -> bool:
    """Take sign-ins of a member of staff again; False where they are enabled. Raises StaffNotFound."""
    staff = _locked(session, username)
    before = _told(staff)
    if staff.disabled_at is not None:
        staff.disabled_at, staff.duties_since = None, change.at
    return _changed(session, staff, before, change, "accounts.enable_staff")


def _locked(session: Session, username: str) -> Staff:
    """Give a member of staff, whom nobody signs in or changes until the transaction ends. Raises StaffNotFound."""
    staff = None
    if rules.is_username(username.lower()):
        staff = session.scalar(select(Staff).where(Staff.username == username.lower()).with_for_update())
    if staff is None:
        raise errors.StaffNotFound
    return staff


def _changed(session: Session, staff: Staff, before: Mapping[str, Any], change: Change, action: str) -> bool:
    old, new = audit.difference(before, _told(staff))
    if not new:
        return False
    session.flush()
    # by sign-in and not by person: whoever signs in again in the next minutes holds good tokens
    running = select(RefreshFamily).where(
        RefreshFamily.principal_id == staff.id, RefreshFamily.ended_at.is_(None), RefreshFamily.expires_at > change.at
    )
    for family in session.scalars(running.order_by(RefreshFamily.id).with_for_update()).all():
        family.ended_at = change.at
        families.refuse(session, family.id, change.at)
    audit.record_change(session, change, action, str(staff.id), before=old, after=new, username=staff.username)
    return True


def _place(staff: Staff) -> Place:
    return Place(staff.district, staff.hall, staff.zone, staff.department)


def _told(staff: Staff) -> dict[str, Any]:
    """Give what an audit event tells of a member of staff."""
    disabled_at = rfc3339(staff.disabled_at) if staff.disabled_at is not None else None
    return {"roles": list(staff.roles), **asdict(_place(staff)), "disabled_at": disabled_at}
