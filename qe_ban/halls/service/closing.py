"""What halls keep of a resident, so that nothing of it stays when the account is closed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from qe_ban.accounts.service import Estate
from qe_ban.halls.models import FavouriteItem, FollowedHall, RecentItem, ResidentHall

_KEPT: Final = (ResidentHall, FollowedHall, FavouriteItem, RecentItem)


def count(session: Session, resident: UUID) -> Mapping[str, int]:
    """Give a resident's rows by table."""
    return {
        model.__tablename__: session.scalar(select(func.count()).where(model.resident_id == resident)) or 0
        for model in _KEPT
    }


def erase(session: Session, resident: UUID, _now: datetime) -> None:
    """Delete them."""
    for model in _KEPT:
        session.execute(delete(model).where(model.resident_id == resident))


ESTATE: Final = Estate(count, erase)
