"""How scanners come in: invited, approved by a second person where they learn who somebody is, enrolled by a code."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
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
from qe_ban.venues.errors import (
    EnrolmentCodeInvalid,
    InvitationNotFound,
    InvitationSettled,
    LabelRefused,
    OwnInvitation,
)
from qe_ban.venues.models import Enrolment, Scanner, Venue
from qe_ban.venues.service import places


@dataclass(frozen=True, slots=True)
class Ticket:
    """An invitation with its enrolment code, which is shown once; None while a second person must approve."""

    id: UUID
    enrolment_code: str | None
    expires_at: datetime

    @property
    def state(self) -> rules.InvitationState:
        """Return where the invitation stands."""
        waits = self.enrolment_code is None
        return rules.InvitationState.PENDING_APPROVAL if waits else rules.InvitationState.READY


@dataclass(frozen=True, slots=True)
class EnrolledScanner:
    """A scanner as it learns about itself; `trust_roots`: public keys (JWK) that sign the trust bundle."""

    scanner_id: UUID
    venue: Venue
    purposes: Sequence[str]
    trust_roots: Sequence[Mapping[str, Any]]

    @property
    def scene(self) -> str:
        """Return the scene of its venue."""
        return self.venue.scene


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
    """Invite a scanner: gives a code by which one can be enrolled within 24 hours; `label` is what it will be called.

    Where its purposes say who somebody is, or the label sounds like an authority's and the venue is none, there is no
    code before another person has approved, within seven days.
    Raises VenueNotFound, PurposesInvalid, VenueUnderReview.
    """
    place = places.lock_venue(session, change.by, venue_id)
    rules.check_purposes(city, place.scene, purposes)
    places.require_confirmed(city, place)
    waits = city.identifies(purposes) or _is_disguise(city, place, label or "")
    code = None if waits else _new_code()
    expires_at = change.at + (rules.INVITATION_LIFE if waits else rules.ENROLMENT_LIFE)
    enrolment = Enrolment(
        id=new_id(),
        code_hash=None if code is None else _code_hashes(rings, code)[0],
        venue_id=place.id,
        purposes=list(purposes),
        label=label,
        created_by=change.by.id,
        created_at=change.at,
        expires_at=expires_at,
        approval_required=waits,
    )
    session.add(enrolment)
    places.note_officer(session, place.id, change)
    after = {"enrolment": str(enrolment.id), "purposes": list(purposes), "label": label, "approval_required": waits}
    audit.record_change(session, change, "venues.invite_scanner", str(place.id), before=None, after=after)
    return Ticket(enrolment.id, code, expires_at)


def approve(session: Session, rings: KeyRings, city: City, *, enrolment_id: UUID, change: audit.Change) -> Ticket:
    """Approve what another person proposed; returns the enrolment code, which ends after 24 hours.

    Raises InvitationNotFound, OwnInvitation, InvitationSettled, VenueUnderReview, PurposesInvalid, and what accounts
    says of the two persons: StaffGone, ProposerGone, NewcomerRefused.
    """
    enrolment = session.get(Enrolment, enrolment_id)
    proposer = enrolment.created_by if enrolment else None
    if enrolment is None or proposer is None:
        raise InvitationNotFound
    place = session.get_one(Venue, enrolment.venue_id, with_for_update={"read": True}, populate_existing=True)
    if not rules.answers_for(change.by, place.district):
        raise InvitationNotFound
    # of two concurrent approvals the second one sees the first
    enrolment = session.get_one(Enrolment, enrolment_id, with_for_update=True, populate_existing=True)
    if invitation_state(enrolment, change.at) is not rules.InvitationState.PENDING_APPROVAL:
        raise InvitationSettled
    if proposer == change.by.id:
        raise OwnInvitation
    places.require_confirmed(city, place)
    rules.check_purposes(city, place.scene, enrolment.purposes)
    accounts.require_two_persons(
        session, proposer=proposer, approver=change.by.id, rights=(rules.SCOPE, rules.SCOPE), now=change.at
    )
    code, expires_at = _new_code(), change.at + rules.ENROLMENT_LIFE
    enrolment.code_hash, enrolment.expires_at = _code_hashes(rings, code)[0], expires_at
    enrolment.approved_by, enrolment.approved_at = change.by.id, change.at
    session.flush()
    places.note_officer(session, place.id, change)
    after = {"enrolment": str(enrolment.id), "purposes": enrolment.purposes, "proposed_by": str(proposer)}
    audit.record_change(
        session, change, "venues.approve_scanner", str(place.id), before={"approved": False}, after=after
    )
    return Ticket(enrolment.id, code, expires_at)


def invitations(
    session: Session, *, reader: Principal, venue_id: UUID, before: UUID | None, limit: int
) -> Sequence[Enrolment]:
    """Return at most `limit` invitations of a venue, newest first, older than `before`. Raises VenueNotFound."""
    place = places.venue(session, reader=reader, venue_id=venue_id)
    query = select(Enrolment).where(Enrolment.venue_id == place.id).order_by(Enrolment.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Enrolment.id < before)
    return session.scalars(query).all()


def invitation_state(enrolment: Enrolment, now: datetime) -> rules.InvitationState:
    """Return where an invitation stands at a moment."""
    return rules.invitation_state(
        has_code=enrolment.code_hash is not None,
        is_used=enrolment.used_at is not None,
        expires_at=enrolment.expires_at,
        now=now,
    )


def enrol(
    session: Session,
    collaborators: accounts.Accounts,
    city: City,
    *,
    code: str,
    jwk: Mapping[str, Any],
    label: str,
    proof: str,
    now: datetime,
    request_id: str | None = None,
) -> EnrolledScanner:
    """Register a scanner's key in the venue of its code; the row decides which of two at once has the code.

    A label given with the code goes before the scanner's own. Raises EnrolmentCodeInvalid for codes wrong, used and
    over alike, LabelRefused where its own sounds like an authority's and the venue is none, and what accounts says to a
    bad proof or to a key that is registered already. The code then stays.
    """
    accounts.check_proof(collaborators, session, jwk=jwk, proof=proof, now=now)
    hashes = _code_hashes(collaborators.rings, code)
    enrolment = session.scalar(select(Enrolment).where(Enrolment.code_hash.in_(hashes)).with_for_update())
    if enrolment is None or enrolment.used_at is not None or _is_over(enrolment, now):
        raise EnrolmentCodeInvalid
    place = session.get_one(Venue, enrolment.venue_id)
    if not enrolment.label and _is_disguise(city, place, label):
        raise LabelRefused
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
    roots = [key.jwk for key in collaborators.rings.public(Ring.ROOT) if not key.is_denied]
    return EnrolledScanner(scanner.id, place, scanner.purposes, roots)


def _is_disguise(city: City, place: Venue, label: str) -> bool:
    """Return whether a scanner would be called like an authority in a venue that the city did not confirm as one."""
    return city.authority_names.match(label) and places.review(city, place) is not rules.Review.CONFIRMED


def add_fixed_enrolment(
    session: Session, rings: KeyRings, *, code: str, venue_id: UUID, purposes: Sequence[str], now: datetime
) -> None:
    """Load one of the sandbox's fixed codes, which do not expire; the same call makes a used one fresh again."""
    fresh = {"venue_id": venue_id, "purposes": list(purposes), "used_at": None, "scanner_id": None}
    newest, *older = _code_hashes(rings, code)
    session.execute(delete(Enrolment).where(Enrolment.code_hash.in_(older)))
    row = insert(Enrolment).values(id=new_id(), code_hash=newest, created_at=now, **fresh)
    session.execute(row.on_conflict_do_update(index_elements=["code_hash"], set_=fresh))


def _new_code() -> str:
    return rules.enrolment_code(secrets.randbits(rules.CODE_BITS))


def _code_hashes(rings: KeyRings, code: str) -> list[bytes]:
    return rings.macs(Ring.DERIVE, "enrolment", rules.normal_code(code).encode())


def _is_over(enrolment: Enrolment, now: datetime) -> bool:
    return enrolment.expires_at is not None and enrolment.expires_at <= now
