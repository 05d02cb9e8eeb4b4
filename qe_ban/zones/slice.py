"""What zones bring: their pages and lists, demands, and the end of a zone."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from qe_ban.accounts.service import Accounts
from qe_ban.composition import (
    PageDeclaration,
    RetentionPlan,
    Schedule,
    Services,
    Slice,
    Source,
    with_clock_check,
)
from qe_ban.keys.data_keys import Owner
from qe_ban.publishing.rules.states import PageKind
from qe_ban.web.ranks import Operations, Rank
from qe_ban.zones.routes import demands, ending, handling, screens
from qe_ban.zones.service import closing, purge, retention
from qe_ban.zones.service import screens as pages
from qe_ban.zones.service.screens import Zones


def _schedules(services: Services) -> list[Schedule]:
    backups = services.get(Accounts).retention.backups

    def end_zones(session: Session, now: datetime) -> None:
        purge.run(session, now, backups)

    return [Schedule("zones.sunset", timedelta(minutes=1), with_clock_check(end_zones))]


def _end_demands(services: Services, demands: Sequence[UUID]) -> None:
    with services.database.transaction() as session:
        closing.erase_demands(session, demands, services.clock())


def _page_types(services: Services) -> Mapping[PageKind, PageDeclaration]:
    zones = Zones(services.city, services.merge(lambda slice_: slice_.page_sources))
    return {PageKind.ZONE: PageDeclaration(zones.page_type(), zones.load, services.city.zones)}


def _page_sources(services: Services) -> Mapping[str, Source]:
    return {"zone": lambda session, keys, now: pages.source(services.city, session, keys, now)}


SLICE: Final = Slice(
    name="zones",
    operations=(
        Operations(screens.blp, Rank.STAFF, reads=Rank.PAGES),
        Operations(demands.sending, Rank.STAFF),
        Operations(demands.mine, Rank.PEOPLE),
        Operations(handling.blp, Rank.STAFF, reads=Rank.PAGES),
        Operations(ending.blp, Rank.STAFF, reads=Rank.PAGES),
    ),
    scopes=frozenset({"me.demands", "demands.handle", "zones.end"}),
    retention=RetentionPlan(
        endings=retention.ENDINGS,
        without_end={"zone_sunsets": "one row a zone's end: the report that proves the deletion"},
    ),
    schedules=_schedules,
    eraser=lambda _: closing.ERASER,
    restore_cleanup={Owner.DEMAND: _end_demands},
    page_types=_page_types,
    page_sources=_page_sources,
)
