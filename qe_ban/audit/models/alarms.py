"""The table of alarms: what a person must look at."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from qe_ban.audit.rules.alarms import AlarmKind
from qe_ban.db.base import Base, one_of


class Alarm(Base):
    """One thing that looks wrong. `subject` is an opaque id or a word of ours, never a number or name of anybody.

    One is open for a kind and a subject: what is found anew adds to it. `last_at` is the moment of the newest fact that
    was counted, `facts` has figures only. What was found when it was closed is sealed; `closing_note` has a
    placeholder.
    """

    __tablename__ = "alarms"
    __table_args__ = (
        Index("uq_alarms_open", "kind", "subject", unique=True, postgresql_where=text("closed_at IS NULL")),
        Index("ix_alarms_kind_subject_last_at", "kind", "subject", "last_at"),
        Index("ix_alarms_closed_at", "closed_at", postgresql_where=text("closed_at IS NOT NULL")),
        CheckConstraint(one_of("kind", AlarmKind), name="kind"),
        CheckConstraint("num_nonnulls(closed_at, closed_by, closing_note) IN (0, 3)", name="closed"),
        CheckConstraint("count > 0", name="count"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    subject: Mapped[str]
    opened_at: Mapped[datetime]
    last_at: Mapped[datetime]
    count: Mapped[int] = mapped_column(BigInteger)
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[UUID | None]
    closing_note: Mapped[str | None]
    closing_note_sealed: Mapped[bytes | None]
