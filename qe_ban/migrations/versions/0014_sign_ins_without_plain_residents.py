"""Sign-ins of residents without their plain ids and moments.

Only adds. Programs of 0.3.0 read `principal_id`, `stepped_up_at`, `ended_at` and `expires_at` of every sign-in, so for
three days sign-ins are written as they know them; then the worker seals those, and new ones are sealed from the start.
A later release drops `stepped_up_at` for residents and this table's row.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("refresh_families", sa.Column("content_sealed", sa.LargeBinary(), nullable=True))
    op.create_index(
        "ix_refresh_families_open",
        "refresh_families",
        ["id"],
        postgresql_where=sa.text("content_sealed IS NULL AND kind = 'resident'"),
    )
    op.create_table(
        "release_overlaps",
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rewritten_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("previous", name=op.f("pk_release_overlaps")),
    )
    # on a new database no program of before can be at work
    op.execute(
        "INSERT INTO release_overlaps (previous, ends_at)"
        " SELECT '0.3.0', now() + interval '3 days' WHERE EXISTS (SELECT FROM ring_keys)"
    )
