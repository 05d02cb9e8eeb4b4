"""A resident's lists by time, the latest first: halls that are followed, items that are kept and used.

The columns say days, so the order comes from the sealed moments; a list has two hundred rows at most.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import cast
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from qe_ban.halls.models import FavouriteItem, FollowedHall, RecentItem
from qe_ban.halls.service.list_owners import owner_ids
from qe_ban.kernel.clock import start_of_day
from qe_ban.keys import moments
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
    # an entry that stands under two ids is there once, as of its later day
    sorted_rows = sorted(rows_of(rings, session, model, resident), key=_day_of)
    rows = {key_of(row): row for row in sorted_rows}.values()
    newest: list[Entry] = []
    # the columns order the days: only as many days are opened as are asked for
    for _, day in groupby(sorted(rows, key=_day_of, reverse=True), _day_of):
        if first is not None and len(newest) >= first:
            break
        of_day = [Entry(key_of(row), moments.read(rings, row, "at") or row.at) for row in day]
        of_day.sort(key=lambda entry: entry.key)
        of_day.sort(key=lambda entry: entry.at, reverse=True)
        newest += of_day
    return newest[:first]


def rows_of(rings: KeyRings, session: Session, model: type[OwnRow], resident: UUID) -> Sequence[OwnRow]:
    """Return a resident's rows of a list. Raises KeyMissing."""
    return cast("Sequence[OwnRow]", session.scalars(select(model).where(is_own(rings, model, resident))).all())


def find(rings: KeyRings, session: Session, model: type[OwnRow], resident: UUID, key: str) -> OwnRow | None:
    """Return a resident's row of a hall or item, as it stands now. Raises KeyMissing."""
    query = select(model).where(is_own(rings, model, resident), key_column(model) == key).order_by(model.at.desc())
    row = session.scalars(query.limit(1).execution_options(populate_existing=True)).first()
    return cast("OwnRow | None", row)


def save(rings: KeyRings, session: Session, row: OwnRow, now: datetime, *, at: datetime | None = None) -> None:
    """Store a row that is there as of `at`, or now, new or not; never earlier than it was. Raises KeyMissing."""
    before, at = moments.read(rings, row, "at"), at or now
    # the number of a data key would say whose the row is
    moments.write(rings, row, now, data_key=None, at=max(before, at) if before is not None else at)
    session.add(row)
    session.flush()


def delete_one(rings: KeyRings, session: Session, model: type[OwnRow], resident: UUID, key: str) -> None:
    """Delete a resident's row of a hall or item, if there is one. Raises KeyMissing."""
    session.execute(delete(model).where(is_own(rings, model, resident), key_column(model) == key))


def forget_beyond(rings: KeyRings, session: Session, resident: UUID, max_items: int) -> None:
    """Leave the `max_items` newest items that a resident used."""
    beyond = [entry.key for entry in entries(rings, session, RecentItem, resident)[max_items:]]
    if beyond:
        query = delete(RecentItem).where(is_own(rings, RecentItem, resident), RecentItem.entry.in_(beyond))
        session.execute(query.execution_options(synchronize_session=False))


def is_own(rings: KeyRings, model: type[OwnRow], resident: UUID) -> ColumnElement[bool]:
    """Return the condition that a row is a resident's. Raises KeyMissing."""
    return model.resident_id.in_(owner_ids(rings, resident))


def key_of(row: OwnRow) -> str:
    """Return the hall or entry that a row is of."""
    return row.hall if isinstance(row, FollowedHall) else row.entry


def key_column(model: type[OwnRow]) -> InstrumentedAttribute[str]:
    """Return the column of the hall or entry."""
    return model.hall if issubclass(model, FollowedHall) else model.entry


def new_row(model: type[OwnRow], owner: UUID, key: str) -> OwnRow:
    """Return a row that stands under an id."""
    return model(resident_id=owner, **{key_column(model).key: key})


def _day_of(row: OwnRow) -> datetime:
    return start_of_day(row.at)
