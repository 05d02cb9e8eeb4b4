"""Sign-ins lose the order in which they began.

`refresh_families.turned_over` says how often the worker wrote a sign-in anew in an order that is not theirs. Programs
of 0.3.0 leave it at 0; the worker begins when what they wrote is sealed.
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.add_column(
        "refresh_families", sa.Column("turned_over", sa.SmallInteger(), server_default=sa.text("0"), nullable=False)
    )
    op.create_index(
        "ix_refresh_families_turned_over",
        "refresh_families",
        ["turned_over", "started_at"],
        postgresql_where=sa.text("turned_over < 2 AND content_sealed IS NOT NULL"),
    )
