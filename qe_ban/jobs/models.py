"""The tables of the outbox, of the schedules and of the workers' signs of life."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from qe_ban.db.base import Base


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
