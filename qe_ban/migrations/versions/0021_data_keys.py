"""Residents, demands, disputes and wishes to act for somebody have data keys, which lie outside the database.

Only new columns, sequences and a table. While programs of 0.3.0 may serve (`release_overlaps`) nobody gets a data key,
for they open nothing that is sealed under one; then the worker gives one to each row that has none, so what it noted
as rewritten before is not.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

_TABLES = ("residents", "demands", "disputes", "guardianships")


def upgrade() -> None:
    for table in _TABLES:
        op.add_column(table, sa.Column("data_key", sa.BigInteger(), nullable=True))
        op.execute(sa.schema.CreateSequence(sa.Sequence(f"data_keys_of_{table}")))
    op.create_table(
        "data_keys_to_destroy",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_data_keys_to_destroy")),
    )
    op.execute("UPDATE release_overlaps SET rewritten_at = NULL")
