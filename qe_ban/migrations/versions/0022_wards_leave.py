"""Accounts of wards close: a guardian asks and it waits, or a window does it, or nobody holds the record any more.

`guardianships.closing_due_at` says when the ward's account closes because this guardian asked; programs of 0.3.0 do not
know it, and a guardianship that they end closes nothing. `recovery_cases.kind` may be `closing`: no such case is opened
while programs of 0.3.0 may serve, which could not read it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

_KINDS = "kind IN ('claimed', 'new_phone', 'recycled', 'lost_phone', 'closing')"


def upgrade() -> None:
    op.add_column("guardianships", sa.Column("closing_due_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_guardianships_closing_due_at",
        "guardianships",
        ["closing_due_at"],
        unique=False,
        postgresql_where=sa.text("closing_due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_residents_without_phone",
        "residents",
        ["id"],
        unique=False,
        postgresql_where=sa.text("phone_sealed IS NULL AND closed_at IS NULL"),
    )
    op.drop_constraint(op.f("ck_recovery_cases_kind"), "recovery_cases", type_="check")
    op.create_check_constraint(op.f("ck_recovery_cases_kind"), "recovery_cases", _KINDS)
