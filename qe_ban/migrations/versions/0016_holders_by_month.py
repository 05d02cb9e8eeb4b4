"""Hashes of holders change with the city's month, so that no trail outlives one.

Only a new table. Programs of 0.3.0 write and look for hashes that never change: the months begin with the first one
after they serve no more, which 0014 says (`release_overlaps`).
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "holders_over_month",
        sa.Column("holder", sa.LargeBinary(), nullable=False),
        sa.Column("before_sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("holder", name=op.f("pk_holders_over_month")),
    )
