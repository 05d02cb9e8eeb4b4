"""A resident's lists by time, the latest first: halls that are followed, items that are kept and used.

The columns say days, so the order comes from the sealed moments; a list has two hundred rows at most.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import cast
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from qe_ban.halls.models import FavouriteItem, FollowedHall, RecentItem
from qe_ban.kernel.clock import start_of_day
from qe_ban.keys import data_keys, moments
from qe_ban.keys.data_keys import Owner
from qe_ban.keys.rings import KeyRings

OwnRow = FollowedHall | FavouriteItem | RecentItem


@dataclass(frozen=True, slots=True)
class Entry:
    """A hall or item of a list, by its slug or entry, and since when it is there."""

    key: str
    at: datetime


def entries(
    rings: KeyRings, session: Session, model: type[OwnRow], resident: UUID, *, first: int | None = None
) -> list[Entry]:
    """Return a resident's list, or the `first` of it, the latest first. Raises SealBroken, KeyMissing."""
    rows = cast("Sequence[OwnRow]", session.scalars(select(model).where(model.resident_id == resident)).all())
    newest: list[Entry] = []
    # the columns order the days: only as many days are opened as are asked for
    for _, day in groupby(sorted(rows, key=_day_of, reverse=True), _day_of):
        if first is not None and len(newest) >= first:
            break
        of_day = [Entry(_key_of(row), moments.read(rings, row, "at") or row.at) for row in day]
        of_day.sort(key=lambda entry: entry.key)
        of_day.sort(key=lambda entry: entry.at, reverse=True)
        newest += of_day
    return newest[:first]


def save(rings: KeyRings, session: Session, row: OwnRow, now: datetime) -> None:
    """Store a row that is there as of now, new or not; never earlier than it was. Raises KeyMissing."""
    before = moments.read(rings, row, "at")
    data_key = data_keys.number_for(session, Owner.RESIDENT, row.resident_id)
    moments.write(rings, row, now, data_key=data_key, at=max(before, now) if before is not None else now)
    session.add(row)
    session.flush()


def forget_beyond(rings: KeyRings, session: Session, resident: UUID, max_items: int) -> None:
    """Leave the `max_items` newest items that a resident used."""
    beyond = [entry.key for entry in entries(rings, session, RecentItem, resident)[max_items:]]
    if beyond:
        query = delete(RecentItem).where(RecentItem.resident_id == resident, RecentItem.entry.in_(beyond))
        session.execute(query.execution_options(synchronize_session=False))


def _day_of(row: OwnRow) -> datetime:
    return start_of_day(row.at)


def _key_of(row: OwnRow) -> str:
    return row.hall if isinstance(row, FollowedHall) else row.entry
