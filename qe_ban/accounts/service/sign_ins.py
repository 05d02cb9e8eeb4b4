"""How a sign-in lies in the database: of a resident whose it is and its exact moments only sealed.

A stolen table of sign-ins beside the scans would else tell by its moments who was where: a phone refreshes when its
owner opens the app, and the app is opened to show a code.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from qe_ban.accounts.models import RefreshFamily, RefreshToken
from qe_ban.db import overlaps
from qe_ban.db.engine import Database
from qe_ban.kernel.clock import CITY_TIME, Clock, end_of_day, start_of_day
from qe_ban.kernel.ids import secret_id
from qe_ban.kernel.principal import PrincipalKind
from qe_ban.keys import vault
from qe_ban.keys.models import Ring
from qe_ban.keys.rings import KeyRings

CONTENT = "refresh_families.content"
PURPOSE = "sign-in"
STEP = 200


@dataclass(frozen=True, slots=True)
class SignIn:
    """Whose a sign-in is, and its exact moments."""

    principal_id: UUID
    expires_at: datetime
    stepped_up_at: datetime | None = None
    ended_at: datetime | None = None

    def runs_at(self, now: datetime) -> bool:
        """Return whether it can be refreshed at a moment."""
        return self.ended_at is None and self.expires_at > now


def add(rings: KeyRings, session: Session, kind: PrincipalKind, sign_in: SignIn, now: datetime) -> RefreshFamily:
    """Store a new sign-in; a resident's sealed, once nobody needs to read it who cannot. Raises KeyMissing."""
    family = RefreshFamily(id=secret_id(), kind=kind.value, started_at=now)
    _fill(family, sign_in)
    if kind is PrincipalKind.RESIDENT:
        family.started_at = start_of_day(now)
        if overlaps.is_over(session, now):
            _seal(rings, family, sign_in, now)
    session.add(family)
    session.flush()
    return family


def read(rings: KeyRings, family: RefreshFamily) -> SignIn:
    """Return what is known of a sign-in. Raises SealBroken, KeyMissing."""
    if family.content_sealed is None:
        return SignIn(family.principal_id, family.expires_at, family.stepped_up_at, family.ended_at)
    content = json.loads(vault.unseal(rings, CONTENT, family.id, family.content_sealed))
    stepped_up_at, ended_at = content.get("stepped_up_at"), content.get("ended_at")
    return SignIn(
        principal_id=UUID(content["principal_id"]),
        expires_at=datetime.fromisoformat(content["expires_at"]),
        stepped_up_at=datetime.fromisoformat(stepped_up_at) if stepped_up_at else None,
        ended_at=datetime.fromisoformat(ended_at) if ended_at else None,
    )


def write(rings: KeyRings, family: RefreshFamily, sign_in: SignIn, now: datetime) -> None:
    """Store what has changed of a locked sign-in, in the form that it has. Raises KeyMissing."""
    if family.content_sealed is None:
        _fill(family, sign_in)
    else:
        _seal(rings, family, sign_in, now)


def belong_to(rings: KeyRings, principal_id: UUID) -> ColumnElement[bool]:
    """Return the condition that a sign-in is a principal's, in whichever form it lies. Raises KeyMissing."""
    return RefreshFamily.principal_id.in_([principal_id, *pseudonyms(rings, principal_id)])


def pseudonyms(rings: KeyRings, principal_id: UUID) -> list[UUID]:
    """Return the ids that stand for a resident here, under each secret in use, the newest first. Raises KeyMissing."""
    return [UUID(bytes=mac[:16]) for mac in rings.macs(Ring.HOLDER, PURPOSE, principal_id.bytes)]


def seal_open(session: Session, rings: KeyRings, now: datetime) -> int:
    """Seal residents' sign-ins that lie as release 0.3.0 reads them, at most `STEP`; returns how many.

    Who is locked is passed over. Call it when that release serves no more. Raises KeyMissing.
    """
    is_open = (RefreshFamily.kind == PrincipalKind.RESIDENT.value) & RefreshFamily.content_sealed.is_(None)
    rows = select(RefreshFamily).where(is_open).order_by(RefreshFamily.id).limit(STEP)
    families = session.scalars(rows.with_for_update(skip_locked=True)).all()
    if not families:
        return 0
    for family in families:
        family.started_at = start_of_day(family.started_at)
        _seal(rings, family, read(rings, family), now)
    day = func.date_trunc("day", RefreshToken.used_at, str(CITY_TIME))
    tokens = RefreshToken.family_id.in_([family.id for family in families]) & (RefreshToken.used_at != day)
    session.execute(update(RefreshToken).where(tokens).values(used_at=day).execution_options(synchronize_session=False))
    return len(families)


def seal_all_open(database: Database, rings: KeyRings, clock: Clock) -> int:
    """Seal all that is open, in steps of a transaction each: the worker's part; returns how many. Raises KeyMissing."""
    total, step = 0, STEP
    while step == STEP:
        with database.transaction() as session:
            step = seal_open(session, rings, clock())
        total += step
    return total


def _fill(family: RefreshFamily, sign_in: SignIn) -> None:
    family.principal_id, family.expires_at = sign_in.principal_id, sign_in.expires_at
    family.stepped_up_at, family.ended_at = sign_in.stepped_up_at, sign_in.ended_at


def _seal(rings: KeyRings, family: RefreshFamily, sign_in: SignIn, now: datetime) -> None:
    """Seal a sign-in; its columns say only the days, and never that it is over before it is."""
    content = {"principal_id": str(sign_in.principal_id), "expires_at": sign_in.expires_at.isoformat()}
    for name, moment in (("stepped_up_at", sign_in.stepped_up_at), ("ended_at", sign_in.ended_at)):
        if moment is not None:
            content[name] = moment.isoformat()
    family.content_sealed = vault.seal(rings, CONTENT, family.id, json.dumps(content), now)
    # it is written at this moment, and so has the place of it
    family.turned_over = 0
    family.principal_id = pseudonyms(rings, sign_in.principal_id)[0]
    family.expires_at, family.stepped_up_at = end_of_day(sign_in.expires_at), None
    family.ended_at = start_of_day(sign_in.ended_at) if sign_in.ended_at is not None else None
