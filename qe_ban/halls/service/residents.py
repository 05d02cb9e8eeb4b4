"""What residents keep for themselves: their hall and size of letters, halls they follow, items they like and used."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from qe_ban.accounts.errors import ResidentNotFound
from qe_ban.halls import errors
from qe_ban.halls.models import FavouriteItem, FollowedHall, RecentItem, ResidentHall
from qe_ban.halls.queries import residents as queries
from qe_ban.halls.rules.words import ITEM_STATES
from qe_ban.halls.service import list_owners, own_lists
from qe_ban.items.service import offering
from qe_ban.kernel.city import CITY_HALL, City
from qe_ban.kernel.clock import start_of_day
from qe_ban.keys.rings import KeyRings
from qe_ban.publishing.rules import offices

MOST_FOLLOWED: Final = 20
MOST_FAVOURITES: Final = 200
MOST_RECENT: Final = 50
FIRST: Final = 12
"""So many favourite and recent items a home shows."""
STANDARD: Final = "standard"
CURRENT_STATE, ENDED_STATE = ITEM_STATES
_VERIFIED_LEVEL: Final = "verified"

OwnList = type[FavouriteItem] | type[RecentItem]
Card = Mapping[str, Any]
"""What is told of a kept item: as a screen tells it (publishing.rules.offices), and its `state`."""


@dataclass(frozen=True, slots=True)
class Setting:
    """The hall that a resident's home shows, and how large it is written."""

    hall: str = CITY_HALL
    age_mode: str = STANDARD


@dataclass(frozen=True, slots=True)
class FollowedHallEntry:
    """A hall that a resident follows."""

    slug: str
    at: datetime


@dataclass(frozen=True, slots=True)
class KeptItem:
    """An item of a list; `card` is for the resident's hall."""

    entry: str
    at: datetime
    card: Card


@dataclass(frozen=True, slots=True)
class Home:
    """A resident's home but its screen."""

    setting: Setting
    real_name: bool
    followed: Sequence[str]
    favourites: Sequence[Card]
    recent: Sequence[Card]


def setting(rings: KeyRings, session: Session, city: City, resident: UUID) -> Setting:
    """Return a resident's hall and size of letters: the city's hall where none was chosen, or it is there no more.

    Raises KeyMissing.
    """
    row = _setting_row(rings, session, resident)
    return _setting(city, row.hall, row.age_mode) if row is not None else Setting()


def choose(rings: KeyRings, session: Session, city: City, resident: UUID, choice: Setting, now: datetime) -> None:
    """Keep a resident's hall and size of letters. Raises HallUnknown, SessionEnded, KeyMissing."""
    if choice.hall not in city.halls:
        raise errors.HallUnknown
    values = {"hall": choice.hall, "age_mode": choice.age_mode, "updated_at": start_of_day(now)}
    owner = list_owners.hold(rings, session, resident, now)
    before = _setting_row(rings, session, resident)
    row = insert(ResidentHall).values(resident_id=before.resident_id if before is not None else owner, **values)
    session.execute(row.on_conflict_do_update(index_elements=["resident_id"], set_=values))


def list_followed(rings: KeyRings, session: Session, city: City, resident: UUID) -> list[FollowedHallEntry]:
    """Return the halls that a resident follows, the latest first."""
    entries = own_lists.entries(rings, session, FollowedHall, resident)
    return [FollowedHallEntry(entry.key, entry.at) for entry in entries if entry.key in city.halls]


def follow(rings: KeyRings, session: Session, city: City, resident: UUID, slug: str, now: datetime) -> None:
    """Follow a hall; one that is followed stays as it is. Raises HallNotFound, TooManyFollowed, SessionEnded."""
    if slug not in city.halls:
        raise errors.HallNotFound
    owner = list_owners.hold(rings, session, resident, now)
    if own_lists.find(rings, session, FollowedHall, resident, slug) is None:
        # halls that are there no more take no room
        if len(list_followed(rings, session, city, resident)) >= MOST_FOLLOWED:
            raise errors.TooManyFollowed(f"最多关注 {MOST_FOLLOWED} 个分厅，请先取消一些", most=MOST_FOLLOWED)
        own_lists.save(rings, session, FollowedHall(resident_id=owner, hall=slug), now)


def unfollow(rings: KeyRings, session: Session, resident: UUID, slug: str, now: datetime) -> None:
    """Follow a hall no more, whether or not it was followed. Raises SessionEnded, KeyMissing."""
    list_owners.hold(rings, session, resident, now)
    own_lists.delete_one(rings, session, FollowedHall, resident, slug)


def favour(rings: KeyRings, session: Session, resident: UUID, code: str, now: datetime) -> None:
    """Keep an item, by an entry or the code of an item of it; one that is kept stays as it is, also when it has ended.

    Raises ItemNotFound, TooManyFavourites, SessionEnded.
    """
    entry = _entry(code)
    owner = list_owners.hold(rings, session, resident, now)
    if own_lists.find(rings, session, FavouriteItem, resident, entry) is not None:
        return
    _require(session, code, now)
    mine = select(func.count()).select_from(FavouriteItem).where(own_lists.is_own(rings, FavouriteItem, resident))
    if (session.scalar(mine) or 0) >= MOST_FAVOURITES:
        raise errors.TooManyFavourites(f"最多收藏 {MOST_FAVOURITES} 个事项，请先取消一些", most=MOST_FAVOURITES)
    own_lists.save(rings, session, FavouriteItem(resident_id=owner, entry=entry), now)


def disfavour(rings: KeyRings, session: Session, resident: UUID, code: str, now: datetime) -> None:
    """Keep an item no more, whether or not it was kept. Raises SessionEnded, KeyMissing."""
    entry = offering.entry_of(code)
    if entry is not None:
        list_owners.hold(rings, session, resident, now)
        own_lists.delete_one(rings, session, FavouriteItem, resident, entry)


def use(rings: KeyRings, session: Session, resident: UUID, code: str, now: datetime) -> None:
    """Note that an item was opened just now; only the newest are kept. Raises ItemNotFound, SessionEnded."""
    entry = _entry(code)
    _require(session, code, now)
    owner = list_owners.hold(rings, session, resident, now)
    row = own_lists.find(rings, session, RecentItem, resident, entry)
    own_lists.save(rings, session, row or RecentItem(resident_id=owner, entry=entry), now)
    own_lists.forget_beyond(rings, session, resident, MOST_RECENT)


def forget(rings: KeyRings, session: Session, resident: UUID, now: datetime) -> None:
    """Forget all that was opened. Raises SessionEnded, KeyMissing."""
    # else it and `use` could each wait for a row that the other has
    list_owners.hold(rings, session, resident, now)
    session.execute(delete(RecentItem).where(own_lists.is_own(rings, RecentItem, resident)))


def list_own(
    rings: KeyRings,
    session: Session,
    city: City,
    resident: UUID,
    model: OwnList,
    *,
    after: tuple[datetime, str] | None,
    limit: int,
    now: datetime,
) -> list[KeptItem]:
    """Return at most `limit` items that a resident likes, or used, the latest first, after a moment and entry."""
    rows = own_lists.entries(rings, session, model, resident)
    if after is not None:
        at, key = after
        rows = [row for row in rows if row.at < at or (row.at == at and row.key > key)]
    hall = setting(rings, session, city, resident).hall
    cards = _cards(session, [row.key for row in rows[:limit]], city.halls[hall], now)
    return [KeptItem(row.key, row.at, cards[row.key]) for row in rows[:limit]]


def home(rings: KeyRings, session: Session, city: City, resident: UUID, now: datetime) -> Home:
    """Return a resident's home but its screen. Raises ResidentNotFound."""
    owners = list_owners.owner_ids(rings, resident)
    row = session.execute(queries.HOME, {"resident": resident, "owners": owners}).first()
    if row is None:
        raise ResidentNotFound
    choice = _setting(city, row.hall, row.age_mode) if row.hall is not None else Setting()
    favourites, recent = (
        [entry.key for entry in own_lists.entries(rings, session, model, resident, first=FIRST)]
        for model in (FavouriteItem, RecentItem)
    )
    cards = _cards(session, [*favourites, *recent], city.halls[choice.hall], now)
    return Home(
        setting=choice,
        real_name=row.assurance == _VERIFIED_LEVEL,
        followed=[one.slug for one in list_followed(rings, session, city, resident)],
        favourites=[cards[entry] for entry in favourites],
        recent=[cards[entry] for entry in recent],
    )


def _setting(city: City, hall: str, age_mode: str) -> Setting:
    return Setting(hall if hall in city.halls else CITY_HALL, age_mode)


def _setting_row(rings: KeyRings, session: Session, resident: UUID) -> ResidentHall | None:
    own = ResidentHall.resident_id.in_(list_owners.owner_ids(rings, resident))
    return session.scalars(select(ResidentHall).where(own).order_by(ResidentHall.updated_at.desc()).limit(1)).first()


def _entry(code: str) -> str:
    entry = offering.entry_of(code)
    if entry is None:
        raise errors.ItemNotFound
    return entry


def _require(session: Session, code: str, now: datetime) -> None:
    if not offering.source(session, [code], now):
        raise errors.ItemNotFound


def _cards(session: Session, entries: Sequence[str], district: str | None, now: datetime) -> dict[str, Card]:
    """Return cards of items in a district; of what no office does any more its name, so that nothing vanishes."""
    if not entries:
        return {}
    items = offering.source(session, entries, now)
    missing = [entry for entry in entries if entry not in items]
    names = offering.names(session, missing, now) if missing else {}
    cards: dict[str, Card] = {
        entry: offices.with_office(items[entry], district) | {"state": CURRENT_STATE} for entry in items
    }
    nobody: list[Mapping[str, Any]] = []
    for entry in missing:
        item = {"entry": entry, "name": names.get(entry, entry), "offices": nobody}
        cards[entry] = offices.with_office(item, district) | {"state": ENDED_STATE}
    return cards
