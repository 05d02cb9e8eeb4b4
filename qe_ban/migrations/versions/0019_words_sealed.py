"""Words that people type about people are sealed, and what was searched for in vain waits for a fifth network.

Only new columns and a table: a column in clear is empty from now on, or has the placeholder where it may not be empty,
which programs of 0.3.0 show. What they write in clear is newer than what is sealed, and a worker of this release seals
it within minutes. Of searches they keep each, with `networks` 0: these rows are shown to nobody and swept.

The columns in clear (`recovery_cases.basis` and `decision_basis`, `alarms.closing_note`, `demands.title`,
`pages.reason`) can go with a later release; `page_withdrawals.reason` keeps what the program itself says there.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

_SEALED = (
    ("recovery_cases", "basis_sealed"),
    ("recovery_cases", "decision_basis_sealed"),
    ("alarms", "closing_note_sealed"),
    ("demands", "title_sealed"),
    ("pages", "reason_sealed"),
    ("page_withdrawals", "reason_sealed"),
)


def upgrade() -> None:
    for table, column in _SEALED:
        op.add_column(table, sa.Column(column, sa.LargeBinary(), nullable=True))
    op.add_column("search_misses", sa.Column("networks", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.create_table(
        "audit_words",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("text_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_audit_words")),
    )
    op.create_index("ix_audit_words_day", "audit_words", ["day"], unique=False)
