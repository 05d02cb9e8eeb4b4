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
from qe_ban.halls.service import own_lists
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
CURRENT, ENDED = "current", "ended"
_VERIFIED: Final = "verified"

Kept = type[FavouriteItem] | type[RecentItem]
Card = Mapping[str, Any]
"""What is told of a kept item: as a screen tells it (publishing.rules.offices), and its `state`."""


@dataclass(frozen=True, slots=True)
class Setting:
    """The hall that a resident's home shows, and how large it is written."""

    hall: str = CITY_HALL
    age_mode: str = STANDARD


@dataclass(frozen=True, slots=True)
class Followed:
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


def setting(session: Session, city: City, resident: UUID) -> Setting:
    """Give a resident's hall and size of letters: the city's hall where none was chosen, or it is there no more."""
    row = session.get(ResidentHall, resident)
    return _setting(city, row.hall, row.age_mode) if row is not None else Setting()


def choose(session: Session, city: City, resident: UUID, wanted: Setting, now: datetime) -> None:
    """Keep a resident's hall and size of letters. Raises HallUnknown."""
    if wanted.hall not in city.halls:
        raise errors.HallUnknown
    said = {"hall": wanted.hall, "age_mode": wanted.age_mode, "updated_at": start_of_day(now)}
    row = insert(ResidentHall).values(resident_id=resident, **said)
    session.execute(row.on_conflict_do_update(index_elements=["resident_id"], set_=said))


def followed(rings: KeyRings, session: Session, city: City, resident: UUID) -> list[Followed]:
    """Return the halls that a resident follows, the latest first."""
    entries = own_lists.entries(rings, session, FollowedHall, resident)
    return [Followed(entry.key, entry.at) for entry in entries if entry.key in city.halls]


def follow(rings: KeyRings, session: Session, city: City, resident: UUID, slug: str, now: datetime) -> None:
    """Follow a hall; one that is followed stays as it is. Raises HallNotFound, TooManyFollowed."""
    if slug not in city.halls:
        raise errors.HallNotFound
    _hold(session, resident)
    if session.get(FollowedHall, (resident, slug)) is None:
        # halls that are there no more take no room
        if len(followed(rings, session, city, resident)) >= MOST_FOLLOWED:
            raise errors.TooManyFollowed(f"最多关注 {MOST_FOLLOWED} 个分厅，请先取消一些", most=MOST_FOLLOWED)
        own_lists.save(rings, session, FollowedHall(resident_id=resident, hall=slug), now)


def unfollow(session: Session, resident: UUID, slug: str) -> None:
    """Follow a hall no more, whether or not it was followed."""
    session.execute(delete(FollowedHall).where(FollowedHall.resident_id == resident, FollowedHall.hall == slug))


def favour(rings: KeyRings, session: Session, resident: UUID, code: str, now: datetime) -> None:
    """Keep an item, by an entry or the code of an item of it; one that is kept stays as it is, also when it has ended.

    Raises ItemNotFound, TooManyFavourites.
    """
    entry = _entry(code)
    _hold(session, resident)
    if session.get(FavouriteItem, (resident, entry)) is not None:
        return
    _require(session, code, now)
    mine = select(func.count()).select_from(FavouriteItem).where(FavouriteItem.resident_id == resident)
    if (session.scalar(mine) or 0) >= MOST_FAVOURITES:
        raise errors.TooManyFavourites(f"最多收藏 {MOST_FAVOURITES} 个事项，请先取消一些", most=MOST_FAVOURITES)
    own_lists.save(rings, session, FavouriteItem(resident_id=resident, entry=entry), now)


def disfavour(session: Session, resident: UUID, code: str) -> None:
    """Keep an item no more, whether or not it was kept."""
    entry = offering.entry_of(code)
    session.execute(delete(FavouriteItem).where(FavouriteItem.resident_id == resident, FavouriteItem.entry == entry))


def use(rings: KeyRings, session: Session, resident: UUID, code: str, now: datetime) -> None:
    """Note that an item was opened just now; only the newest are kept. Raises ItemNotFound."""
    entry = _entry(code)
    _require(session, code, now)
    _hold(session, resident)
    row = session.get(RecentItem, (resident, entry), populate_existing=True)
    own_lists.save(rings, session, row or RecentItem(resident_id=resident, entry=entry), now)
    own_lists.forget_beyond(rings, session, resident, MOST_RECENT)


def forget(session: Session, resident: UUID) -> None:
    """Forget all that was opened."""
    # else it and `use` could each wait for a row that the other has
    _hold(session, resident)
    session.execute(delete(RecentItem).where(RecentItem.resident_id == resident))


def kept(
    rings: KeyRings,
    session: Session,
    city: City,
    resident: UUID,
    model: Kept,
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
    hall = setting(session, city, resident).hall
    cards = _cards(session, [row.key for row in rows[:limit]], city.halls[hall], now)
    return [KeptItem(row.key, row.at, cards[row.key]) for row in rows[:limit]]


def home(rings: KeyRings, session: Session, city: City, resident: UUID, now: datetime) -> Home:
    """Give a resident's home but its screen. Raises ResidentNotFound."""
    row = session.execute(queries.HOME, {"resident": resident}).first()
    if row is None:
        raise ResidentNotFound
    chosen = _setting(city, row.hall, row.age_mode) if row.hall is not None else Setting()
    favourites, recent = (
        [entry.key for entry in own_lists.entries(rings, session, model, resident, first=FIRST)]
        for model in (FavouriteItem, RecentItem)
    )
    cards = _cards(session, [*favourites, *recent], city.halls[chosen.hall], now)
    return Home(
        setting=chosen,
        real_name=row.assurance == _VERIFIED,
        followed=[one.slug for one in followed(rings, session, city, resident)],
        favourites=[cards[entry] for entry in favourites],
        recent=[cards[entry] for entry in recent],
    )


def _setting(city: City, hall: str, age_mode: str) -> Setting:
    return Setting(hall if hall in city.halls else CITY_HALL, age_mode)


def _hold(session: Session, resident: UUID) -> None:
    if session.scalar(queries.HOLD, {"resident": resident}) is None:
        raise ResidentNotFound


def _entry(code: str) -> str:
    entry = offering.entry_of(code)
    if entry is None:
        raise errors.ItemNotFound
    return entry


def _require(session: Session, code: str, now: datetime) -> None:
    if not offering.source(session, [code], now):
        raise errors.ItemNotFound


def _cards(session: Session, entries: Sequence[str], district: str | None, now: datetime) -> dict[str, Card]:
    """Give what is told of items in a district: of what no office does any more its name, so that nothing vanishes."""
    if not entries:
        return {}
    found = offering.source(session, entries, now)
    gone = [entry for entry in entries if entry not in found]
    names = offering.names(session, gone, now) if gone else {}
    cards: dict[str, Card] = {entry: offices.chosen(found[entry], district) | {"state": CURRENT} for entry in found}
    nobody: list[Mapping[str, Any]] = []
    for entry in gone:
        item = {"entry": entry, "name": names.get(entry, entry), "offices": nobody}
        cards[entry] = offices.chosen(item, district) | {"state": ENDED}
    return cards
