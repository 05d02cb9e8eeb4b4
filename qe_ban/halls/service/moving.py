"""Moves residents' lists to the id of new rows: from the plain id, and from the hash of an older secret."""

import random
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Final
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from qe_ban.accounts.service import holding
from qe_ban.db.engine import Database
from qe_ban.db.walking import walk
from qe_ban.halls.models import FavouriteItem, FollowedHall, RecentItem, ResidentHall
from qe_ban.halls.queries import residents as queries
from qe_ban.halls.service import own_lists
from qe_ban.halls.service.list_owners import owner_ids
from qe_ban.halls.service.own_lists import OwnRow
from qe_ban.kernel.clock import Clock
from qe_ban.keys import moments, retirement
from qe_ban.keys.rings import KeyRings

STEP: Final = 200
_FIRST: Final = UUID(int=0)
_BY_TIME: Final = (FollowedHall, FavouriteItem, RecentItem)


def move(
    session: Session, rings: KeyRings, after: UUID, now: datetime, *, limit: int = STEP
) -> tuple[UUID | None, int]:
    """Move the lists of the next residents by id, in an order that is nobody's.

    Whose account somebody holds is passed over. Return up to which resident it came (None: there are no more) and how
    many had something to move: when nobody has, all is moved. Raises KeyMissing.
    """
    retirement.lengthen(session)
    residents = session.scalars(queries.NEXT_RESIDENTS, {"after": after, "limit": limit}).all()
    older = {owner: resident for resident in residents for owner in owner_ids(rings, resident)[1:]}
    results = {
        older[owner]
        for model in (ResidentHall, *_BY_TIME)
        for owner in session.scalars(select(model.resident_id).where(model.resident_id.in_(older)).distinct())
    }
    for resident in random.sample(sorted(results), len(results)):
        if holding.try_hold_alone(rings, session, resident):
            _move_lists(session, rings, resident, now)
    return (residents[-1] if len(residents) == limit else None), len(results)


def move_all(database: Database, rings: KeyRings, clock: Clock) -> int:
    """Move all lists, in steps of a transaction each; return how many residents had something to move."""
    return walk(database, lambda session, after: move(session, rings, after, clock()), _FIRST)


def _move_lists(session: Session, rings: KeyRings, resident: UUID, now: datetime) -> None:
    owners = owner_ids(rings, resident)
    for model in _BY_TIME:
        rows = own_lists.rows_of(rings, session, model, resident)
        for _, same in groupby(sorted(rows, key=own_lists.key_of), own_lists.key_of):
            _move_entry(session, rings, list(same), owners[0], now)
    _move_hall(session, owners)


def _move_entry(session: Session, rings: KeyRings, rows: Sequence[OwnRow], owner: UUID, now: datetime) -> None:
    """Leave one of the rows of one hall or item, as of its latest moment."""
    at = max(moments.read(rings, row, "at") or row.at for row in rows)
    standing = next((row for row in rows if row.resident_id == owner), None)
    for row in rows:
        if row is not standing:
            session.delete(row)
    row = standing or own_lists.new_row(type(rows[0]), owner, own_lists.key_of(rows[0]))
    own_lists.save(rings, session, row, now, at=at)


def _move_hall(session: Session, owners: Sequence[UUID]) -> None:
    query = select(ResidentHall).where(ResidentHall.resident_id.in_(owners)).order_by(ResidentHall.updated_at.desc())
    rows = session.scalars(query).all()
    if not rows:
        return
    latest = rows[0]
    values = {"hall": latest.hall, "age_mode": latest.age_mode, "updated_at": latest.updated_at}
    session.execute(delete(ResidentHall).where(ResidentHall.resident_id.in_(owners)))
    session.execute(insert(ResidentHall).values(resident_id=owners[0], **values))
