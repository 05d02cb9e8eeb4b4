"""Alarms, and what is usual at each scanner.

Only new tables: programs of 0005 work on the new schema.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"

KINDS = (
    "'scanner_volume', 'scanner_purposes', 'implausible_travel', 'reference_unknown', 'forged_codes', 'guessing', "
    "'staff_look_ups', 'unsealed_audit', 'audit_heads', 'dispute_overdue'"
)


def upgrade() -> None:
    op.create_table(
        "alarms",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Uuid(), nullable=True),
        sa.Column("closing_note", sa.Text(), nullable=True),
        sa.CheckConstraint(f"kind IN ({KINDS})", name=op.f("ck_alarms_kind")),
        sa.CheckConstraint("num_nonnulls(closed_at, closed_by, closing_note) IN (0, 3)", name=op.f("ck_alarms_closed")),
        sa.CheckConstraint("count > 0", name=op.f("ck_alarms_count")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarms")),
    )
    op.create_index(
        "uq_alarms_open", "alarms", ["kind", "subject"], unique=True, postgresql_where=sa.text("closed_at IS NULL")
    )
    op.create_index("ix_alarms_kind_subject_last_at", "alarms", ["kind", "subject", "last_at"], unique=False)
    op.create_index(
        "ix_alarms_closed_at",
        "alarms",
        ["closed_at"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NOT NULL"),
    )
    op.create_table(
        "scanner_habits",
        sa.Column("scanner_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("most", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("scanner_id", "day", "purpose", name=op.f("pk_scanner_habits")),
    )
    op.create_index("ix_scanner_habits_day", "scanner_habits", ["day"], unique=False)
