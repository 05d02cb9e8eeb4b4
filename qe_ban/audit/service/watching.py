"""Watches: each looks at a window of time for what is enough for an alarm, and counts no fact twice."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias
from uuid import UUID

import structlog
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from qe_ban.audit.models import Alarm, AuditEvent, Seal
from qe_ban.audit.queries import rows
from qe_ban.audit.queries import watching as queries
from qe_ban.audit.rules import SEAL_OVERDUE_AFTER
from qe_ban.audit.rules import alarms as rules
from qe_ban.audit.rules.alarms import AlarmKind
from qe_ban.audit.service import alarms
from qe_ban.audit.service.sealing import unsealed_ids
from qe_ban.db.engine import Database, DatabaseUnavailable
from qe_ban.kernel.clock import CITY_TIME

EVERYWHERE: Final = "city"
MOST: Final = 100
"""Alarms of a kind that one look opens: beyond that it is one matter, and nobody reads the hundred and first."""
LONGEST: Final = 30.0
"""Seconds that one run goes on: it is due each minute."""

_STATEMENT_TIMEOUT: Final = text("SET LOCAL statement_timeout = '20s'")
_log = structlog.get_logger("qe_ban.audit")


@dataclass(frozen=True, slots=True)
class Tally:
    """What was found of one subject: how many facts, the moment of the newest, and figures for people."""

    subject: str
    count: int
    at: datetime
    facts: Mapping[str, Any]


After: TypeAlias = Mapping[str, datetime]
"""Subjects, and the moment after which what they did counts."""

Look: TypeAlias = Callable[[Session, datetime, datetime, After | None], Iterable[Tally]]
"""Gives what there is after one moment and up to another of all subjects that may matter, or all there is of these,
each after its own moment."""


def one_by_one(look: Callable[[Session, datetime, datetime, str | None], Iterable[Tally]]) -> Look:
    """Make a look of one that knows all subjects or one: for what is small enough to be read once for each."""

    def look_at_each(session: Session, since: datetime, until: datetime, after: After | None) -> Iterable[Tally]:
        if after is None:
            return look(session, since, until, None)
        return [tally for subject, moment in after.items() for tally in look(session, moment, until, subject)]

    return look_at_each


@dataclass(frozen=True, slots=True)
class Watch:
    """What to look for, in how long a window, and how much of it is enough for an alarm."""

    kind: AlarmKind
    window: timedelta
    look: Look
    enough: Callable[[Tally], bool]


@dataclass(frozen=True, slots=True)
class NewAlarm:
    """An alarm that was opened just now."""

    id: UUID
    kind: AlarmKind
    tally: Tally


def watch(session: Session, one: Watch, now: datetime) -> list[NewAlarm]:
    """Look once; return the alarms that this opened.

    Windows overlap from one look to the next: of a subject with an alarm only what came after its newest fact is
    counted; where that alarm was closed, that alone must be enough for another one. More than a hundred subjects at
    once are one matter, the city's.
    """
    since = now - one.window
    tallies = [tally for tally in one.look(session, since, now, None) if one.enough(tally)]
    if len(tallies) > MOST:
        return _city_wide(session, one.kind, tallies, since, now)
    fresh_tallies = _fresh_tallies(session, one, tallies, since, now)
    new_alarms: list[NewAlarm] = []
    for tally in tallies:
        fresh = fresh_tallies.get(tally.subject)
        if fresh is None:
            continue
        alarm_id = alarms.raise_(
            session, one.kind, tally.subject, facts=tally.facts, at=fresh.at, count=fresh.count, now=now
        )
        if alarm_id is not None:
            new_alarms.append(NewAlarm(alarm_id, one.kind, tally))
    return new_alarms


def _fresh_tallies(
    session: Session, one: Watch, tallies: Sequence[Tally], since: datetime, now: datetime
) -> dict[str, Tally]:
    """Return by subject what no alarm has counted yet; subjects of which that is not enough are left out."""
    alarms_of_window = _alarms_of_window(session, one.kind, tallies, since)
    fresh_tallies = {tally.subject: tally for tally in tallies if tally.subject not in alarms_of_window}
    if alarms_of_window:
        after = {subject: alarm.last_at for subject, alarm in alarms_of_window.items()}
        for tally in one.look(session, since, now, after):
            alarm = alarms_of_window.get(tally.subject)
            if alarm is not None and (alarm.closed_at is None or one.enough(tally)):
                fresh_tallies[tally.subject] = tally
    return fresh_tallies


def _alarms_of_window(session: Session, kind: AlarmKind, tallies: Sequence[Tally], since: datetime) -> dict[str, Alarm]:
    """Return the newest alarm of each subject whose facts lie in the window, in part at least."""
    newest = {tally.subject: alarms.newest(session, kind, tally.subject) for tally in tallies}
    return {subject: alarm for subject, alarm in newest.items() if alarm is not None and alarm.last_at >= since}


def _city_wide(
    session: Session, kind: AlarmKind, tallies: Sequence[Tally], since: datetime, now: datetime
) -> list[NewAlarm]:
    last, fresh = alarms.newest(session, kind, EVERYWHERE), tallies
    if last is not None and last.last_at >= since:
        fresh = [tally for tally in tallies if tally.at > last.last_at]
        if not fresh or (last.closed_at is not None and len(fresh) <= MOST):
            return []
    city_tally = Tally(EVERYWHERE, len(fresh), max(tally.at for tally in fresh), {"subjects": len(tallies)})
    alarm_id = alarms.raise_(
        session, kind, EVERYWHERE, facts=city_tally.facts, at=city_tally.at, count=city_tally.count, now=now
    )
    return [] if alarm_id is None else [NewAlarm(alarm_id, kind, city_tally)]


class Watchman:
    """Goes through all watches, each in a transaction of its own; any number of workers may."""

    def __init__(self, database: Database, watches: Sequence[Watch]) -> None:
        self._database, self._watches, self._first = database, tuple(watches), 0

    def run(self, now: datetime) -> int:
        """Look for everything once, and log what is new when it has committed; return how many alarms were opened.

        A watch that fails hinders no other one. After half a minute the rest is the next run's, which begins with it.
        Raises DatabaseUnavailable at the end where one failed.
        """
        number, ends = 0, time.monotonic() + LONGEST
        failure: DatabaseUnavailable | None = None
        turns = [*range(self._first, len(self._watches)), *range(self._first)]
        for turn in turns:
            one = self._watches[turn]
            self._first = turn
            if time.monotonic() > ends:
                _log.warning("audit.watch_late", kind=one.kind.value)
                break
            try:
                with self._database.transaction() as session:
                    session.execute(_STATEMENT_TIMEOUT)
                    new_alarms = watch(session, one, now)
            except DatabaseUnavailable as error:
                _log.error("audit.watch_failed", kind=one.kind.value)
                failure = error
                continue
            for alarm in new_alarms:
                _log.error(
                    "audit.alarm", kind=alarm.kind.value, alarm=str(alarm.id), about=rules.about(alarm.tally.subject)
                )
            number += len(new_alarms)
        else:
            self._first = 0
        if failure is not None:
            raise failure
        return number


def _unsealed_tally(session: Session, since: datetime, until: datetime, subject: str | None) -> Iterable[Tally]:
    """Return what stands unsealed, as of now: whoever slips a row in also says of when it is.

    Rows that were counted are not counted again for ten minutes, and then they still stand there.
    """
    ids = unsealed_ids(session, until)
    if not ids:
        return []
    query = select(func.count()).where(AuditEvent.id.in_(ids))
    if subject is not None:
        query = query.where(AuditEvent.at > since - SEAL_OVERDUE_AFTER)
    number = session.scalar(query)
    return [Tally("audit", number, until, {"rows": number, "first": ids[0]})] if number else []


def _looks(session: Session, since: datetime, until: datetime, subject: str | None) -> Iterable[Tally]:
    today = until.astimezone(CITY_TIME).replace(hour=0, minute=0, second=0, microsecond=0)
    # after midnight the evening before is still the same night
    before = min(today, until - rules.LOOKS_WINDOW)
    for one in _look_counts(session, since, until, subject, rules.LOOKS_FLOOR):
        most, at_night = queries.habit(session, staff=one.staff, since=before - rules.HABIT, until=before)
        facts = {"looks": one.looks, "at_night": one.at_night, "most_before": most, "most_at_night": at_night}
        yield Tally(str(one.staff), one.looks, one.at, facts)


def _looks_of_a_day(session: Session, since: datetime, until: datetime, subject: str | None) -> Iterable[Tally]:
    for one in _look_counts(session, since, until, subject, rules.LOOKS_DAY_MOST):
        yield Tally(str(one.staff), one.looks, one.at, {"looks_of_a_day": one.looks})


def _look_counts(
    session: Session, since: datetime, until: datetime, subject: str | None, least: int
) -> Iterable[queries.LookCount]:
    query = select(Seal.top).where(Seal.at <= since).order_by(Seal.n.desc()).limit(1)
    floor = session.scalar(query) or 0
    if floor > rows.last_issued_id(session):
        # the counter of ids was set back, or somebody has lifted the floor: the time alone bounds what is read
        floor = 0
    staff = UUID(subject) if subject else None
    return queries.looks(session, floor=floor, since=since, until=until, least=least, staff=staff)


WATCHES: Final = (
    Watch(AlarmKind.UNSEALED_AUDIT, timedelta(minutes=10), one_by_one(_unsealed_tally), lambda _: True),
    Watch(
        AlarmKind.STAFF_LOOK_UPS,
        rules.LOOKS_WINDOW,
        one_by_one(_looks),
        lambda tally: rules.too_many_looks(rules.Looks(**tally.facts)),
    ),
    Watch(
        AlarmKind.STAFF_LOOK_UPS,
        rules.LOOKS_DAY,
        one_by_one(_looks_of_a_day),
        lambda tally: tally.count >= rules.LOOKS_DAY_MOST,
    ),
)
"""What the log itself tells."""
