"""What items bring: the catalogue of services, its search, imports and exports."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy.orm import Session

from qe_ban.composition import RetentionPlan, Runner, Schedule, Services, Slice
from qe_ban.db import valkey
from qe_ban.items.routes import departments, exports, imports, items, search, topics
from qe_ban.items.service import importing, indexing, misses, offering, publishing
from qe_ban.items.service.askers import Askers
from qe_ban.items.service.popularity import Popularity
from qe_ban.web.ranks import Operations, Rank

_BLUEPRINTS: Final = (search.blp, imports.blp, exports.blp, items.blp, departments.blp, topics.blp)
_CATALOGUE: Final = "the catalogue: all versions of what the city published"
_INDEX: Final = "the index of the catalogue"
_REGISTER: Final = "a register that staff keep: it has as many rows as there are of these, and names no resident"


def _popularity(services: Services) -> Popularity:
    return Popularity(valkey.connect(services.settings.redis_url), services.day_hashes.digest)


def _askers(services: Services) -> Askers:
    return Askers(valkey.connect(services.settings.redis_url), services.rings)


def _schedules(services: Services) -> list[Schedule]:
    def turn(session: Session, now: datetime) -> None:
        publishing.turn(session, now)

    return [
        Schedule("items.turn", timedelta(seconds=5), turn),
        Schedule("items.tidy", timedelta(seconds=60), indexing.tidy),
        Schedule("items.popularity", timedelta(hours=1), services.get(Popularity).fold),
    ]


def _runners(services: Services) -> Mapping[str, Runner]:
    return {importing.KIND: partial(importing.run, importing.Importer(services.city, services.clock))}


SLICE: Final = Slice(
    name="items",
    operations=tuple(Operations(blueprint, Rank.STAFF, reads=Rank.PAGES) for blueprint in _BLUEPRINTS),
    scopes=frozenset({"items.write", "items.vocabulary"}),
    retention=RetentionPlan(
        endings=(*misses.ENDINGS, *importing.ENDINGS),
        elsewhere={"imports": "with their jobs"},
        without_end={
            **dict.fromkeys(("departments", "synonym_groups", "topics"), _REGISTER),
            **dict.fromkeys(("entries", "items", "item_versions"), _CATALOGUE),
            **dict.fromkeys(("item_heads", "item_texts", "search_terms"), _INDEX),
        },
    ),
    factories={Popularity: _popularity, Askers: _askers},
    schedules=_schedules,
    runners=_runners,
    page_sources=lambda _: {"item": offering.source},
)
