"""Local apps (本地应用): what each hall offers, and how its staff keep the register."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, case, func, literal, or_, select, tuple_
from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.halls import errors
from qe_ban.halls.models import App
from qe_ban.halls.rules import apps as rules
from qe_ban.halls.rules.words import APP_KINDS, APP_STATES
from qe_ban.halls.service import registry
from qe_ban.kernel import field_types
from qe_ban.kernel.city import City
from qe_ban.kernel.field_types import Field
from qe_ban.kernel.shapes import row_faults
from qe_ban.publishing.service import media, stamps

MOST_OF_HALL: Final = 200
_SLUG: Final = (Field("slug", "代号", field_types.SLUG, required=True),)
_REGISTER: Final = registry.Register(App, "app", lambda row: row["districts"])
_TEXTS: Final = (App.name, App.summary, App.owner, App.category)


@dataclass(frozen=True, slots=True)
class AppFilter:
    """Which apps: of a hall (its own and the city's), of a category, of a kind, with words in what is told of them.

    `own_first`: the hall's own before the city's.
    """

    hall: str | None = None
    category: str | None = None
    kind: str | None = None
    q: str | None = None
    own_first: bool = False


@dataclass(frozen=True, slots=True)
class ListedApp:
    """An app in a list; `cursor` is where it stands there."""

    app: App
    cursor: tuple[int, int, str]


def apps(
    session: Session, city: City, filter_: AppFilter, *, after: tuple[int, int, str] | None, limit: int
) -> list[ListedApp]:
    """Return at most `limit` apps that were not withdrawn, by position and slug, after a cursor. Raises HallUnknown."""
    conditions = [App.state != rules.WITHDRAWN]
    rank: ColumnElement[int] = literal(0)
    if filter_.hall is not None:
        district = registry.district(city, filter_.hall)
        conditions.append(_serves_district(district))
        if filter_.own_first:
            rank = _rank(district)
    if filter_.category is not None:
        conditions.append(App.category == filter_.category)
    if filter_.kind is not None:
        conditions.append(App.kind == filter_.kind)
    if filter_.q is not None:
        conditions.append(or_(*(func.strpos(func.lower(column), filter_.q.lower()) > 0 for column in _TEXTS)))
    if after is not None:
        conditions.append(tuple_(rank, App.position, App.slug) > after)
    rows = session.execute(select(App, rank).where(*conditions).order_by(rank, App.position, App.slug).limit(limit))
    return [ListedApp(app, (place, app.position, app.slug)) for app, place in rows]


def app(session: Session, slug: str) -> App:
    """Return one app, also one that was withdrawn. Raises AppNotFound."""
    row = session.get(App, slug)
    if row is None:
        raise errors.AppNotFound
    return row


def cards(session: Session, city: City, rows: Sequence[App], now: datetime) -> list[dict[str, Any]]:
    """Return what pages and lists show of apps, as JSON data; `icon` is the picture's digest, `picture` the picture."""
    pictures = media.source(session, {row.icon for row in rows if row.icon is not None}, now)
    return [
        {"slug": row.slug}
        | {field.name: getattr(row, field.name) for field in rules.FIELDS}
        | {
            "kind_name": APP_KINDS[row.kind],
            "state_name": APP_STATES[row.state],
            "district_names": [city.districts.get(code, code) for code in row.districts],
            "picture": pictures.get(row.icon) if row.icon is not None else None,
        }
        for row in rows
    ]


def of_hall(session: Session, city: City, district: str | None, now: datetime) -> list[dict[str, Any]]:
    """Return the cards of the apps of a district, its own first, then the city's; for None the city's alone.

    Withdrawn ones are not among them.
    """
    query = select(App).where(App.state != rules.WITHDRAWN, _serves_district(district))
    rows = session.scalars(query.order_by(_rank(district), App.position, App.slug).limit(MOST_OF_HALL)).all()
    return cards(session, city, rows, now)


def source(session: Session, city: City, keys: Collection[str], now: datetime) -> Mapping[str, dict[str, Any]]:
    """Return the cards of those of these apps that stand, by slug, suspended ones with that state and its reason."""
    rows = session.scalars(select(App).where(App.slug.in_(keys), App.state != rules.WITHDRAWN)).all()
    return {card["slug"]: card for card in cards(session, city, rows, now)}


def upsert(
    session: Session,
    city: City,
    slug: str,
    record: Mapping[str, Any],
    *,
    precondition: audit.Precondition,
    change: registry.Changing,
) -> registry.UpsertOutcome:
    """Make an app or change it; `record` is all that it has (rules.apps.FIELDS).

    Raises AppInvalid with the fields at fault, OtherPlace, and what the precondition raises.
    """
    faults = [*row_faults(_SLUG, {"slug": slug}), *rules.faults(record, city.districts, city.link_hosts)]
    if faults:
        raise errors.AppInvalid(fields=registry.fields(faults))
    row = rules.complete(record)

    def hold_icon() -> None:
        if media.store_uses(session, "app", slug, 0, {row["icon"]} - {None}):
            raise errors.AppInvalid(fields={"icon": "没有这张图片，请先上传"})

    outcome = registry.upsert(
        session, _REGISTER, city, slug, row, precondition=precondition, change=change, prepare=hold_icon
    )
    if outcome.has_changed:
        stamps.bump(session)
    return outcome


def _serves_district(district: str | None) -> ColumnElement[bool]:
    everywhere = func.cardinality(App.districts) == 0
    return everywhere if district is None else or_(everywhere, App.districts.contains([district]))


def _rank(district: str | None) -> ColumnElement[int]:
    return literal(0) if district is None else case((App.districts.contains([district]), 0), else_=1)
