"""Which version of a page is shown at a moment, when that changes, and at which times one may be published."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from qe_ban.kernel.shapes import Fault

GRACE: Final = timedelta(minutes=1)
"""So much a time may be past: who typed it took a moment to send it."""
FURTHEST: Final = timedelta(days=5 * 366)
"""So far ahead something may be planned; beyond it a year was mistyped."""


class Later(StrEnum):
    """What becomes of a version that waits, when something is published, rolled back, withdrawn or ended before it."""

    KEEP = "keep"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class Mark:
    """When a version is shown: from `starts_at` until `ends_at`, unless it was withdrawn."""

    number: int
    starts_at: datetime
    ends_at: datetime | None
    withdrawn: bool = False


def in_force(marks: Iterable[Mark], now: datetime) -> Mark | None:
    """Give the version that is shown: of those whose time it is the one that started last, then the highest number."""
    standing = (mark for mark in marks if _stands(mark, now))
    return max(standing, key=lambda mark: (mark.starts_at, mark.number), default=None)


def turns_at(marks: Iterable[Mark], now: datetime) -> datetime | None:
    """Give the next moment at which another version than now is shown, or none; None when that never comes."""
    known = [mark for mark in marks if not mark.withdrawn]
    bounds = {mark.starts_at for mark in known} | {mark.ends_at for mark in known if mark.ends_at is not None}
    shown = in_force(known, now)
    return next((bound for bound in sorted(bounds) if bound > now and in_force(known, bound) != shown), None)


def interrupting(marks: Iterable[Mark], starts_at: datetime, ends_at: datetime | None) -> list[Mark]:
    """Return, of versions that wait, those that would take the place of one shown at these times, the first first.

    One that begins together with it counts too: by its lower number it would never be shown.
    """
    later = (mark for mark in marks if not mark.withdrawn and mark.starts_at >= starts_at)
    within = (mark for mark in later if ends_at is None or mark.starts_at < ends_at)
    return sorted(within, key=lambda mark: (mark.starts_at, mark.number))


def faults_of_times(at: datetime | None, end_at: datetime | None, now: datetime) -> list[Fault]:
    """Give what is wrong with publishing at a time (None: now) until another (None: for good)."""
    found = []
    if at is not None and at < now - GRACE:
        found.append(Fault("at", "发布时间已经过去"))
    for place, moment in (("at", at), ("end_at", end_at)):
        if moment is not None and moment > now + FURTHEST:
            found.append(Fault(place, "时间过远，最多可安排五年以内"))
    if end_at is not None and end_at <= max(at or now, now):
        found.append(Fault("end_at", "结束时间须晚于发布时间" if at is not None else "结束时间须晚于现在"))
    return found


def _stands(mark: Mark, now: datetime) -> bool:
    return not mark.withdrawn and mark.starts_at <= now and (mark.ends_at is None or now < mark.ends_at)
