"""What venues were called before they were renamed.

Only a new table: programs of 0.2.0 change no venue.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "venue_versions",
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("scene", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["venue_id"], ["venues.id"], name=op.f("fk_venue_versions_venue_id_venues")),
        sa.PrimaryKeyConstraint("venue_id", "until", name=op.f("pk_venue_versions")),
    )
