"""Venues: made, changed, confirmed where their name sounds like an authority's, and who had a part in them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid5

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from qe_ban.accounts import service as accounts
from qe_ban.audit import service as audit
from qe_ban.kernel.city import City
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import Principal
from qe_ban.venues import rules
from qe_ban.venues.errors import (
    CityOnly,
    NothingToConfirm,
    OtherDistrict,
    VenueInUse,
    VenueInvolved,
    VenueNotFound,
    VenueUnderReview,
)
from qe_ban.venues.models import Enrolment, Scanner, Venue, VenueOfficer, VenueVersion

_SEED_NAMESPACE = UUID("5d0a4c8e-2f4b-5c1e-9a53-7be0c1a2d9f4")


@dataclass(frozen=True, slots=True)
class NewVenue:
    """What a venue is made of; `district` is a GB/T 2260 code, `scene` a slug of the city's."""

    name: str
    district: str
    address: str
    scene: str

    def as_details(self) -> dict[str, str]:
        """Return it as audit events keep it."""
        return {"name": self.name, "district": self.district, "address": self.address, "scene": self.scene}


@dataclass(frozen=True, slots=True)
class VenueChange:
    """What is to be changed of a venue; None leaves it."""

    name: str | None = None
    address: str | None = None
    scene: str | None = None


def venues(
    session: Session, *, reader: Principal, before: UUID | None, limit: int, under_review: bool | None = None
) -> Sequence[Venue]:
    """Return at most `limit` venues that the reader answers for, newest first, older than `before`.

    `under_review`: those whose name waits to be confirmed, or the others.
    """
    query = select(Venue).order_by(Venue.id.desc()).limit(limit)
    if not reader.place.covers_district(""):
        query = query.where(Venue.district == reader.place.district)
    if under_review is not None:
        waits = Venue.flagged & Venue.confirmed_by.is_(None)
        query = query.where(waits if under_review else ~waits)
    if before is not None:
        query = query.where(Venue.id < before)
    return session.scalars(query).all()


def venue(session: Session, *, reader: Principal, venue_id: UUID) -> Venue:
    """Return one venue. Raises VenueNotFound, also for another district's."""
    place = session.get(Venue, venue_id)
    if place is None or not rules.answers_for(reader, place.district):
        raise VenueNotFound
    return place


def create(session: Session, city: City, new: NewVenue, change: audit.Change) -> Venue:
    """Make a venue; a name like an authority's waits to be confirmed. Raises VenueInvalid, OtherDistrict."""
    rules.check_place(city, new.district, new.scene)
    if not rules.answers_for(change.by, new.district):
        raise OtherDistrict
    is_flagged = city.authority_names.match(new.name)
    place = Venue(id=new_id(), created_at=change.at, named_by=change.by.id, flagged=is_flagged, **new.as_details())
    session.add(place)
    session.flush()
    note_officer(session, place.id, change)
    audit.record_change(
        session, change, "venues.create", str(place.id), before=None, after=new.as_details() | _flag(is_flagged)
    )
    return place


def change_venue(session: Session, city: City, *, venue_id: UUID, wish: VenueChange, change: audit.Change) -> Venue:
    """Change a venue's name, address or scene, which is to name it anew: what was confirmed or not yet used is over.

    Raises VenueNotFound, VenueInvalid, and VenueInUse where scanners stand there and the scene changes or the new name
    sounds like an authority's.
    """
    place = lock_venue(session, change.by, venue_id, to_change=True)
    old = _as_new_venue(place)
    new = replace(old, name=wish.name or old.name, address=wish.address or old.address, scene=wish.scene or old.scene)
    if new == old:
        return place
    rules.check_place(city, new.district, new.scene)
    _keep_version(session, place, change.at)
    place.name, place.address, place.scene = new.name, new.address, new.scene
    if (new.name, new.scene) != (old.name, old.scene):
        _name_anew(session, city, place, old, change)
    session.flush()
    note_officer(session, place.id, change)
    after = new.as_details() | _flag(place.flagged)
    audit.record_change(session, change, "venues.change", str(place.id), before=old.as_details(), after=after)
    return place


def confirm(session: Session, city: City, *, venue_id: UUID, change: audit.Change) -> Venue:
    """Confirm a name that sounds like an authority's, as the city and as somebody who had no part in the venue.

    Raises VenueNotFound, CityOnly, NothingToConfirm, VenueInvolved, and what accounts says of the two persons.
    """
    place = lock_venue(session, change.by, venue_id, to_change=True)
    if not change.by.place.is_city:
        raise CityOnly
    if review(city, place) is not rules.Review.PENDING:
        raise NothingToConfirm
    if is_involved(session, staff_id=change.by.id, venue_id=venue_id):
        raise VenueInvolved
    accounts.require_settled(session, change.by.id, scope=rules.SCOPE, now=change.at)
    place.flagged, place.confirmed_by, place.confirmed_at = True, change.by.id, change.at
    session.flush()
    note_officer(session, place.id, change)
    audit.record_change(
        session, change, "venues.confirm", str(place.id), before={"confirmed": False}, after={"confirmed": True}
    )
    return place


def lock_venue(session: Session, by: Principal, venue_id: UUID, *, to_change: bool = False) -> Venue:
    """Lock a venue that somebody answers for, against change or to change it. Raises VenueNotFound."""
    mode = {"key_share": True} if to_change else {"read": True}
    place = session.get(Venue, venue_id, with_for_update=mode, populate_existing=True)
    if place is None or not rules.answers_for(by, place.district):
        raise VenueNotFound
    return place


def review(city: City, place: Venue) -> rules.Review:
    """Return where the review of a venue's name stands."""
    return rules.review(city, place.name, is_flagged=place.flagged, is_confirmed=place.confirmed_by is not None)


def flag_names(session: Session, city: City) -> None:
    """Flag venues whose names the city's list has come to hold: it may have grown, or be newer than they are.

    They are under review without this, too; it is how `venues` finds them.
    """
    query = select(Venue.id, Venue.name).where(~Venue.flagged, Venue.confirmed_by.is_(None))
    for venue_id, name in session.execute(query).all():
        if city.authority_names.match(name):
            # not where somebody has renamed it meanwhile
            session.execute(update(Venue).where(Venue.id == venue_id, Venue.name == name).values(flagged=True))


def require_confirmed(city: City, place: Venue) -> None:
    """Raise VenueUnderReview where a venue's name waits to be confirmed."""
    if review(city, place) is rules.Review.PENDING:
        raise VenueUnderReview


def note_officer(session: Session, venue_id: UUID, change: audit.Change) -> None:
    """Remember that a member of staff had a part in a venue, for good: the audit is kept for a while only."""
    row = insert(VenueOfficer).values(venue_id=venue_id, staff_id=change.by.id, since=change.at)
    session.execute(row.on_conflict_do_nothing())


def is_involved(
    session: Session,
    *,
    staff_id: UUID,
    venue_id: UUID | None,
    name: str | None = None,
    district: str | None = None,
) -> bool:
    """Return whether a member of staff made, changed or confirmed a venue, or invited or approved a scanner of it.

    Where its id is not known, any venue of that name in that district counts.
    """
    condition = (Venue.id == venue_id) if venue_id else (Venue.name == name) & (Venue.district == district)
    places = select(Venue.id).where(condition)
    officer = select(VenueOfficer.venue_id).where(VenueOfficer.staff_id == staff_id, VenueOfficer.venue_id.in_(places))
    # programs of the previous release note nobody as an officer
    inviter = select(Enrolment.venue_id).where(Enrolment.created_by == staff_id, Enrolment.venue_id.in_(places))
    return session.scalar(officer.union_all(inviter).limit(1)) is not None


def seed_venue(session: Session, city: City, new: NewVenue, now: datetime) -> UUID:
    """Make a venue of the sandbox unless it is there already; the same name and district give the same id.

    Raises VenueInvalid.
    """
    rules.check_place(city, new.district, new.scene)
    venue_id = uuid5(_SEED_NAMESPACE, f"{new.district}/{new.name}")
    row = insert(Venue).values(id=venue_id, created_at=now, **new.as_details())
    session.execute(row.on_conflict_do_nothing(index_elements=["id"]))
    return venue_id


def _as_new_venue(place: Venue) -> NewVenue:
    return NewVenue(place.name, place.district, place.address, place.scene)


def _keep_version(session: Session, place: Venue, until: datetime) -> None:
    """Keep what a venue was called, so that no change rewrites where somebody was scanned before it."""
    row = insert(VenueVersion).values(
        venue_id=place.id, until=until, name=place.name, address=place.address, scene=place.scene
    )
    session.execute(row.on_conflict_do_nothing())


def _flag(is_flagged: bool) -> dict[str, str]:
    return {"review": rules.Review.PENDING.value} if is_flagged else {}


def _name_anew(session: Session, city: City, place: Venue, old: NewVenue, change: audit.Change) -> None:
    """Take back what was said of the old name. Raises VenueInUse."""
    place.named_by, place.confirmed_by, place.confirmed_at = change.by.id, None, None
    place.flagged = city.authority_names.match(place.name)
    open_codes = (Enrolment.venue_id == place.id) & Enrolment.used_at.is_(None)
    # before the scanners are counted: who is enrolling now has the row, and is seen once it is free
    session.execute(update(Enrolment).where(open_codes).values(expires_at=change.at))
    scanners = select(func.count()).where(Scanner.venue_id == place.id, Scanner.revoked_at.is_(None))
    if (place.flagged or place.scene != old.scene) and session.scalar(scanners):
        raise VenueInUse
