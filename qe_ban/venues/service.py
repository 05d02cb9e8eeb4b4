"""Use cases of venues and scanners: making venues, enrolling scanners by one-time codes, revoking them."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from qe_ban.accounts import service as accounts
from qe_ban.audit import service as audit
from qe_ban.kernel.city import City
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import Principal
from qe_ban.keys.models import Ring
from qe_ban.keys.rings import KeyRings
from qe_ban.venues import rules
from qe_ban.venues.errors import EnrolmentCodeInvalid, OtherDistrict, ScannerNotFound, VenueNotFound
from qe_ban.venues.models import Enrolment, Scanner, Venue

_SEEDED = UUID("5d0a4c8e-2f4b-5c1e-9a53-7be0c1a2d9f4")


@dataclass(frozen=True, slots=True)
class NewVenue:
    """What a venue is made of; `district` is a GB/T 2260 code, `scene` a slug of the city's."""

    name: str
    district: str
    address: str
    scene: str

    def as_details(self) -> dict[str, str]:
        """Give it as audit events keep it."""
        return {"name": self.name, "district": self.district, "address": self.address, "scene": self.scene}


@dataclass(frozen=True, slots=True)
class Ticket:
    """An enrolment code as it is shown once."""

    enrolment_code: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A scanner as it learns about itself; `trust_roots`: public keys (JWK) that sign the trust bundle."""

    scanner_id: UUID
    venue: Venue
    purposes: Sequence[str]
    trust_roots: Sequence[Mapping[str, Any]]

    @property
    def scene(self) -> str:
        """The scene of its venue."""
        return self.venue.scene


def venues(session: Session, *, reader: Principal, before: UUID | None, limit: int) -> Sequence[Venue]:
    """Give at most `limit` venues that the reader answers for, newest first, older than `before`."""
    wanted = select(Venue).order_by(Venue.id.desc()).limit(limit)
    if not reader.place.covers_district(""):
        wanted = wanted.where(Venue.district == reader.place.district)
    if before is not None:
        wanted = wanted.where(Venue.id < before)
    return session.scalars(wanted).all()


def venue(session: Session, *, reader: Principal, venue_id: UUID) -> Venue:
    """Give one venue. Raises VenueNotFound, also for another district's."""
    found = session.get(Venue, venue_id)
    if found is None or not rules.answers_for(reader, found.district):
        raise VenueNotFound
    return found


def scanners(
    session: Session, *, reader: Principal, venue_id: UUID, before: UUID | None, limit: int
) -> Sequence[Scanner]:
    """Give at most `limit` scanners of a venue, newest first, revoked ones too. Raises VenueNotFound."""
    place = venue(session, reader=reader, venue_id=venue_id)
    wanted = select(Scanner).where(Scanner.venue_id == place.id).order_by(Scanner.id.desc()).limit(limit)
    if before is not None:
        wanted = wanted.where(Scanner.id < before)
    return session.scalars(wanted).all()


def create(session: Session, city: City, new: NewVenue, change: audit.Change) -> Venue:
    """Make a venue. Raises VenueInvalid, OtherDistrict."""
    rules.check_place(city, new.district, new.scene)
    if not rules.answers_for(change.by, new.district):
        raise OtherDistrict
    made = Venue(id=new_id(), created_at=change.at, **new.as_details())
    session.add(made)
    _record(session, change, "venues.create", made.id, before=None, after=new.as_details())
    return made


def invite(
    session: Session,
    rings: KeyRings,
    city: City,
    *,
    venue_id: UUID,
    purposes: Sequence[str],
    label: str | None,
    change: audit.Change,
) -> Ticket:
    """Make a code by which one scanner can be enrolled within 24 hours; `label` is what the scanner will be called.

    Raises VenueNotFound, PurposesInvalid.
    """
    place = venue(session, reader=change.by, venue_id=venue_id)
    rules.check_purposes(city, place.scene, purposes)
    code = rules.enrolment_code(secrets.randbits(rules.CODE_BITS))
    expires_at = change.at + rules.ENROLMENT_LIFE
    enrolment = Enrolment(
        id=new_id(),
        code_hash=_code_hashes(rings, code)[0],
        venue_id=place.id,
        purposes=list(purposes),
        label=label,
        created_by=change.by.id,
        created_at=change.at,
        expires_at=expires_at,
    )
    session.add(enrolment)
    after = {"enrolment": str(enrolment.id), "purposes": list(purposes), "label": label}
    _record(session, change, "venues.invite_scanner", place.id, before=None, after=after)
    return Ticket(code, expires_at)


def enrol(
    session: Session,
    collaborators: accounts.Accounts,
    *,
    code: str,
    jwk: Mapping[str, Any],
    label: str,
    proof: str,
    now: datetime,
    request_id: str | None = None,
) -> Enrolled:
    """Register a scanner's key in the venue of its code; the row decides which of two at once has the code.

    A label given with the code goes before the scanner's own. Raises EnrolmentCodeInvalid for codes wrong, used and
    over alike, and what accounts says to a bad proof or to a key that is registered already. The code then stays.
    """
    accounts.check_proof(collaborators, session, jwk=jwk, proof=proof, now=now)
    hashes = _code_hashes(collaborators.rings, code)
    enrolment = session.scalar(select(Enrolment).where(Enrolment.code_hash.in_(hashes)).with_for_update())
    if enrolment is None or enrolment.used_at is not None or _is_over(enrolment, now):
        raise EnrolmentCodeInvalid
    place = session.get_one(Venue, enrolment.venue_id)
    scanner = Scanner(
        id=accounts.register_client(session, jwk=jwk, now=now),
        venue_id=place.id,
        label=enrolment.label or label,
        purposes=enrolment.purposes,
        enrolled_at=now,
    )
    session.add(scanner)
    session.flush()
    enrolment.used_at, enrolment.scanner_id = now, scanner.id
    audit.record(
        session,
        at=now,
        actor=None,
        action="venues.enrol_scanner",
        subject=str(scanner.id),
        details={"enrolment": str(enrolment.id), "venue": str(place.id), "purposes": scanner.purposes},
        request_id=request_id,
    )
    roots = [key.jwk for key in collaborators.rings.public(Ring.ROOT) if not key.denied]
    return Enrolled(scanner.id, place, scanner.purposes, roots)


def revoke(session: Session, *, scanner_id: UUID, change: audit.Change) -> None:
    """Shut a scanner out at once and for good; doing it again changes nothing. Raises ScannerNotFound."""
    scanner = session.get(Scanner, scanner_id)
    if scanner is None or not rules.answers_for(change.by, session.get_one(Venue, scanner.venue_id).district):
        raise ScannerNotFound
    revoked = session.execute(
        update(Scanner)
        .where(Scanner.id == scanner_id, Scanner.revoked_at.is_(None))
        .values(revoked_at=change.at)
        .returning(Scanner.id)
    ).first()
    if revoked is None:
        return
    accounts.revoke_client(session, scanner_id, change.at)
    after = {"revoked": True, "venue": str(scanner.venue_id)}
    _record(session, change, "venues.revoke_scanner", scanner_id, before={"revoked": False}, after=after)


def seed_venue(session: Session, city: City, new: NewVenue, now: datetime) -> UUID:
    """Make a venue of the sandbox unless it is there already; the same name and district give the same id.

    Raises VenueInvalid.
    """
    rules.check_place(city, new.district, new.scene)
    venue_id = uuid5(_SEEDED, f"{new.district}/{new.name}")
    row = insert(Venue).values(id=venue_id, created_at=now, **new.as_details())
    session.execute(row.on_conflict_do_nothing(index_elements=["id"]))
    return venue_id


def add_fixed_enrolment(
    session: Session, rings: KeyRings, *, code: str, venue_id: UUID, purposes: Sequence[str], now: datetime
) -> None:
    """Load one of the sandbox's fixed codes, which do not expire; the same call makes a used one fresh again."""
    fresh = {"venue_id": venue_id, "purposes": list(purposes), "used_at": None, "scanner_id": None}
    newest, *older = _code_hashes(rings, code)
    session.execute(delete(Enrolment).where(Enrolment.code_hash.in_(older)))
    row = insert(Enrolment).values(id=new_id(), code_hash=newest, created_at=now, **fresh)
    session.execute(row.on_conflict_do_update(index_elements=["code_hash"], set_=fresh))


def _code_hashes(rings: KeyRings, code: str) -> list[bytes]:
    return rings.macs(Ring.DERIVE, "enrolment", rules.normal_code(code).encode())


def _is_over(enrolment: Enrolment, now: datetime) -> bool:
    return enrolment.expires_at is not None and enrolment.expires_at <= now


def _record(
    session: Session,
    change: audit.Change,
    action: str,
    subject: UUID,
    *,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any],
) -> None:
    details = {"before": before, "after": after}
    audit.record(
        session,
        at=change.at,
        actor=change.by,
        action=action,
        subject=str(subject),
        details=details,
        request_id=change.request_id,
    )
