"""Refresh tokens lose the order in which they were given out and used.

`refresh_tokens.turned_over` says how often the worker wrote a token anew in an order that is not theirs, `written_at`
on which day its row was last written. Only adds; programs of 0.4.0 leave both as they are, and the worker turns such
rows over once.
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.add_column("refresh_tokens", sa.Column("written_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "refresh_tokens", sa.Column("turned_over", sa.SmallInteger(), server_default=sa.text("0"), nullable=False)
    )
    op.create_index(
        "ix_refresh_tokens_turned_over",
        "refresh_tokens",
        ["turned_over", "written_at"],
        postgresql_where=sa.text("turned_over < 2"),
    )
