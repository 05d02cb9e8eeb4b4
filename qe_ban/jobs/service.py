"""The outbox and the worker: messages leave after the commit, at least once; each schedule's run is taken by one."""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from qe_ban.db.engine import Database
from qe_ban.jobs import rules
from qe_ban.jobs.models import OutboxMessage, ScheduleRow, WorkerBeat
from qe_ban.kernel.clock import Clock
from qe_ban.kernel.errors import DomainError, Unavailable
from qe_ban.kernel.ids import new_id
from qe_ban.keys import vault
from qe_ban.keys.rings import KeyRings

COLUMN = "outbox.payload"
IDLE_SECONDS = 0.5

Handler = Callable[[dict[str, str]], None]
"""Delivers one message. Raises any DomainError to have it tried again; may be called twice for one message."""

_log = structlog.get_logger("qe_ban.jobs")


@dataclass(frozen=True, slots=True)
class Schedule:
    """Something that runs every so often, in a transaction of its own, on one worker of all."""

    name: str
    every: timedelta
    run: Callable[[Session, datetime], None]


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A message that was not delivered and will not be tried again: a finding for people to look into."""

    id: UUID
    topic: str
    at: datetime
    reason: str


def enqueue(
    session: Session,
    rings: KeyRings,
    *,
    topic: str,
    payload: Mapping[str, str],
    now: datetime,
    useful_until: datetime | None = None,
) -> None:
    """Put a message into the outbox; it leaves when the caller's transaction has committed, and never if it has not.

    `useful_until`: past this it is dropped (a one-time password that is no longer one). The payload is kept encrypted.
    Raises KeyMissing.
    """
    message = new_id()
    session.add(
        OutboxMessage(
            id=message,
            topic=topic,
            payload=vault.seal(rings, COLUMN, message, json.dumps(dict(payload)), now),
            created_at=now,
            due_at=now,
            useful_until=useful_until,
            attempts=0,
        )
    )


def given_up(session: Session, *, limit: int = 100) -> list[GivenUp]:
    """Give the messages that were given up, newest first."""
    rows = session.scalars(
        select(OutboxMessage)
        .where(OutboxMessage.given_up_at.is_not(None))
        .order_by(OutboxMessage.given_up_at.desc())
        .limit(limit)
    )
    return [GivenUp(row.id, row.topic, row.given_up_at, row.reason or "") for row in rows if row.given_up_at]


def last_beat(session: Session) -> datetime | None:
    """Give when any worker was last heard of, or None when there never was one (or not for a day)."""
    return session.scalar(select(func.max(WorkerBeat.beat_at)))


@dataclass(frozen=True, slots=True)
class _Claim:
    id: UUID
    topic: str
    payload: bytes
    attempts: int
    useful_until: datetime | None


class Worker:
    """Delivers the outbox and runs the schedules; any number of them may work on one database."""

    def __init__(
        self,
        database: Database,
        rings: KeyRings,
        clock: Clock,
        handlers: Mapping[str, Handler],
        schedules: Sequence[Schedule],
    ) -> None:
        """`handlers` by topic; messages of other topics are left to workers that have one."""
        self._database, self._rings, self._clock = database, rings, clock
        self._handlers, self._schedules = dict(handlers), tuple(schedules)
        self._id = new_id()
        self._beat_at: datetime | None = None
        self._rows_made = False

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; with PostgreSQL away, wait for it."""
        while not stop.is_set():
            try:
                worked = self._step()
            except Unavailable as error:
                _log.warning("worker.waiting", code=error.code)
                worked = False
            if not worked:
                stop.wait(IDLE_SECONDS)

    def once(self) -> None:
        """Run every schedule and deliver every message that is due now.

        Raises DatabaseUnavailable. An error that no handler or schedule may raise comes through: the process ends,
        its supervisor starts another, and the message is tried again after its lease, not at once.
        """
        while self._step():
            pass

    def _step(self) -> bool:
        """Run what is due and deliver one message, so that a flood of messages holds up no schedule and no stop."""
        self._beat()
        ran = [self._run(schedule) for schedule in self._due_schedules()]
        claim = self._claim()
        if claim is not None:
            self._deliver(claim)
        return claim is not None or any(ran)

    def _beat(self) -> None:
        now = self._clock()
        if self._beat_at is not None and self._beat_at <= now < self._beat_at + rules.BEAT_EVERY:
            return
        beat = insert(WorkerBeat).values(worker=self._id, beat_at=now)
        with self._database.transaction() as session:
            session.execute(beat.on_conflict_do_update(index_elements=["worker"], set_={"beat_at": now}))
            session.execute(delete(WorkerBeat).where(WorkerBeat.beat_at < now - rules.BEAT_FORGOTTEN))
        self._beat_at = now

    def _claim(self) -> _Claim | None:
        """Take one due message: the try is counted and the lease stands before anything is sent."""
        now = self._clock()
        due = (
            select(OutboxMessage)
            .where(
                OutboxMessage.given_up_at.is_(None),
                OutboxMessage.due_at <= now,
                OutboxMessage.topic.in_(self._handlers),
            )
            .order_by(OutboxMessage.due_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        with self._database.transaction() as session:
            message = session.scalar(due)
            if message is None or message.payload is None:
                return None
            message.attempts += 1
            message.due_at = now + max(rules.LEASE, rules.wait_after(message.attempts))
            return _Claim(message.id, message.topic, message.payload, message.attempts, message.useful_until)

    def _deliver(self, claim: _Claim) -> None:
        if claim.useful_until is not None and self._clock() > claim.useful_until:
            self._give_up(claim, "too_late")
            return
        if claim.attempts > rules.ATTEMPTS:
            self._give_up(claim, "worker_died")
            return
        try:
            self._handlers[claim.topic](self._payload(claim))
        except vault.SealBroken:
            self._give_up(claim, "seal_broken")
        except DomainError as error:
            self._failed(claim, error.code)
        else:
            with self._database.transaction() as session:
                session.execute(delete(OutboxMessage).where(OutboxMessage.id == claim.id))

    def _payload(self, claim: _Claim) -> dict[str, str]:
        payload: dict[str, str] = json.loads(vault.unseal(self._rings, COLUMN, claim.id, claim.payload))
        return payload

    def _failed(self, claim: _Claim, code: str) -> None:
        if claim.attempts >= rules.ATTEMPTS:
            self._give_up(claim, code)
            return
        _log.warning("outbox.failed", message=str(claim.id), topic=claim.topic, attempts=claim.attempts, code=code)
        due_at = self._clock() + rules.wait_after(claim.attempts)
        with self._database.transaction() as session:
            session.execute(update(OutboxMessage).where(OutboxMessage.id == claim.id).values(due_at=due_at))

    def _give_up(self, claim: _Claim, reason: str) -> None:
        _log.error("outbox.given_up", message=str(claim.id), topic=claim.topic, attempts=claim.attempts, code=reason)
        given = {"given_up_at": self._clock(), "reason": reason, "payload": None}
        with self._database.transaction() as session:
            session.execute(update(OutboxMessage).where(OutboxMessage.id == claim.id).values(given))

    def _due_schedules(self) -> list[Schedule]:
        """Look which of our schedules are due; a name that was never seen is due now."""
        now = self._clock()
        names = [schedule.name for schedule in self._schedules]
        with self._database.transaction() as session:
            if names and not self._rows_made:
                rows = [{"name": name, "next_run_at": now} for name in names]
                session.execute(insert(ScheduleRow).values(rows).on_conflict_do_nothing(index_elements=["name"]))
            due = select(ScheduleRow.name).where(ScheduleRow.name.in_(names), ScheduleRow.next_run_at <= now)
            held = set(session.scalars(due))
        self._rows_made = True
        return [schedule for schedule in self._schedules if schedule.name in held]

    def _run(self, schedule: Schedule) -> bool:
        """Take the run if nobody else has it; what was missed, however often, is made up for by one run."""
        now = self._clock()
        locked = (
            select(ScheduleRow)
            .where(ScheduleRow.name == schedule.name, ScheduleRow.next_run_at <= now)
            .with_for_update(skip_locked=True)
        )
        try:
            with self._database.transaction() as session:
                row = session.scalar(locked)
                if row is None:
                    return False
                schedule.run(session, now)
                row.next_run_at, row.last_run_at = now + schedule.every, now
        except DomainError as error:
            _log.error("schedule.failed", schedule=schedule.name, code=error.code)
            self._postpone(schedule, now)
            return False
        return True

    def _postpone(self, schedule: Schedule, now: datetime) -> None:
        again = now + min(schedule.every, rules.SCHEDULE_RETRY)
        row = update(ScheduleRow).where(ScheduleRow.name == schedule.name, ScheduleRow.next_run_at <= now)
        with self._database.transaction() as session:
            session.execute(row.values(next_run_at=again))
