"""Schedules: what runs every so often, each run taken by one worker of all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, and_, false, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from qe_ban.db.engine import Database
from qe_ban.jobs import rules
from qe_ban.jobs.models import ScheduleRow
from qe_ban.jobs.service import times
from qe_ban.kernel.clock import Clock
from qe_ban.kernel.errors import DomainError

_log = structlog.get_logger("qe_ban.jobs")


@dataclass(frozen=True, slots=True)
class Schedule:
    """Something that runs every so often, in a transaction of its own, on one worker of all.

    `commits`: it does its work in other transactions, and this one, which says whose turn it is, may idle for an hour.
    """

    name: str
    every: timedelta
    run: Callable[[Session, datetime], None]
    commits: bool = False


def _is_due(schedule: Schedule, now: datetime) -> ColumnElement[bool]:
    """Return whether a schedule is due; a turn that only a clock far ahead can have put off is due as well."""
    ahead = now + schedule.every + rules.CLOCKS_APART
    next_run = ScheduleRow.next_run_at
    return and_(ScheduleRow.name == schedule.name, or_(next_run <= now, next_run > ahead))


class Schedules:
    """Runs the schedules that are due."""

    def __init__(self, database: Database, clock: Clock, schedules: Sequence[Schedule]) -> None:
        self._database, self._clock, self._schedules = database, clock, tuple(schedules)
        self._rows_made = False

    def run_due(self) -> bool:
        """Run each schedule that is due and that nobody else has; False where none ran. Raises DatabaseUnavailable.

        An error that no schedule may raise comes through.
        """
        ran = [self._run(schedule) for schedule in self._due()]
        return any(ran)

    def _due(self) -> list[Schedule]:
        """Look which of our schedules are due; a name that was never seen is due now."""
        now = self._clock()
        names = [schedule.name for schedule in self._schedules]
        with self._database.transaction() as session:
            if names and not self._rows_made:
                rows = [{"name": name, "next_run_at": now} for name in names]
                session.execute(insert(ScheduleRow).values(rows).on_conflict_do_nothing(index_elements=["name"]))
            due = [_is_due(schedule, now) for schedule in self._schedules]
            due_names = set(session.scalars(select(ScheduleRow.name).where(or_(false(), *due))))
        self._rows_made = True
        return [schedule for schedule in self._schedules if schedule.name in due_names]

    def _run(self, schedule: Schedule) -> bool:
        """Take the run if nobody else has it; what was missed, however often, is made up for by one run."""
        now = self._clock()
        due_row = select(ScheduleRow).where(_is_due(schedule, now)).with_for_update(skip_locked=True)
        try:
            with self._database.transaction() as session:
                row = session.scalar(due_row)
                if row is None:
                    return False
                times.lengthen(session, idle=rules.TURN_SECONDS if schedule.commits else rules.STEP_SECONDS)
                schedule.run(session, now)
                row.next_run_at, row.last_run_at = now + schedule.every, now
        except DomainError as error:
            _log.error("schedule.failed", schedule=schedule.name, code=error.code)
            self._postpone(schedule, now)
            return False
        return True

    def _postpone(self, schedule: Schedule, now: datetime) -> None:
        again = now + min(schedule.every, rules.SCHEDULE_RETRY)
        row = update(ScheduleRow).where(_is_due(schedule, now))
        with self._database.transaction() as session:
            session.execute(row.values(next_run_at=again))
