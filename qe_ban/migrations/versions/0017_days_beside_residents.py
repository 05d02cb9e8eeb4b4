"""Days beside residents' ids: exact moments are sealed in a column of their own.

Only adds columns. Programs of 0.3.0 read and write the old ones: they show the day where this release wrote, and what
they write counts before what is sealed. No later release drops anything: the columns stay, as days.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

TABLES = ("residents", "consents", "consent_events", "followed_halls", "favourite_items", "recent_items")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("moments_sealed", sa.LargeBinary(), nullable=True))
