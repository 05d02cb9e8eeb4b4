"""The table of audit events, cut by month. What lets nobody change what stands in it is in the migrations."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from qe_ban.db.base import Base


class AuditEvent(Base):
    """One thing that somebody did. `id` counts up, so that the newest come first without a sort by time.

    `subject` is an opaque id or a slug, `details` says what was before and after; neither holds a personal number.
    Triggers refuse update and truncate, and delete of what is younger than half a year (`rules.LEAST_KEPT`).
    """

    __tablename__ = "audit_events"
    __table_args__ = (
        Index("ix_audit_events_actor_id_id", "actor_id", "id"),
        Index("ix_audit_events_action_id", "action", "id"),
        Index("ix_audit_events_subject_id", "subject", "id"),
        # BRIN: the rows lie in the order of time, and every disclosure of the hot path writes here.
        Index("ix_audit_events_at", "at", postgresql_using="brin"),
        {"postgresql_partition_by": "RANGE (at)"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    actor_kind: Mapped[str | None]
    actor_id: Mapped[UUID | None]
    action: Mapped[str]
    subject: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    case_number: Mapped[str | None]
    request_id: Mapped[str | None]
