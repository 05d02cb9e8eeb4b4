"""The worker: delivers the outbox, and beside it runs the schedules and the long jobs."""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import structlog
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from qe_ban.db.engine import Database
from qe_ban.jobs import rules
from qe_ban.jobs.models import WorkerBeat
from qe_ban.jobs.service.outbox import Handler, Outbox
from qe_ban.jobs.service.running import Jobs, Runner
from qe_ban.jobs.service.schedules import Schedule, Schedules
from qe_ban.kernel.clock import Clock
from qe_ban.kernel.errors import Unavailable
from qe_ban.kernel.ids import new_id
from qe_ban.keys.rings import KeyRings

IDLE_SECONDS = 0.5
NO_RUNNERS: Mapping[str, Runner] = {}

_log = structlog.get_logger("qe_ban.jobs")


def last_beat(session: Session) -> datetime | None:
    """Return when any worker was last heard of, or None when there never was one (or not for a day)."""
    return session.scalar(select(func.max(WorkerBeat.beat_at)))


class Worker:
    """Delivers the outbox and runs schedules and long jobs; any number of them may work on one database."""

    def __init__(
        self,
        database: Database,
        rings: KeyRings,
        clock: Clock,
        handlers: Mapping[str, Handler],
        schedules: Sequence[Schedule],
        runners: Mapping[str, Runner] = NO_RUNNERS,
    ) -> None:
        """`handlers` by topic, `runners` by kind of job; what has none here is left to workers that have one."""
        self._database, self._clock = database, clock
        self._outbox = Outbox(database, rings, handlers)
        self._schedules = Schedules(database, clock, schedules)
        self._jobs = Jobs(database, clock, runners)
        self._id = new_id()
        self._beat_at: datetime | None = None

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; with PostgreSQL away, wait for it.

        Messages, schedules and long jobs have a thread each, so that a one-time password waits for none of the others.
        An error that no handler, schedule or runner may raise ends all three and comes through: the supervisor starts
        another worker.
        """
        ending = threading.Event()
        with ThreadPoolExecutor(2, "worker") as executor:
            beside = [executor.submit(self._jobs.run, ending), executor.submit(self._run_schedules, ending)]
            try:
                while not (stop.is_set() or any(thread.done() for thread in beside)):
                    _work(self._deliver_one, stop)
            finally:
                ending.set()
            for thread in beside:
                thread.result()

    def run_pending(self) -> None:
        """Run every schedule, deliver every message and do every job that is due now.

        Raises DatabaseUnavailable. An error that no handler, schedule or runner may raise comes through: the process
        ends, its supervisor starts another, and a message or job is tried again after its lease, not immediately.
        """
        while self._schedules.run_due() or self._deliver_one():
            pass
        self._jobs.run_pending()

    def _run_schedules(self, ending: threading.Event) -> None:
        while not ending.is_set():
            _work(self._schedules.run_due, ending)

    def _deliver_one(self) -> bool:
        """Deliver one message, so that a flood of them holds up no sign of life and no stop."""
        self._beat()
        return self._outbox.deliver_one()

    def _beat(self) -> None:
        now = self._clock()
        if self._beat_at is not None and self._beat_at <= now < self._beat_at + rules.BEAT_EVERY:
            return
        beat = insert(WorkerBeat).values(worker=self._id, beat_at=now)
        with self._database.transaction() as session:
            session.execute(beat.on_conflict_do_update(index_elements=["worker"], set_={"beat_at": now}))
            session.execute(delete(WorkerBeat).where(WorkerBeat.beat_at < now - rules.BEAT_FORGOTTEN))
        self._beat_at = now


def _work(step: Callable[[], bool], stop: threading.Event) -> None:
    """Take a step; where there was nothing to do, or PostgreSQL is away, wait a moment."""
    try:
        has_worked = step()
    except Unavailable as error:
        _log.warning("worker.waiting", code=error.code)
        has_worked = False
    if not has_worked:
        stop.wait(IDLE_SECONDS)
