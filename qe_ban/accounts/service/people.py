"""What an account may know of itself, and what staff may look up of a person: masked, with a case number, audited."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from qe_ban.accounts import errors
from qe_ban.accounts.models import RecoveryCase, Resident, Staff
from qe_ban.accounts.service import real_name, residents
from qe_ban.accounts.service.collaborators import Accounts
from qe_ban.accounts.service.look_ups import LookUpIds
from qe_ban.audit import service as audit
from qe_ban.kernel.identifiers import IdType, mask_id, mask_name, mask_phone
from qe_ban.kernel.principal import Place, Principal, PrincipalKind
from qe_ban.keys import moments
from qe_ban.keys.rings import KeyRings


@dataclass(frozen=True, slots=True)
class Me:
    """A caller's own account: residents have phone and name (masked) and assurance, staff user name, roles, place."""

    kind: PrincipalKind
    id: UUID
    scopes: tuple[str, ...]
    phone: str | None = None
    name: str | None = None
    assurance: str | None = None
    username: str | None = None
    roles: tuple[str, ...] | None = None
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A resident as staff see one: everything masked; cases oldest first.

    `look_up_id` is what the one who looked calls the resident in this case; `id` never leaves the server.
    """

    id: UUID
    look_up_id: UUID
    phone: str | None
    name: str | None
    id_type: str | None
    id_number: str | None
    assurance: str
    verified_at: datetime | None
    created_at: datetime
    recovery_cases: tuple[RecoveryCase, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whom staff look for: by phone (11 digits), or by document (normal form)."""

    phone: str | None = None
    id_type: IdType | None = None
    id_number: str | None = None


def me(accounts: Accounts, session: Session, principal: Principal) -> Me:
    """Give the caller's own account. Raises SessionEnded when it is gone."""
    scopes = tuple(sorted(principal.scopes))
    if principal.kind is PrincipalKind.STAFF:
        staff = session.get(Staff, principal.id)
        if staff is None:
            raise errors.SessionEnded
        roles, place = tuple(sorted(principal.roles)), principal.place
        return Me(principal.kind, principal.id, scopes, username=staff.username, roles=roles, place=place)
    resident = session.get(Resident, principal.id)
    if resident is None or resident.closed_at is not None:
        raise errors.SessionEnded
    return Me(
        principal.kind,
        principal.id,
        scopes,
        phone=_masked_phone(accounts.rings, resident),
        name=_masked_name(accounts.rings, resident),
        assurance=resident.assurance,
    )


def look_up(
    accounts: Accounts,
    session: Session,
    *,
    staff: Principal,
    wanted: Wanted,
    case_number: str,
    now: datetime,
    request_id: str | None = None,
) -> Found | errors.ResidentNotFound:
    """Find a person for a case. Looking is audited, found or not: nobody found is given back and not raised."""
    if wanted.phone is not None:
        resident, by = residents.by_phone(accounts.rings, session, wanted.phone), "phone"
    elif wanted.id_type is not None and wanted.id_number is not None:
        resident = residents.by_id_number(accounts.rings, session, wanted.id_type, wanted.id_number)
        by = wanted.id_type.value
    else:
        raise errors.IdentifierRefused
    audit.record(
        session,
        at=now,
        actor=staff,
        action="residents.look_up",
        subject=str(resident.id) if resident else "unknown",
        details={"by": by, "found": resident is not None},
        case_number=case_number,
        request_id=request_id,
    )
    if resident is None:
        return errors.ResidentNotFound()
    return _found(accounts, session, resident, LookUpIds(accounts.rings, staff.id, now).id_of(resident.id, case_number))


def limit_look_ups(accounts: Accounts, *, staff: Principal) -> None:
    """Count a look-up, before any work: nobody searches through the city's phones. Raises TooMany."""
    accounts.limiter.hit("look-up", str(staff.id), limit=accounts.tries_per_address, window=accounts.window)


def _found(accounts: Accounts, session: Session, resident: Resident, look_up_id: UUID) -> Found:
    number = residents.id_number_of(accounts.rings, resident)
    return Found(
        id=resident.id,
        look_up_id=look_up_id,
        phone=_masked_phone(accounts.rings, resident),
        name=_masked_name(accounts.rings, resident),
        id_type=resident.id_type,
        id_number=mask_id(number) if number else None,
        assurance=resident.assurance,
        verified_at=moments.read(accounts.rings, resident, "verified_at"),
        created_at=moments.read(accounts.rings, resident, "created_at") or resident.created_at,
        recovery_cases=tuple(real_name.open_cases(session, resident.id)),
    )


def _masked_phone(rings: KeyRings, resident: Resident) -> str | None:
    phone = residents.phone_of(rings, resident)
    return mask_phone(phone) if phone is not None else None


def _masked_name(rings: KeyRings, resident: Resident) -> str | None:
    name = residents.name_of(rings, resident)
    return mask_name(name) if name is not None else None
