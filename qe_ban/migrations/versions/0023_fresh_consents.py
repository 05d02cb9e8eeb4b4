"""What residents decide about consents lies under keyed hashes until the worker turns it over.

One new table. While programs of 0.3.0 may serve (`release_overlaps`) decisions are written into `consents` at once, for
these programs read nothing else.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.create_table(
        "fresh_consents",
        sa.Column("holder", sa.LargeBinary(), nullable=False),
        sa.Column("owner", sa.LargeBinary(), nullable=False),
        sa.Column("content_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("holder", name=op.f("pk_fresh_consents")),
    )
    op.create_index(op.f("ix_fresh_consents_owner"), "fresh_consents", ["owner"])
