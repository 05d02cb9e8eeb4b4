"""What health levels bring: changes by two persons, and corrections that residents ask for."""

from datetime import timedelta
from typing import Final

from qe_ban.composition import RetentionPlan, Schedule, Services, Slice, with_clock_check
from qe_ban.health import service
from qe_ban.health.routes import changes, corrections, mine
from qe_ban.health.service import Health, Upkeep, closing
from qe_ban.web.ranks import Operations, Rank


def _health(services: Services) -> Health:
    return Health(services.rings, services.city.health, frozenset(services.settings.outside.sources))


def _schedules(services: Services) -> list[Schedule]:
    # a level that ended, or that a rule changed, is told within seconds
    upkeep = with_clock_check(Upkeep(services.get(Health)).run)
    return [Schedule("health.levels", timedelta(seconds=10), upkeep)]


SLICE: Final = Slice(
    name="health",
    operations=(
        Operations(mine.blp, Rank.PEOPLE),
        Operations(changes.blp, Rank.STAFF),
        Operations(corrections.blp, Rank.STAFF),
    ),
    scopes=frozenset({"me.health", "health.read", "health.answer", "health.propose", "health.approve"}),
    retention=RetentionPlan(endings=service.ENDINGS),
    factories={Health: _health},
    schedules=_schedules,
    eraser=lambda _: closing.ERASER,
    detectors=lambda _: service.detectors(),
)
