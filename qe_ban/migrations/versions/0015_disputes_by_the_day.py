"""Disputes say in clear no more than the day on which somebody acted.

Only new columns: `scan_sealed` has the scan's copy with its ids and its second, and when the dispute was opened;
`appellant_sealed` who appealed. Programs of 0.3.0 read the old columns, in which the hour and the day stand now, and
the dispute's id in place of the scan's. They hold no appeal for a guardian's that a newer program took: while both
serve, what 0.3.0 answers is told to the ward alone. What 0.3.0 writes, a worker of this release seals within minutes,
and it records the audit's events itself, as the defaults say. `appeal_by_guardian` can go with a later release.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("disputes", sa.Column("scan_sealed", sa.LargeBinary(), nullable=True))
    op.add_column("disputes", sa.Column("appellant_sealed", sa.LargeBinary(), nullable=True))
    op.add_column("disputes", sa.Column("open_recorded", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column("disputes", sa.Column("appeal_recorded", sa.Boolean(), server_default=sa.true(), nullable=False))
