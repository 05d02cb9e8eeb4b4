"""The table of audit events, and the triggers that let nobody change what stands in it."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, Connection, Identity, Index, event, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from qe_ban.db.base import Base


class AuditEvent(Base):
    """One thing that somebody did. `id` counts up, so that the newest come first without a sort by time.

    `subject` is an opaque id or a slug, `details` says what was before and after; neither holds a personal number.
    """

    __tablename__ = "audit_events"
    __table_args__ = (
        Index("ix_audit_events_actor_id_id", "actor_id", "id"),
        Index("ix_audit_events_action_id", "action", "id"),
        Index("ix_audit_events_subject_id", "subject", "id"),
        # BRIN: the rows lie in the order of time, and every disclosure of the hot path writes here.
        Index("ix_audit_events_at", "at", postgresql_using="brin"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime]
    actor_kind: Mapped[str | None]
    actor_id: Mapped[UUID | None]
    action: Mapped[str]
    subject: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    case_number: Mapped[str | None]
    request_id: Mapped[str | None]


APPEND_ONLY: Final = (
    """
    CREATE OR REPLACE FUNCTION audit_events_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'audit_events is append-only' USING ERRCODE = 'restrict_violation';
    END
    $$
    """,
    """
    CREATE TRIGGER audit_events_rows_stand BEFORE UPDATE OR DELETE ON audit_events
    FOR EACH ROW EXECUTE FUNCTION audit_events_append_only()
    """,
    """
    CREATE TRIGGER audit_events_table_stands BEFORE TRUNCATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION audit_events_append_only()
    """,
)
"""The statements that make the table append-only; they run whenever the metadata makes the table."""


@event.listens_for(AuditEvent.__table__, "after_create")
def _forbid_changes(_table: object, connection: Connection, **_: Any) -> None:
    for statement in APPEND_ONLY:
        connection.exec_driver_sql(statement)
