"""Indexes by which the worker finds what has ended, and what still refers to it.

Nothing changes for programs of 0.3.0: what this release deletes, they miss nowhere.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.create_index(
        "ix_residents_closed_at", "residents", ["closed_at"], postgresql_where=sa.text("closed_at IS NOT NULL")
    )
    op.create_index("ix_guardianships_guardian_id", "guardianships", ["guardian_id"])
    op.create_index("ix_recovery_cases_claimant_id", "recovery_cases", ["claimant_id"])
    op.create_index("ix_recent_items_at", "recent_items", ["at"])
    op.create_index(
        "ix_consents_requested_at", "consents", ["requested_at"], postgresql_where=sa.text("state = 'requested'")
    )
    op.create_index("ix_consent_events_at", "consent_events", ["at"], postgresql_using="brin")
    for table in ("consents", "consent_events"):
        op.create_index(
            f"ix_{table}_guardianship_id",
            table,
            ["guardianship_id"],
            postgresql_where=sa.text("guardianship_id IS NOT NULL"),
        )
