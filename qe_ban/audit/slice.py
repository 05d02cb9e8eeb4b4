"""What the audit brings: its log, read by auditors, and alarms, read by whoever is on duty."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy.orm import Session

from qe_ban.audit import routes, service
from qe_ban.composition import (
    RetentionPlan,
    Schedule,
    Services,
    Slice,
    Step,
    sweeper,
    with_clock_check,
    with_clock_check_standalone,
)
from qe_ban.db.engine import DatabaseUnavailable
from qe_ban.db.polled_cache import PolledCache
from qe_ban.db.retention import Schedule as RetentionSchedule
from qe_ban.keys import lifecycle, rewrapping
from qe_ban.web.metrics import Read
from qe_ban.web.ranks import Operations, Rank


def _schedules(services: Services) -> list[Schedule]:
    database, rings, clock, settings = services.database, services.rings, services.clock, services.settings
    sealer = service.Sealer(database, rings, clock, settings.audit_heads)
    log = service.Retention(database, rings, clock, settings.retention.audit)
    others = sweeper(services, [RetentionSchedule.AUDIT])
    watchman = service.Watchman(database, services.collect(lambda slice_: slice_.detectors))

    def make_keys(session: Session, now: datetime) -> None:
        master = rewrapping.master_for_new(session, settings.master_key, settings.master_key_next)
        # what a program of the previous release has made since; it is recorded, which is why keys are made here
        service.adopt_keys(session, master, now)
        lifecycle.make_ahead(session, master, now)
        lifecycle.renew_signing(session, master, now)
        lifecycle.destroy_old(session, now)

    def end(_now: datetime) -> None:
        log.run()
        others.run()

    seconds, minute = timedelta(seconds=10), timedelta(minutes=1)
    return [
        # a worker of the previous release has `keys` and makes no key for the audit: its run must not stand for this
        Schedule("keys.ahead", 10 * minute, with_clock_check(make_keys)),
        Schedule("audit.seal", seconds, with_clock_check_standalone(lambda _: sealer.run()), commits=True),
        Schedule("audit.retention", 10 * minute, with_clock_check_standalone(end), commits=True),
        Schedule("alarms.watch", minute, with_clock_check_standalone(watchman.run), commits=True),
    ]


def _partitions(services: Services) -> Sequence[Step]:
    days = services.settings.retention
    return (
        service.make_months,
        lambda session, now: service.drop_months(session, now, days.audit),
        # what an alarm says of scans goes with them
        lambda session, now: service.forget_holders(session, now - timedelta(days=days.scans)),
    )


@dataclass(frozen=True, slots=True)
class _Figures:
    """How many alarms of a kind are open, and how old the last seal was then, if any, at a moment of our own clock."""

    open: Mapping[service.AlarmKind, int]
    seal_age: float | None
    at: float


def _metrics(services: Services) -> tuple[Read]:
    """Return what reads `qe_alarms_open` and the age of the last seal; where PostgreSQL is away it gives nothing."""

    def load(session: Session, _before: object) -> _Figures:
        return _Figures(service.count_open(session), service.seconds_since_seal(session), time.monotonic())

    cache: PolledCache[_Figures] = PolledCache(services.database, load)

    def read() -> Iterable[Metric]:
        try:
            figures = cache.get()
        except DatabaseUnavailable:
            return []
        metric = GaugeMetricFamily("qe_alarms_open", "Alarms that nobody has closed yet.", labels=["kind"])
        for kind, number in figures.open.items():
            metric.add_metric([kind.value], number)
        if figures.seal_age is None:
            return [metric]
        # a worker that is away raises no alarm: this is what tells
        age = figures.seal_age + time.monotonic() - figures.at
        return [metric, GaugeMetricFamily("qe_audit_last_seal_seconds", "Age of the audit's last seal.", age)]

    return (read,)


SLICE: Final = Slice(
    name="audit",
    operations=(Operations(routes.blp, Rank.STAFF), Operations(routes.alarms, Rank.STAFF)),
    scopes=frozenset({"audit.read", "alarms.read", "alarms.close"}),
    retention=RetentionPlan(
        endings=service.ENDINGS,
        elsewhere={
            "audit_events": "400 days from their seal, by `audit.retention`: each erasure is signed and sealed",
            "audit_leaves": "with their events",
        },
        without_end={"audit_seals": "the chain: without a link nobody can check the others"},
    ),
    schedules=_schedules,
    partitions=_partitions,
    detectors=lambda _: service.WATCHES,
    metrics=_metrics,
)
