"""An alarm of a further kind: the holder of an account objects to a recovery case."""

from alembic import op

revision = "0008"
down_revision = "0007"

KINDS = (
    "'scanner_volume', 'scanner_purposes', 'implausible_travel', 'reference_unknown', 'forged_codes', 'guessing', "
    "'staff_look_ups', 'unsealed_audit', 'audit_heads', 'dispute_overdue', 'recovery_objection'"
)


def upgrade() -> None:
    op.drop_constraint(op.f("ck_alarms_kind"), "alarms", type_="check")
    op.create_check_constraint(op.f("ck_alarms_kind"), "alarms", f"kind IN ({KINDS})")
