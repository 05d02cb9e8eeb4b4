"""One-time passwords: several challenges for one message.

Only columns that may be empty: programs of 0009 work on the new schema, and their challenges stand for themselves.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("otp_challenges", sa.Column("message_id", sa.Uuid(), nullable=True))
    op.add_column("otp_challenges", sa.Column("phone_mac", sa.LargeBinary(), nullable=True))
    op.create_index(
        "ix_otp_challenges_phone_mac",
        "otp_challenges",
        ["phone_mac"],
        unique=False,
        postgresql_where=sa.text("phone_mac IS NOT NULL"),
    )
