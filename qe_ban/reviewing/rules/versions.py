"""Which version of a document is in force at a moment, when that changes, and for which times one may be published."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from qe_ban.kernel.shapes import Fault

GRACE: Final = timedelta(minutes=1)
"""How far in the past a time may lie: whoever typed it took a moment to send it."""
MAX_AHEAD: Final = timedelta(days=5 * 366)
"""How far ahead a version may be scheduled; beyond it a year was mistyped."""


class ScheduledPolicy(StrEnum):
    """What becomes of scheduled versions when another is published, rolled back or withdrawn before they begin."""

    KEEP = "keep"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class VersionPeriod:
    """When a version can be in force: from `starts_at` until `ends_at`, unless it was withdrawn."""

    number: int
    starts_at: datetime
    ends_at: datetime | None
    withdrawn: bool = False


def find_in_force(periods: Iterable[VersionPeriod], now: datetime) -> VersionPeriod | None:
    """Return the version in force: of those whose time it is the one that started last, then the highest number."""
    current = (period for period in periods if _includes(period, now))
    return max(current, key=lambda period: (period.starts_at, period.number), default=None)


def find_next_change(periods: Iterable[VersionPeriod], now: datetime) -> datetime | None:
    """Return the next moment at which another version than now is in force, or none; None when that never comes."""
    candidates = [period for period in periods if not period.withdrawn]
    bounds = {period.starts_at for period in candidates}
    bounds |= {period.ends_at for period in candidates if period.ends_at is not None}
    current = find_in_force(candidates, now)
    to_come = sorted(bound for bound in bounds if bound > now)
    return next((bound for bound in to_come if find_in_force(candidates, bound) != current), None)


def find_successors(
    periods: Iterable[VersionPeriod], starts_at: datetime, ends_at: datetime | None
) -> list[VersionPeriod]:
    """Return, of scheduled versions, those that would replace one in force at these times, the first first.

    One that begins at the same moment counts too: because of its lower number it would never be in force.
    """
    later = (period for period in periods if not period.withdrawn and period.starts_at >= starts_at)
    within = (period for period in later if ends_at is None or period.starts_at < ends_at)
    return sorted(within, key=lambda period: (period.starts_at, period.number))


def find_schedule_faults(at: datetime | None, end_at: datetime | None, now: datetime) -> list[Fault]:
    """Return what is wrong with publishing at a time (None: now) until another (None: for good)."""
    faults = []
    if at is not None and at < now - GRACE:
        faults.append(Fault("at", "发布时间已经过去"))
    for place, moment in (("at", at), ("end_at", end_at)):
        if moment is not None and moment > now + MAX_AHEAD:
            faults.append(Fault(place, "时间过远，最多可安排五年以内"))
    if end_at is not None and end_at <= max(at or now, now):
        faults.append(Fault("end_at", "结束时间须晚于发布时间" if at is not None else "结束时间须晚于现在"))
    return faults


def _includes(period: VersionPeriod, now: datetime) -> bool:
    return not period.withdrawn and period.starts_at <= now and (period.ends_at is None or now < period.ends_at)
