"""Drafts as they were saved.

Only a new table: programs of 0.2.0 save without it, and what they save is kept by the next save of a newer one.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "page_saves",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("saved_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["kind", "slug"], ["pages.kind", "pages.slug"], name=op.f("fk_page_saves_kind_slug_pages")
        ),
        sa.PrimaryKeyConstraint("kind", "slug", "number", name=op.f("pk_page_saves")),
    )
    op.create_index("ix_page_saves_saved_at", "page_saves", ["saved_at"], unique=False)
