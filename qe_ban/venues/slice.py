"""What venues bring: places where codes are scanned, and the scanners there."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from qe_ban.composition import RetentionPlan, Schedule, Services, Slice
from qe_ban.venues import routes, service
from qe_ban.web.ranks import Operations, Rank


def _schedules(services: Services) -> list[Schedule]:
    def flag_names(session: Session, _now: datetime) -> None:
        service.flag_names(session, services.city)

    return [Schedule("venues.names", timedelta(hours=1), flag_names)]


SLICE: Final = Slice(
    name="venues",
    operations=(Operations(routes.blp, Rank.STAFF),),
    scopes=frozenset({"venues.read", "venues.write"}),
    retention=RetentionPlan(
        endings=service.ENDINGS,
        without_end={
            "venues": "a register that staff keep: it names no resident",
            "scanners": "a register that staff keep: it names no resident",
            "venue_officers": "who had a part in a venue never answers a dispute there",
            "venue_versions": "what a venue was called, for scans and disputes of before; it names no resident",
        },
    ),
    schedules=_schedules,
)
