"""Offices, self-service points and other places (办事网点): where they are, when they are open, how far it is."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.halls import errors
from qe_ban.halls.models import Place
from qe_ban.halls.rules import distances, gcj02, hours
from qe_ban.halls.rules import places as rules
from qe_ban.halls.rules.distances import GCJ02, NOWHERE, Point
from qe_ban.halls.rules.words import PLACE_KINDS, PLACE_STATES
from qe_ban.halls.service import registry
from qe_ban.kernel import field_types
from qe_ban.kernel.city import City
from qe_ban.kernel.clock import rfc3339
from qe_ban.kernel.field_types import Field
from qe_ban.kernel.shapes import row_faults
from qe_ban.publishing.service import stamps

MOST_OF_HALL: Final = 200
_SLUG: Final = (Field("slug", "代号", field_types.SLUG, required=True),)
_REGISTER: Final = registry.Register(Place, "place", lambda row: [row["district"]] if row["district"] else [])
_TEXTS: Final = (Place.name, Place.address, Place.note)


@dataclass(frozen=True, slots=True)
class PlaceFilter:
    """Which places: of a hall's district (of the city's own hall: the city's own), of a kind, with words in them."""

    hall: str | None = None
    kind: str | None = None
    q: str | None = None


@dataclass(frozen=True, slots=True)
class ListedPlace:
    """A place in a list; `distance` in metres from the point that was asked about."""

    place: Place
    distance: int | None = None


def near(text: str | None, crs: str) -> Point | None:
    """Read the point that a client asks about, in WGS 84; it is neither kept nor logged. Raises NearInvalid.

    `crs`: in which system it is told, `wgs84` or `gcj02`.
    """
    if text is None:
        return None
    point = distances.near(text)
    if point is None:
        raise errors.NearInvalid
    if point == NOWHERE:
        raise errors.NearInvalid("0,0 不是有效位置：手机没有取得定位时请不要带 near")
    return gcj02.to_wgs84(point) if crs == GCJ02 else point


def places(session: Session, city: City, filter_: PlaceFilter, *, after: str | None, limit: int) -> list[ListedPlace]:
    """Return at most `limit` places that were not withdrawn, by slug, after one. Raises HallUnknown."""
    conditions = _conditions(city, filter_)
    if after is not None:
        conditions.append(Place.slug > after)
    rows = session.scalars(select(Place).where(*conditions).order_by(Place.slug).limit(limit))
    return [ListedPlace(place) for place in rows]


def nearest(
    session: Session, city: City, filter_: PlaceFilter, point: Point, *, after: tuple[int, str] | None, limit: int
) -> list[ListedPlace]:
    """Return at most `limit` places by their distance from a point and slug, after a distance and slug.

    Raises HallUnknown.
    """
    columns = select(Place.slug, Place.latitude, Place.longitude).where(*_conditions(city, filter_))
    order = sorted(
        (distances.metres(point, Point(latitude, longitude)), slug)
        for slug, latitude, longitude in session.execute(columns)
    )
    result_keys = [key for key in order if after is None or key > after][:limit]
    rows = session.scalars(select(Place).where(Place.slug.in_([slug for _, slug in result_keys])))
    by_slug = {row.slug: row for row in rows}
    return [ListedPlace(by_slug[slug], distance) for distance, slug in result_keys if slug in by_slug]


def place(session: Session, slug: str) -> Place:
    """Return one place, also one that was withdrawn. Raises PlaceNotFound."""
    row = session.get(Place, slug)
    if row is None:
        raise errors.PlaceNotFound
    return row


def card(city: City, row: Place, now: datetime) -> dict[str, Any]:
    """Return what pages and lists show of a place, as JSON data.

    `open_now` tells whether it is open, `opens_at` or `closes_at` when that changes next; all of them say nothing of a
    place that is suspended or withdrawn.
    """
    is_open = row.state == rules.OPEN and hours.is_open(row.hours, now)
    # a place that is suspended or withdrawn neither opens nor closes
    turn = hours.next_change(row.hours, now) if row.state == rules.OPEN else None
    change_at = None if turn is None else rfc3339(turn)
    return (
        {"slug": row.slug}
        | {field.name: getattr(row, field.name) for field in rules.FIELDS}
        | {name: getattr(row, name) for name in rules.DEGREES}
        | {
            "kind_name": PLACE_KINDS[row.kind],
            "state_name": PLACE_STATES[row.state],
            "district_name": None if row.district is None else city.districts.get(row.district, row.district),
            "hours": row.hours,
            "open_now": is_open,
            "opens_at": None if is_open else change_at,
            "closes_at": change_at if is_open else None,
        }
    )


def of(
    session: Session, city: City, kinds: Collection[str], district: str | None, now: datetime
) -> list[dict[str, Any]]:
    """Return the cards of the places of some kinds in a district (None: the city's own) that were not withdrawn."""
    query = select(Place).where(
        Place.state != rules.WITHDRAWN, Place.kind.in_(kinds), Place.district.is_not_distinct_from(district)
    )
    return _cards(city, session.scalars(query.order_by(Place.slug).limit(MOST_OF_HALL)).all(), now)


def source(session: Session, city: City, keys: Collection[str], now: datetime) -> Mapping[str, dict[str, Any]]:
    """Return the cards of those of these places that stand, by slug: suspended ones too, with their state."""
    rows = session.scalars(select(Place).where(Place.slug.in_(keys), Place.state != rules.WITHDRAWN)).all()
    return {card_["slug"]: card_ for card_ in _cards(city, rows, now)}


def upsert(
    session: Session,
    city: City,
    slug: str,
    record: Mapping[str, Any],
    *,
    precondition: audit.Precondition,
    change: registry.Changing,
) -> registry.UpsertOutcome:
    """Make a place or change it; `record` is all that it has (rules.places).

    Raises PlaceInvalid with the fields at fault, OtherPlace, and what the precondition raises.
    """
    faults = [*row_faults(_SLUG, {"slug": slug}), *rules.faults(record, city.districts, city.bounds)]
    if faults:
        raise errors.PlaceInvalid(fields=registry.fields(faults))
    row = rules.complete(record)
    outcome = registry.upsert(session, _REGISTER, city, slug, row, precondition=precondition, change=change)
    if outcome.has_changed:
        stamps.bump(session)
    return outcome


def _cards(city: City, rows: Sequence[Place], now: datetime) -> list[dict[str, Any]]:
    return [card(city, row, now) for row in rows]


def _conditions(city: City, filter_: PlaceFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [Place.state != rules.WITHDRAWN]
    if filter_.hall is not None:
        conditions.append(Place.district.is_not_distinct_from(registry.district(city, filter_.hall)))
    if filter_.kind is not None:
        conditions.append(Place.kind == filter_.kind)
    if filter_.q is not None:
        conditions.append(or_(*(func.strpos(func.lower(column), filter_.q.lower()) > 0 for column in _TEXTS)))
    return conditions
