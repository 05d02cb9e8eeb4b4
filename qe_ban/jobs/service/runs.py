"""Long jobs as people see them: asked for, looked at, cancelled, resumed, and forgotten in the end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, or_, select, true
from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.jobs import errors, rules
from qe_ban.jobs.models import Job, JobFault
from qe_ban.jobs.rules import JobState, Severity
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import Place, Principal


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with what a job was given; `row` counts from 1 as the file's reader does, `column` is a heading.

    The message is Chinese, for people, and holds no personal number.
    """

    severity: Severity
    message: str
    sheet: str | None = None
    row: int | None = None
    column: str | None = None


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as it stands. `done` of `total` steps of the phase; `result["faults"]` counts all faults by severity."""

    id: UUID
    kind: str
    state: JobState
    phase: str
    done: int
    total: int | None
    percent: int | None
    result: Mapping[str, Any]
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    faults: tuple[Fault, ...] = ()


def start(session: Session, *, kind: str, lane: str, owner: Principal | None, place: Place, now: datetime) -> UUID:
    """Queue a job, which a worker takes up once the caller's transaction has committed; return its id.

    Of one `lane` one job runs at a time, the oldest first. `place`: whose staff may see it, beside its owner.
    """
    job = Job(
        id=new_id(),
        kind=kind,
        lane=lane,
        state=JobState.QUEUED,
        phase="",
        done=0,
        cursor={},
        result={},
        attempts=0,
        owner_id=owner.id if owner else None,
        district=place.district,
        department=place.department,
        created_at=now,
    )
    session.add(job)
    session.flush()
    return job.id


def read(session: Session, *, reader: Principal, job_id: UUID) -> JobView:
    """Return a job with its first faults, if the reader asked for it or answers for its place. Raises JobNotFound."""
    return to_view(_get(session, reader, job_id), _faults(session, job_id))


def list_jobs(session: Session, *, reader: Principal, before: UUID | None, limit: int) -> Sequence[JobView]:
    """Return at most `limit` jobs that the reader may see, newest first, older than `before`; without their faults."""
    jobs = select(Job).where(_visible(reader)).order_by(Job.id.desc()).limit(limit)
    if before is not None:
        jobs = jobs.where(Job.id < before)
    return [to_view(job) for job in session.scalars(jobs)]


def cancel(session: Session, *, job_id: UUID, change: audit.Change | audit.AtShell) -> JobView:
    """Cancel a job immediately; its runner stops before its next step. A repeat is harmless; it can be resumed.

    A step that is being done is waited for. Raises JobNotFound; NotRunning when it is done or has failed.
    """
    job = _get(session, change.by, job_id, lock=True)
    if job.state in (JobState.DONE, JobState.FAILED):
        raise errors.NotRunning
    if job.state != JobState.CANCELLED:
        _record(session, job, "jobs.cancel", change)
        job.state, job.lease, job.leased_until, job.finished_at = JobState.CANCELLED, None, None, change.at
    return to_view(job)


def resume(session: Session, *, job_id: UUID, change: audit.Change | audit.AtShell) -> JobView:
    """Let a cancelled or failed job go on from where it was. A repeat is harmless.

    It goes on with the rights of the place that it was asked for in, so whoever resumes it answers for that place now;
    to have asked for it is not enough. Raises JobNotFound; OtherPlace; NotResumable when it is done.
    """
    job = _get(session, change.by, job_id, lock=True)
    if change.by is not None and not _within(job, change.by.place):
        raise errors.OtherPlace
    if job.state == JobState.DONE:
        raise errors.NotResumable
    if job.state in rules.RESUMABLE_STATES:
        _record(session, job, "jobs.resume", change)
        job.state, job.attempts, job.error, job.finished_at = JobState.QUEUED, 0, None, None
    return to_view(job)


def view(session: Session, job_id: UUID) -> JobView:
    """Return a job with its first faults to the process itself, which asks for nobody. Raises JobNotFound."""
    job = session.get(Job, job_id)
    if job is None:
        raise errors.JobNotFound
    return to_view(job, _faults(session, job_id))


def to_view(job: Job, faults: tuple[Fault, ...] = ()) -> JobView:
    """Return the row as people see it."""
    state = JobState(job.state)
    return JobView(
        id=job.id,
        kind=job.kind,
        state=state,
        phase=job.phase,
        done=job.done,
        total=job.total,
        percent=rules.percent(state, job.done, job.total),
        result=dict(job.result),
        error=job.error,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        faults=faults,
    )


def find_ended(session: Session, *, among: Select[UUID], before: datetime, limit: int) -> Sequence[UUID]:
    """Return at most `limit` of those jobs that ended before that moment, the oldest first.

    They are locked: none is resumed until this transaction ends.
    """
    over = Job.state.not_in(rules.ACTIVE_STATES) & (Job.finished_at < before)
    query = select(Job.id).where(Job.id.in_(among), over).order_by(Job.finished_at, Job.id).limit(limit)
    return session.scalars(query.with_for_update(of=Job, skip_locked=True)).all()


def _get(session: Session, reader: Principal | None, job_id: UUID, *, lock: bool = False) -> Job:
    query = select(Job).where(Job.id == job_id, _visible(reader))
    job = session.scalar(query.with_for_update() if lock else query)
    if job is None:
        raise errors.JobNotFound
    return job


def _visible(reader: Principal | None) -> ColumnElement[bool]:
    """Return the condition of the jobs a reader may see: own ones; all for city staff; else those of the place."""
    if reader is None or reader.place.is_city:
        return true()
    place = reader.place
    own = Job.owner_id == reader.id
    if place.district is not None:
        return or_(own, Job.district == place.district)
    if place.department is not None:
        return or_(own, Job.department == place.department)
    return own


def _within(job: Job, place: Place) -> bool:
    """Return whether a job's place is one that this place answers for; a job of neither kind is the city's."""
    if place.is_city:
        return True
    if place.district is not None:
        return job.district == place.district
    return place.department is not None and job.department == place.department


def _faults(session: Session, job_id: UUID) -> tuple[Fault, ...]:
    """Return the first faults by sheet, row and finding; where they are too many, errors go first."""
    first = (
        select(JobFault.number)
        .where(JobFault.job_id == job_id)
        .order_by(JobFault.severity == Severity.WARNING, JobFault.number)
        .limit(rules.MOST_FAULTS)
    )
    rows = session.scalars(
        select(JobFault)
        .where(JobFault.job_id == job_id, JobFault.number.in_(first))
        .order_by(JobFault.sheet.collate("C").nulls_first(), JobFault.row.nulls_first(), JobFault.number)
    )
    return tuple(Fault(Severity(row.severity), row.message, row.sheet, row.row, row.column) for row in rows)


def _record(session: Session, job: Job, action: str, change: audit.Change | audit.AtShell) -> None:
    details = {"kind": job.kind, "before": job.state, "done": job.done}
    audit.record(
        session,
        at=change.at,
        actor=change.by,
        action=action,
        subject=str(job.id),
        details=details,
        request_id=change.request_id,
    )
