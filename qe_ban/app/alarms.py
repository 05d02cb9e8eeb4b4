"""What watches: the watches of all slices as schedules of the worker, and how many alarms are open as a metric."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy.orm import Session

from qe_ban.accounts import service as accounts
from qe_ban.app.assembly import Parts
from qe_ban.app.records import Step
from qe_ban.audit import service as audit
from qe_ban.codes import service as codes
from qe_ban.db.engine import Database, DatabaseUnavailable
from qe_ban.db.polled_cache import PolledCache
from qe_ban.health import service as health
from qe_ban.jobs import service as jobs
from qe_ban.kernel.city import City
from qe_ban.keys.rings import KeyRings
from qe_ban.web.metrics import Read


@dataclass(frozen=True, slots=True)
class _Read:
    """How many alarms of a kind are open, and how old the last seal was then, if any, at a moment of our own clock."""

    open: Mapping[audit.AlarmKind, int]
    sealed: float | None
    at: float


def watches(city: City, rings: KeyRings) -> Sequence[audit.Watch]:
    """Return all that is watched; how soon nobody can be elsewhere is the city's to say."""
    return (*audit.WATCHES, *codes.watches(rings, city.travel), *health.watches(), *accounts.WATCHES)


def schedules(made: Parts, require_right_clock: Step) -> list[jobs.Schedule]:
    """Give the schedules: looking each minute, and learning what is usual each hour."""
    watchman = audit.Watchman(made.database, watches(made.city, made.rings))

    def look(session: Session, now: datetime) -> None:
        require_right_clock(session, now)
        watchman.run(now)

    def learn(session: Session, now: datetime) -> None:
        require_right_clock(session, now)
        codes.learn_habits(session, now)

    return [
        jobs.Schedule("alarms.habits", timedelta(hours=1), learn),
        jobs.Schedule("alarms.watch", timedelta(minutes=1), look, commits=True),
    ]


def gauge(database: Database) -> Read:
    """Give what reads `qe_alarms_open` and the age of the last seal; connects at the first asking.

    Where PostgreSQL is away it tells nothing.
    """

    def load(session: Session, _before: object) -> _Read:
        return _Read(audit.count_open(session), audit.seconds_since_seal(session), time.monotonic())

    polled: PolledCache[_Read] = PolledCache(database, load)

    def read() -> Iterable[Metric]:
        try:
            found = polled.get()
        except DatabaseUnavailable:
            return []
        metric = GaugeMetricFamily("qe_alarms_open", "Alarms that nobody has closed yet.", labels=["kind"])
        for kind, number in found.open.items():
            metric.add_metric([kind.value], number)
        if found.sealed is None:
            return [metric]
        # a worker that is away raises no alarm: this is what tells
        age = found.sealed + time.monotonic() - found.at
        return [metric, GaugeMetricFamily("qe_audit_last_seal_seconds", "Age of the audit's last seal.", age)]

    return read
