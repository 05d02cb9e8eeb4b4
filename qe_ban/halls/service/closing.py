"""What halls keep of a resident, so that nothing of it stays when the account is closed."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from qe_ban.accounts.service import PersonalDataEraser
from qe_ban.halls.models import FavouriteItem, FollowedHall, RecentItem, ResidentHall
from qe_ban.halls.service.list_owners import owner_ids
from qe_ban.keys.rings import KeyRings

_LISTS: Final = (ResidentHall, FollowedHall, FavouriteItem, RecentItem)


def eraser(rings: KeyRings) -> PersonalDataEraser:
    """Return what halls keep of a resident. Its rows are no foreign keys, so the closing does not count them."""
    return PersonalDataEraser(count=partial(_count, rings), erase=partial(_erase, rings))


def _count(rings: KeyRings, session: Session, resident: UUID) -> Mapping[str, int]:
    owners = owner_ids(rings, resident)
    counts = (select(func.count()).where(model.resident_id.in_(owners)).scalar_subquery() for model in _LISTS)
    numbers = session.execute(select(*counts)).one()
    return dict(zip((model.__tablename__ for model in _LISTS), numbers, strict=True))


def _erase(rings: KeyRings, session: Session, resident: UUID, _now: datetime) -> None:
    """Delete a resident's rows."""
    owners = owner_ids(rings, resident)
    for model in _LISTS:
        session.execute(delete(model).where(model.resident_id.in_(owners)))
