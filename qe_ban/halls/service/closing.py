"""What halls keep of a resident, so that nothing of it stays when the account is closed."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from qe_ban.accounts.service import Estate, count_nothing_more
from qe_ban.halls.models import FavouriteItem, FollowedHall, RecentItem, ResidentHall

_KEPT: Final = (ResidentHall, FollowedHall, FavouriteItem, RecentItem)


def erase(session: Session, resident: UUID, _now: datetime) -> None:
    """Delete a resident's rows."""
    for model in _KEPT:
        session.execute(delete(model).where(model.resident_id == resident))


ESTATE: Final = Estate(count_nothing_more, erase)
