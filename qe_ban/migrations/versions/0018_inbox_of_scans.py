"""What scans ask of residents goes through an inbox, and what sources told scanners stands under keyed hashes.

Two new tables. Programs of 0.3.0 go on writing `consents` and `source_answers` in the scan's transaction until they
serve no more (`release_overlaps`); what they left in `source_answers` of kinds with an outside source is deleted then.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "requests_of_scans",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("content_sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requests_of_scans")),
    )
    op.create_table(
        "answers_of_sources",
        sa.Column("holder", sa.LargeBinary(), nullable=False),
        sa.Column("owner", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("detail", postgresql.JSONB(), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("holder", name=op.f("pk_answers_of_sources")),
    )
    op.create_index(op.f("ix_answers_of_sources_owner"), "answers_of_sources", ["owner"])
    op.create_index(op.f("ix_answers_of_sources_asked_at"), "answers_of_sources", ["asked_at"])
