"""The tables of the outbox, of the schedules, of the workers' signs of life, and of long jobs with their faults."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from qe_ban.db.base import Base, one_of
from qe_ban.jobs.rules import ACTIVE_STATES, JobState, Severity


class OutboxMessage(Base):
    """A message that leaves the process after the commit; its row goes when it is delivered.

    One that was given up stays with the reason, for people to find, but without its content.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_due_at", "due_at", postgresql_where=text("given_up_at IS NULL")),
        CheckConstraint("(payload IS NULL) = (given_up_at IS NOT NULL)", name="content_until_given_up"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    topic: Mapped[str]
    payload: Mapped[bytes | None]
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    useful_until: Mapped[datetime | None]
    attempts: Mapped[int]
    given_up_at: Mapped[datetime | None]
    reason: Mapped[str | None]


class ScheduleRow(Base):
    """When a schedule runs next; its lock lets one worker of all take the run."""

    __tablename__ = "schedules"

    name: Mapped[str] = mapped_column(primary_key=True)
    next_run_at: Mapped[datetime]
    last_run_at: Mapped[datetime | None]


class WorkerBeat(Base):
    """A worker process and when it was last heard of."""

    __tablename__ = "worker_beats"

    worker: Mapped[UUID] = mapped_column(primary_key=True)
    beat_at: Mapped[datetime]


class Job(Base):
    """Something long that a person asked for: done in steps, each committed with how far it is.

    `cursor` is the runner's own: where it goes on after a death. `lease` names the process that has it, until
    `leased_until`; whoever holds no lease writes nothing. `lane`: of one lane one job runs at a time.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint(one_of("state", JobState), name="state"),
        CheckConstraint("(lease IS NULL) = (leased_until IS NULL)", name="lease"),
        CheckConstraint("(state = 'running') = (lease IS NOT NULL)", name="running_is_leased"),
        Index("ix_jobs_waiting", "created_at", postgresql_where=text(one_of("state", ACTIVE_STATES))),
        Index("uq_jobs_lane_running", "lane", unique=True, postgresql_where=text("state = 'running'")),
        Index("ix_jobs_finished_at", "finished_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    lane: Mapped[str]
    state: Mapped[str]
    phase: Mapped[str]
    done: Mapped[int]
    total: Mapped[int | None]
    cursor: Mapped[dict[str, Any]] = mapped_column(JSONB)
    result: Mapped[dict[str, Any]] = mapped_column(JSONB)
    error: Mapped[str | None]
    attempts: Mapped[int]
    lease: Mapped[UUID | None]
    leased_until: Mapped[datetime | None]
    owner_id: Mapped[UUID | None]
    district: Mapped[str | None]
    department: Mapped[str | None]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class JobFault(Base):
    """Something wrong with what a job was given, by the place in its file: a person's to mend."""

    __tablename__ = "job_faults"
    __table_args__ = (CheckConstraint(one_of("severity", Severity), name="severity"),)

    job_id: Mapped[UUID] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    severity: Mapped[str]
    sheet: Mapped[str | None]
    row: Mapped[int | None]
    column: Mapped[str | None]
    message: Mapped[str]
