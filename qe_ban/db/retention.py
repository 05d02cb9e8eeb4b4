"""When rows end: slices declare for their tables what goes and when, and the worker carries that out in small steps."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, TypeAlias, cast

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    and_,
    any_,
    delete,
    exists,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from qe_ban.db.base import Base
from qe_ban.db.engine import Database
from qe_ban.kernel.clock import Clock, start_of_day

STEP: Final = 1000
"""Rows that one transaction takes, so that nobody waits for one and an interruption loses one."""
_SECONDS: Final = 20.0

Over: TypeAlias = Callable[[datetime], ColumnElement[bool]]
"""Returns the condition that a row's time ended before a moment."""
Step: TypeAlias = Callable[[Session, datetime], int]
"""Ends some rows whose time ended before a moment; returns how many, 0 where none is left."""


class Period(StrEnum):
    """A time that the operator sets, in days; the name of the setting is in docs/install.md."""

    SCANS = "scans"
    AUDIT = "audit"
    DISPUTES = "disputes"
    RECORDS = "records"


class Schedule(StrEnum):
    """The worker's schedules that end rows."""

    MOMENTS = "sweep"
    SCANS = "scans.retention"
    AUDIT = "audit.retention"
    DAYS = "retention"


@dataclass(frozen=True, slots=True)
class Ending:
    """When rows of a table end: `period` after the moment that `step` looks at.

    On `Schedule.DAYS` that many whole days of the city, so that a row goes at a midnight. `columns`: what is emptied;
    without any the row goes, and what `also` names goes with it.
    """

    model: type[Base]
    period: timedelta | Period
    step: Step
    schedule: Schedule = Schedule.MOMENTS
    columns: tuple[str, ...] = ()
    also: tuple[type[Base], ...] = ()

    def before(self, now: datetime, days: Mapping[Period, int]) -> datetime:
        """Return the moment before which a row's time has ended."""
        duration = timedelta(days=days[self.period]) if isinstance(self.period, Period) else self.period
        return start_of_day(now) - duration if self.schedule is Schedule.DAYS else now - duration


class Sweeper:
    """Carries out endings; any number of workers may at the same time."""

    def __init__(self, database: Database, clock: Clock, endings: Iterable[Ending], days: Mapping[Period, int]) -> None:
        self._database, self._clock, self._endings, self._days = database, clock, tuple(endings), days

    def run(self) -> int:
        """End what is due, for at most twenty seconds; returns how many rows. Raises DatabaseUnavailable.

        The tables take turns, so that a large one does not keep the others waiting until the next run.
        """
        total, until, waiting = 0, time.monotonic() + _SECONDS, list(self._endings)
        while waiting:
            for ending in tuple(waiting):
                if time.monotonic() >= until:
                    return total
                with self._database.transaction() as session:
                    count = ending.step(session, ending.before(self._clock(), self._days))
                total += count
                if not count:
                    waiting.remove(ending)
        return total


def delete_rows(model: type[Base], over: Over, *, step_size: int = STEP) -> Step:
    """Return the step that deletes rows. What another transaction holds is left for the next run."""

    def step(session: Session, before: datetime) -> int:
        return _rows(session, delete(model).where(_some(model, over(before), step_size)))

    return step


def empty_columns(model: type[Base], over: Over, names: tuple[str, ...]) -> Step:
    """Return the step that empties columns of rows."""

    def step(session: Session, before: datetime) -> int:
        has_any = or_(*(getattr(model, name).is_not(None) for name in names))
        some = _some(model, and_(over(before), has_any), STEP)
        return _rows(session, update(model).where(some).values(dict.fromkeys(names)))

    return step


def is_unreferenced(model: type[Base]) -> ColumnElement[bool]:
    """Return the condition that no row of another table refers to a row, found from the foreign keys.

    Only for rows that nothing refers to anew: a reference that is written at this moment is not seen.
    """
    table = model.__table__
    keys = [
        key
        for other in Base.metadata.tables.values()
        for key in other.foreign_keys
        if key.column.table is table and key.ondelete is None
    ]
    return and_(*(~exists().where(key.parent == key.column) for key in keys))


def _some(model: type[Base], condition: ColumnElement[bool], number: int) -> ColumnElement[bool]:
    """Return the condition that a row is one of at most `number` that this one locks, by their places in the table.

    A row that changed in between stands at another place.
    """
    place: ColumnElement[Any] = literal_column(f"{model.__tablename__}.ctid")
    places = select(place).select_from(model).where(condition).limit(number).with_for_update(of=model, skip_locked=True)
    places = places.correlate(None)
    return place == any_(func.array(places.scalar_subquery()))


def _rows(session: Session, statement: Any) -> int:
    result = session.execute(statement.execution_options(synchronize_session=False))
    return cast("CursorResult[Any]", result).rowcount
