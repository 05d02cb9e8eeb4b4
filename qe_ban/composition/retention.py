"""Carries out the endings that all slices declare for their tables."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Final

from qe_ban.composition.declaration import Slice
from qe_ban.composition.services import Services
from qe_ban.config import Retention
from qe_ban.db.retention import Ending, Period, Schedule, Sweeper

EVERY: Final = {
    Schedule.MOMENTS: timedelta(minutes=5),
    Schedule.SCANS: timedelta(minutes=10),
    Schedule.AUDIT: timedelta(minutes=10),
    Schedule.DAYS: timedelta(hours=1),
}


def endings(slices: Sequence[Slice]) -> tuple[Ending, ...]:
    """Return all endings, those of upper slices first: what refers to other rows goes before them."""
    return tuple(ending for slice_ in reversed(slices) for ending in slice_.retention.endings)


def days(settings: Retention) -> Mapping[Period, int]:
    """Return the days of each period as they are set."""
    return {
        Period.SCANS: settings.scans,
        Period.AUDIT: settings.audit,
        Period.DISPUTES: settings.disputes,
        Period.RECORDS: settings.records,
    }


def sweeper(services: Services, schedules: Iterable[Schedule] = Schedule) -> Sweeper:
    """Return what carries out the endings of these schedules."""
    due = set(schedules)
    of_schedules = [ending for ending in endings(services.slices) if ending.schedule in due]
    return Sweeper(services.database, services.clock, of_schedules, days(services.settings.retention))
