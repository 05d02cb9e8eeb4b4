"""What a runner of long jobs gets: steps that commit how far it is, and that nobody can take who lost the job."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from qe_ban.db.engine import Database
from qe_ban.jobs import rules
from qe_ban.jobs.models import Job, JobFault
from qe_ban.jobs.rules import JobState, Severity
from qe_ban.jobs.service import runs, times
from qe_ban.jobs.service.runs import Fault, JobView
from qe_ban.kernel.clock import Clock


class JobInterrupted(Exception):
    """The runner is to end now, and lets this pass; what its steps have committed stands."""


class JobCancelled(JobInterrupted):
    """Somebody cancelled the job."""


class LeaseLost(JobInterrupted):
    """The job is another process's now, which goes on from the last step."""


class Stopping(JobInterrupted):
    """This process is to end; the job goes back to be taken up by another."""


class JobContext:
    """One run of a job. `cursor`, `phase`, `done`, `total` and `result` are as the last step left them."""

    def __init__(
        self, database: Database, clock: Clock, job: Job, stop: threading.Event, on_step: Callable[[], None]
    ) -> None:
        """Take a job that was claimed; `on_step` is called after each step."""
        self._database, self._clock, self._stop, self._on_step = database, clock, stop, on_step
        self.id, self.kind, self.lease = job.id, job.kind, job.lease
        self._job = job
        self._show(job)

    def _show(self, job: Job) -> None:
        self._job = job
        self.cursor: dict[str, Any] = dict(job.cursor)
        self.phase: str = job.phase
        self.done: int = job.done
        self.total: int | None = job.total
        self.result: dict[str, Any] = dict(job.result)

    def view(self) -> JobView:
        """Return the job as the last step left it, without its faults."""
        return runs.to_view(self._job)

    @contextmanager
    def step(self) -> Iterator[Session]:
        """Open a transaction that holds the job: it commits when the block ends, with what `save` was given in it.

        Whoever cancels waits for the step, so it should take a second or so; each statement may take a minute. Whether
        the lease is still ours is asked in the transaction of the step itself (D-063).
        Raises Stopping, JobCancelled or LeaseLost instead, before anything was written; DatabaseUnavailable.
        """
        if self._stop.is_set():
            raise Stopping
        with self._database.transaction() as session:
            times.lengthen(session)
            job = session.scalar(select(Job).where(Job.id == self.id).with_for_update())
            if job is not None and job.state == JobState.CANCELLED:
                raise JobCancelled
            if job is None or job.lease != self.lease:
                raise LeaseLost
            self._show(job)
            yield session
            job.leased_until = self._clock() + rules.JOB_LEASE
        self._on_step()

    def save(
        self,
        session: Session,
        *,
        phase: str | None = None,
        progress: int | None = None,
        total: int | None = None,
        cursor: Mapping[str, Any] | None = None,
        result: Mapping[str, Any] | None = None,
    ) -> None:
        """Save, within a step, how far the job is; what is not given stays. `result` is added to what is there.

        `cursor` is the runner's own: where a later run goes on. A new one proves that the job gets further, so that
        earlier deaths no longer count.
        """
        job = self._job
        if cursor is not None and dict(cursor) != job.cursor:
            job.cursor, job.attempts = dict(cursor), 0
        if result is not None:
            fault_counts = {"faults": job.result["faults"]} if "faults" in job.result else {}
            job.result = {**job.result, **result, **fault_counts}
        job.phase = job.phase if phase is None else phase
        job.done = job.done if progress is None else progress
        job.total = job.total if total is None else total
        session.flush()
        self._show(job)

    def fault(self, session: Session, faults: Sequence[Fault]) -> None:
        """Keep faults, within a step: the first thousand of each severity; all are counted in `result["faults"]`."""
        job = self._job
        counts = {severity.value: 0 for severity in Severity} | dict(job.result.get("faults", {}))
        number, rows = sum(counts.values()), []
        for fault in faults:
            number += 1
            counts[fault.severity] += 1
            if counts[fault.severity] <= rules.MOST_FAULTS:
                rows.append(_row(self.id, number, fault))
        if rows:
            session.execute(insert(JobFault), rows)
        job.result = {**job.result, "faults": counts}
        session.flush()
        self._show(job)


def _row(job_id: UUID, number: int, fault: Fault) -> dict[str, Any]:
    return {
        "job_id": job_id,
        "number": number,
        "severity": fault.severity.value,
        "sheet": fault.sheet,
        "row": fault.row,
        "column": fault.column,
        "message": fault.message,
    }
