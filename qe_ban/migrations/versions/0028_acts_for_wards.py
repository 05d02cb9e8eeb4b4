"""What guardians do for wards is sealed until the day is over, when the audit has it.

One new table. Programs of 0.4.0 record it at its moment, and neither write nor read the table.
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.create_table(
        "acts_for_wards",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("content_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("acted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acts_for_wards")),
    )
