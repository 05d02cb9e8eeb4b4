"""Runs long jobs: claims one of a lane at a time, keeps its lease alive, and ends it as its runner ended."""

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, Select, and_, exc, exists, func, or_, select, tuple_, update
from sqlalchemy.orm import Session, aliased

from qe_ban.db.engine import Database
from qe_ban.jobs import rules
from qe_ban.jobs.models import Job
from qe_ban.jobs.rules import JobState
from qe_ban.jobs.service import runs
from qe_ban.jobs.service.runs import JobView
from qe_ban.jobs.service.work import JobContext, JobInterrupted, Stopping
from qe_ban.kernel.clock import Clock
from qe_ban.kernel.errors import DomainError, Unavailable
from qe_ban.kernel.ids import new_id

IDLE_SECONDS = 0.5
_FREE: Mapping[str, object] = {"state": JobState.QUEUED, "lease": None, "leased_until": None}
WORKER_DIED = "处理进程多次中断，任务已停止，请联系系统管理员（worker_died）"

Runner = Callable[[JobContext], None]
"""Does one kind of job, in steps; goes on from `work.cursor`, since it may be called again after a death.

Returning, the job is done. Raises JobFailed (or any DomainError) when it cannot be done, Unavailable to be called again
soon. It lets the exceptions of `JobContext.step` pass. Any other exception is a bug and ends the process.
"""

_log = structlog.get_logger("qe_ban.jobs")


class Jobs:
    """Runs the jobs of some kinds, one at a time; any number of them may work on one database."""

    def __init__(self, database: Database, clock: Clock, runners: Mapping[str, Runner]) -> None:
        """`runners` by kind; jobs of other kinds are left to workers that have one."""
        self._database, self._clock, self._runners = database, clock, dict(runners)
        # the lease of a run that PostgreSQL's absence broke off: it is ours to take up again, without waiting
        self._interrupted_lease: UUID | None = None
        # the newest lease that we took: whose job Ctrl-C may cancel
        self._own_lease: UUID | None = None

    def run(self, stop: threading.Event) -> None:
        """JobContext until `stop` is set; with PostgreSQL away, wait for it. A runner's bug comes through."""
        while not stop.is_set():
            try:
                has_worked = bool(self._runners) and self._take(stop)
            except Unavailable as error:
                _log.warning("jobs.waiting", code=error.code)
                stop.wait(rules.JOB_RETRY_SECONDS)
                continue
            if not has_worked:
                stop.wait(IDLE_SECONDS)

    def run_pending(self) -> None:
        """Do every job that can be done now. Raises DatabaseUnavailable; a runner's bug comes through."""
        while self._take(threading.Event()):
            pass

    def run_one(self, job_id: UUID, on_progress: Callable[[JobView], None] = lambda _: None) -> JobView:
        """Do one job in this process, or follow it where another process has it; return how it ended, with its faults.

        While another job of its lane runs, it waits. `on_progress` hears of each step and twice a second of each wait
        (state `queued`, or `running` elsewhere). Ctrl-C leaves a job that waits or runs here cancelled, to be resumed;
        one that another process has goes on there.
        Raises JobNotFound, DatabaseUnavailable; a runner's bug comes through.
        """
        never, waiting = threading.Event(), 0.0
        try:
            while True:
                never.wait(waiting)
                with self._database.transaction() as session:
                    view = runs.view(session, job_id)
                if view.state not in rules.ACTIVE_STATES:
                    return view
                on_progress(view)
                waiting = self._try_one(job_id, on_progress)
        except KeyboardInterrupt:
            with self._database.transaction() as session:
                ours = or_(Job.state == JobState.QUEUED, Job.lease == self._own_lease)
                session.execute(
                    update(Job).where(Job.id == job_id, ours).values(_over(JobState.CANCELLED, self._clock()))
                )
            raise

    def _try_one(self, job_id: UUID, on_progress: Callable[[JobView], None]) -> float:
        """Do the job if it can be had now; return how many seconds to wait before looking again."""
        try:
            return 0.0 if self._take(threading.Event(), job_id, on_progress) else IDLE_SECONDS
        except Unavailable as error:
            if self._interrupted_lease is None:
                raise
            _log.warning("jobs.waiting", code=error.code)
            return rules.JOB_RETRY_SECONDS

    def _take(
        self,
        stop: threading.Event,
        job_id: UUID | None = None,
        on_progress: Callable[[JobView], None] | None = None,
    ) -> bool:
        """Claim a job and do it; False where there is none to be had."""
        job = self._claim(job_id)
        if job is None:
            return False
        if job.state != JobState.RUNNING:
            return True
        log = _log.bind(job=str(job.id), kind=job.kind, attempts=job.attempts)
        if job_id is None:
            log.info("jobs.started")
        outcome = self._do(job, stop, on_progress)
        if job_id is None:
            # who asked for this one job is told by what `run_one` returns
            log.info("jobs.ended", how=outcome)
        return True

    def _claim(self, job_id: UUID | None) -> Job | None:
        """Take the oldest job that waits, or the one that is asked for, if its lane is free."""
        now = self._clock()
        try:
            job = self._claim_row(job_id, now)
        except exc.IntegrityError:
            # another took a job of the same lane at this moment: the index lets one of us have it
            return None
        self._interrupted_lease = None
        return job

    def _claim_row(self, job_id: UUID | None, now: datetime) -> Job | None:
        with self._database.transaction() as session:
            self._free_leases(session, now)
            job = session.scalar(self._waiting(job_id))
            if job is None:
                return None
            if job.attempts >= rules.JOB_DEATHS:
                _log.error("jobs.given_up", job=str(job.id), kind=job.kind, code="worker_died")
                job.state, job.error, job.finished_at = JobState.FAILED, WORKER_DIED, now
                return job
            job.state, job.attempts, job.started_at = JobState.RUNNING, job.attempts + 1, job.started_at or now
            # known before the commit, so that Ctrl-C finds nothing of ours that it does not know
            job.lease = self._own_lease = new_id()
            job.leased_until = now + rules.JOB_LEASE
            return job

    def _free_leases(self, session: Session, now: datetime) -> None:
        """Put back the jobs of processes that are dead; one whose step is being done just now is locked, and alive."""
        is_over = Job.leased_until <= now
        if self._interrupted_lease is not None:
            is_over |= Job.lease == self._interrupted_lease
        dead = select(Job.id).where(Job.state == JobState.RUNNING, is_over).with_for_update(skip_locked=True)
        session.execute(update(Job).where(Job.id.in_(dead)).values(_FREE).execution_options(synchronize_session=False))

    def _waiting(self, job_id: UUID | None) -> Select[Job]:
        other = aliased(Job)
        kinds = tuple(self._runners)
        ahead: ColumnElement[bool] = other.state == JobState.RUNNING
        if job_id is None:
            older = tuple_(other.created_at, other.id) < tuple_(Job.created_at, Job.id)
            ahead |= and_(other.state == JobState.QUEUED, other.kind.in_(kinds), older)
        waiting = select(Job).where(
            Job.state == JobState.QUEUED, Job.kind.in_(kinds), ~exists().where(other.lane == Job.lane, ahead)
        )
        if job_id is not None:
            waiting = waiting.where(Job.id == job_id)
        return waiting.order_by(Job.created_at, Job.id).limit(1).with_for_update(of=Job, skip_locked=True)

    def _do(self, job: Job, stop: threading.Event, on_progress: Callable[[JobView], None] | None) -> str:
        """Call the runner and write how it ended; return a word for the log."""
        try:
            with self._beating(job) as beat:
                self._runners[job.kind](self._work(job, stop, on_progress, beat))
            self._end(job, _over(JobState.DONE, self._clock()))
        except Stopping:
            # no death: the run is not counted
            self._end(job, {**_FREE, "attempts": func.greatest(Job.attempts - 1, 0)})
            return "put_back"
        except JobInterrupted as interruption:
            return type(interruption).__name__
        except Unavailable:
            self._interrupted_lease = job.lease
            raise
        except DomainError as refused:
            self._end(job, {**_over(JobState.FAILED, self._clock()), "error": refused.message})
            return refused.code
        return "done"

    def _work(
        self,
        job: Job,
        stop: threading.Event,
        on_progress: Callable[[JobView], None] | None,
        beat: Future[None],
    ) -> JobContext:
        def on_step() -> None:
            if beat.done():
                beat.result()
            if on_progress is not None:
                on_progress(work.view())

        work = JobContext(self._database, self._clock, job, stop, on_step)
        return work

    def _end(self, job: Job, values: Mapping[str, object]) -> None:
        """Write how the run ended, unless the job was cancelled or went to another meanwhile."""
        own_row = update(Job).where(Job.id == job.id, Job.lease == job.lease)
        with self._database.transaction() as session:
            session.execute(own_row.values(**values))

    @contextmanager
    def _beating(self, job: Job) -> Iterator[Future[None]]:
        """Keep the lease alive in a thread, since what lies between two steps (a file's parsing) may take minutes.

        A bug in the thread is told immediately and, like a runner's, comes through: after the step, or at the end.
        """
        over = threading.Event()
        with ThreadPoolExecutor(1, "jobs-beat") as executor:
            beat = executor.submit(self._beat, job, over)
            beat.add_done_callback(_tell_bug)
            try:
                yield beat
            finally:
                over.set()
            beat.result()

    def _beat(self, job: Job, over: threading.Event) -> None:
        while not over.wait(rules.JOB_BEAT_SECONDS):
            # a step that is being done holds the row, and so the job: there is nothing to wait for
            own_row = select(Job.id).where(Job.id == job.id, Job.lease == job.lease).with_for_update(skip_locked=True)
            leased_until = self._clock() + rules.JOB_LEASE
            try:
                with self._database.transaction() as session:
                    session.execute(update(Job).where(Job.id.in_(own_row)).values(leased_until=leased_until))
            except Unavailable as error:
                _log.warning("jobs.beat_missed", job=str(job.id), code=error.code)


def _tell_bug(beat: Future[None]) -> None:
    bug = beat.exception()
    if bug is not None:
        _log.error("jobs.beat_broken", exc_info=bug)


def _over(state: JobState, now: datetime) -> dict[str, object]:
    return {"state": state, "finished_at": now, "lease": None, "leased_until": None}
