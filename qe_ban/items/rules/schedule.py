"""Which of an item's versions is in force when: the newest of those whose time has come."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from qe_ban.kernel.clock import CITY_TIME

GRACE: Final = timedelta(minutes=1)
"""A start that is so little past is now: it was typed on a form."""
FURTHEST: Final = timedelta(days=36525)


class VersionSource(StrEnum):
    """How a version came."""

    STAFF = "staff"
    IMPORT = "import"
    SAMPLE = "sample"


class State(StrEnum):
    """Where an item stands: not yet shown, shown, or still readable but over."""

    SCHEDULED = "scheduled"
    CURRENT = "current"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Mark:
    """A version's number and the moment from which it is to be in force."""

    number: int
    starts_at: datetime

    @property
    def replaced(self) -> str:
        """What people are told when another version takes its place before its time has come."""
        return f"原定于 {self.starts_at.astimezone(CITY_TIME):%Y-%m-%d %H:%M} 生效的第 {self.number} 版不再生效"


@dataclass(frozen=True, slots=True)
class Timeline:
    """An item's versions in time. `marks` are those that were, are or will be in force, in order of number and time.

    The rest were replaced before their time came.
    """

    marks: tuple[Mark, ...]

    @property
    def starts_at(self) -> datetime:
        """The moment of the first version."""
        return self.marks[0].starts_at

    def at(self, moment: datetime) -> Mark:
        """Give the version in force at a moment; before the item's start, the one that it starts with."""
        started = [mark for mark in self.marks if mark.starts_at <= moment]
        return started[-1] if started else self.marks[0]

    def next(self, moment: datetime) -> Mark | None:
        """Give the version that takes over next, after the one that is in force or that the item starts with."""
        current = self.at(moment)
        return next((mark for mark in self.marks if mark.number > current.number), None)

    def after(self, number: int) -> datetime | None:
        """Give the moment from which a later version than the one of a number is in force."""
        return next((mark.starts_at for mark in self.marks if mark.number > number), None)

    def before(self, number: int) -> int | None:
        """Give the number of the version that was in force before one."""
        earlier = [mark.number for mark in self.marks if mark.number < number]
        return earlier[-1] if earlier else None


def timeline(marks: Iterable[Mark]) -> Timeline:
    """Put an item's versions in time: a later number with an earlier start replaces a scheduled one for good."""
    kept: list[Mark] = []
    for mark in sorted(marks, key=lambda mark: mark.number, reverse=True):
        if not kept or mark.starts_at < kept[-1].starts_at:
            kept.append(mark)
    return Timeline(tuple(reversed(kept)))


def state(starts_at: datetime, ends_at: datetime | None, now: datetime) -> State:
    """Give the state of an item from its first start and its end; the end itself is over."""
    if now < starts_at:
        return State.SCHEDULED
    return State.ENDED if ends_at is not None and ends_at <= now else State.CURRENT


def faults_of_times(starts_at: datetime | None, ends_at: datetime | None, now: datetime) -> Mapping[str, str]:
    """Say what is wrong with a start and an end that staff type, by field: past, before the start, a century away."""
    found = {}
    if starts_at is not None and starts_at < now - GRACE:
        found["starts_at"] = "生效时间不能早于现在"
    if ends_at is not None and ends_at <= max(now, starts_at or now):
        found["ends_at"] = "终止时间须晚于现在和生效时间"
    for name, moment in (("starts_at", starts_at), ("ends_at", ends_at)):
        if moment is not None and moment > now + FURTHEST:
            found[name] = "时间过于遥远"
    return found
