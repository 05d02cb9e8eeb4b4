"""How long it is known which items a resident opened; the other lists last as long as the resident keeps them."""

from typing import Final

from qe_ban.db.retention import Ending, Period, Schedule, delete_rows
from qe_ban.halls.models import RecentItem

ENDINGS: Final = (
    Ending(RecentItem, Period.SCANS, delete_rows(RecentItem, lambda before: RecentItem.at < before), Schedule.DAYS),
)
