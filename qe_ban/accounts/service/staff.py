"""Staff sign in by user name, password and dynamic code; their accounts are made at a shell."""

from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from qe_ban.accounts import errors, rules
from qe_ban.accounts.models import Staff
from qe_ban.accounts.service import attempts, families
from qe_ban.accounts.service.collaborators import Accounts
from qe_ban.accounts.service.passwords import Passwords
from qe_ban.accounts.service.tokens import Tokens
from qe_ban.audit import service as audit
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import Place, PrincipalKind
from qe_ban.keys import vault
from qe_ban.keys.rings import KeyRings

TOTP_SECRET = "staff.totp_secret"
PER_USERNAME = 30


@dataclass(frozen=True, slots=True)
class StaffAttempt:
    """A sign-in that was counted; unknown and disabled users have no `staff_id` and no hash."""

    username: str
    staff_id: UUID | None
    password_hash: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Standing:
    """What an enabled member of staff may do now, whatever their token says: scopes, and for which place."""

    scopes: frozenset[str]
    place: Place


def limit_sign_in(accounts: Accounts, *, username: str, address: str) -> None:
    """Count a staff sign-in, before any work: a password check is the dearest thing here. Raises TooMany."""
    accounts.limiter.hit_network("tries-address", address, limit=accounts.tries_per_address, window=accounts.window)
    limit = max(PER_USERNAME, accounts.tries_per_address // 4)
    accounts.limiter.hit("staff-username", username.lower(), limit=limit, window=accounts.window)


def begin_sign_in(session: Session, *, username: str, now: datetime) -> StaffAttempt:
    """Take one of the five tries and find the account; commit before the password is checked. Raises TooMany."""
    name = username.lower()
    attempts.count(session, attempts.STAFF_PASSWORD, name, now)
    staff = session.scalar(select(Staff).where(Staff.username == name, Staff.disabled_at.is_(None)))
    return StaffAttempt(name, staff.id if staff else None, staff.password_hash if staff else None)


def finish_sign_in(
    accounts: Accounts, session: Session, *, attempt: StaffAttempt, password_fits: bool, totp: str, now: datetime
) -> Tokens | errors.StaffRefused:
    """Check the dynamic code and sign in; the row decides that a step counts once.

    A refusal is given back and not raised. What was wrong is not told, and a right code with a wrong password stays
    usable.
    """
    member = prove(session, accounts.rings, attempt=attempt, password_fits=password_fits, totp=totp, now=now)
    if isinstance(member, errors.StaffRefused):
        return member
    return families.start(accounts, session, kind=PrincipalKind.STAFF, principal_id=member.id, now=now)


def prove(
    session: Session, rings: KeyRings, *, attempt: StaffAttempt, password_fits: bool, totp: str, now: datetime
) -> Staff | errors.StaffRefused:
    """Check the dynamic code of somebody whose password was checked, without signing in; refusals are given back."""
    # An unknown user's row is asked for too, in vain: the time that it takes tells nobody who exists.
    staff = session.get(Staff, attempt.staff_id or new_id())
    if staff is None:
        return errors.StaffRefused()
    step = rules.totp_step(vault.unseal(rings, TOTP_SECRET, staff.id, staff.totp_sealed), totp, now)
    if step is None or not password_fits:
        return errors.StaffRefused()
    fresh = update(Staff).where(Staff.id == staff.id, Staff.last_step < step, Staff.disabled_at.is_(None))
    if session.scalar(fresh.values(last_step=step).returning(Staff.id)) is None:
        return errors.StaffRefused()
    attempts.forgive(session, attempts.STAFF_PASSWORD, attempt.username)
    return staff


def create_staff(
    session: Session,
    rings: KeyRings,
    *,
    username: str,
    password: str,
    totp_secret: str,
    roles: Collection[str],
    place: Place,
    now: datetime,
) -> UUID:
    """Make a member of staff; gives the id. `totp_secret` in Base32. Raises StaffInvalid, StaffExists, KeyMissing."""
    rules.check_staff(username, password, totp_secret, roles, place)
    staff_id = new_id()
    row = {
        "id": staff_id,
        "username": username,
        "password_hash": Passwords().hash(password),
        "totp_sealed": vault.seal(rings, TOTP_SECRET, staff_id, totp_secret, now),
        "roles": sorted(set(roles)),
        "district": place.district,
        "hall": place.hall,
        "zone": place.zone,
        "department": place.department,
        "created_at": now,
    }
    statement = insert(Staff).values(row).on_conflict_do_nothing(index_elements=["username"]).returning(Staff.id)
    if session.scalar(statement) is None:
        raise errors.StaffExists
    details = {"username": username, "roles": row["roles"]} | asdict(place)
    audit.record(
        session,
        at=now,
        actor=None,
        action="accounts.create_staff",
        subject=str(staff_id),
        details=details,
    )
    return staff_id


def standing(session: Session, staff_id: UUID) -> Standing | None:
    """Give what a member of staff may do now; None for nobody and for who is disabled.

    It stays so until the transaction ends: nobody is disabled or moved meanwhile.
    """
    statement = select(Staff).where(Staff.id == staff_id, Staff.disabled_at.is_(None)).with_for_update(read=True)
    row = session.scalars(statement).first()
    if row is None:
        return None
    place = Place(district=row.district, hall=row.hall, zone=row.zone, department=row.department)
    return Standing(rules.staff_scopes(row.roles), place)
