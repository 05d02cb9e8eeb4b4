"""Levels of health codes that two persons set, and requests to have a level corrected.

Programs of 0008 work on the new schema: new tables, new columns that may be empty, and checks that allow more.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

ALARMS = (
    "'scanner_volume', 'scanner_purposes', 'implausible_travel', 'reference_unknown', 'forged_codes', 'guessing', "
    "'staff_look_ups', 'unsealed_audit', 'audit_heads', 'dispute_overdue', 'recovery_objection', "
    "'correction_overdue'"
)
ROLES = (
    "'city_admin', 'district_admin', 'editor', 'reviewer', 'clerk', 'health_officer', 'health_reviewer', "
    "'system_admin', 'security_admin', 'auditor'"
)
LEVELS = "'green', 'yellow', 'red'"


def _replace_check(table: str, name: str, condition: str) -> None:
    op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)


def upgrade() -> None:
    _replace_check("alarms", "kind", f"kind IN ({ALARMS})")
    _replace_check("staff", "roles", f"cardinality(roles) > 0 AND roles <@ ARRAY[{ROLES}]")
    _widen_answers()
    _create_changes()
    _create_levels()
    _create_corrections()


def _widen_answers() -> None:
    for column in ("rule", "set_level", "told_level"):
        op.add_column("source_answers", sa.Column(column, sa.Text(), nullable=True))
    op.add_column("source_answers", sa.Column("set_until", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(
        op.f("ck_source_answers_set_level"), "source_answers", "set_level IN ('green', 'yellow', 'red')"
    )
    op.create_check_constraint(
        op.f("ck_source_answers_set_until"), "source_answers", "(set_level IS NULL) = (set_until IS NULL)"
    )
    # what is known today is no news; NULL counts as green, which nearly all are, so few rows are written under the lock
    op.execute("UPDATE source_answers SET told_level = detail ->> 'level' WHERE detail ->> 'level' <> 'green'")
    op.create_index(
        "ix_source_answers_level_news",
        "source_answers",
        ["entitlement"],
        unique=False,
        postgresql_where=sa.text("(detail ->> 'level') <> COALESCE(told_level, 'green')"),
    )


def _create_changes() -> None:
    op.create_table(
        "health_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Uuid(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("applied", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "state IN ('proposed', 'approved', 'rejected', 'withdrawn', 'lapsed')", name=op.f("ck_health_changes_state")
        ),
        sa.CheckConstraint(f"level IN ({LEVELS})", name=op.f("ck_health_changes_level")),
        sa.CheckConstraint(
            "state IN ('proposed', 'withdrawn') OR decided_by <> proposed_by",
            name=op.f("ck_health_changes_two_persons"),
        ),
        sa.CheckConstraint("(state = 'proposed') = (decided_at IS NULL)", name=op.f("ck_health_changes_decided")),
        sa.CheckConstraint(
            "(state IN ('proposed', 'lapsed')) = (decided_by IS NULL)", name=op.f("ck_health_changes_decided_by")
        ),
        sa.CheckConstraint("(state = 'approved') = (applied IS NOT NULL)", name=op.f("ck_health_changes_applied")),
        sa.CheckConstraint("number > 0 AND applied BETWEEN 1 AND number", name=op.f("ck_health_changes_number")),
        sa.CheckConstraint("ends_at > proposed_at", name=op.f("ck_health_changes_ends")),
        sa.ForeignKeyConstraint(["proposed_by"], ["staff.id"], name=op.f("fk_health_changes_proposed_by_staff")),
        sa.ForeignKeyConstraint(["decided_by"], ["staff.id"], name=op.f("fk_health_changes_decided_by_staff")),
        sa.ForeignKeyConstraint(
            ["proposal_id"], ["proposals.id"], name=op.f("fk_health_changes_proposal_id_proposals")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_health_changes")),
    )
    op.create_index("ix_health_changes_state_id", "health_changes", ["state", "id"], unique=False)


def _create_levels() -> None:
    op.create_table(
        "health_levels",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("change_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('waiting', 'in_force', 'ended', 'dropped')", name=op.f("ck_health_levels_state")),
        sa.CheckConstraint(
            "end_reason IN ('expired', 'replaced', 'corrected')", name=op.f("ck_health_levels_end_reason")
        ),
        sa.CheckConstraint(
            "(state IN ('in_force', 'ended')) = (since IS NOT NULL)", name=op.f("ck_health_levels_since")
        ),
        sa.CheckConstraint("(state = 'ended') = (ended_at IS NOT NULL)", name=op.f("ck_health_levels_ended")),
        sa.CheckConstraint("(state = 'ended') = (end_reason IS NOT NULL)", name=op.f("ck_health_levels_end_named")),
        sa.ForeignKeyConstraint(
            ["change_id"], ["health_changes.id"], name=op.f("fk_health_levels_change_id_health_changes")
        ),
        sa.ForeignKeyConstraint(["resident_id"], ["residents.id"], name=op.f("fk_health_levels_resident_id_residents")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_health_levels")),
    )
    for name, state in (("waiting", "waiting"), ("in_force", "in_force")):
        op.create_index(
            f"uq_health_levels_{name}",
            "health_levels",
            ["resident_id"],
            unique=True,
            postgresql_where=sa.text(f"state = '{state}'"),
        )
    op.create_index("ix_health_levels_resident_id", "health_levels", ["resident_id"], unique=False)
    op.create_index("ix_health_levels_change_id", "health_levels", ["change_id"], unique=False)
    op.create_index(
        "ix_health_levels_ends_at",
        "health_levels",
        ["ends_at"],
        unique=False,
        postgresql_where=sa.text("state = 'in_force'"),
    )


def _create_corrections() -> None:
    op.create_table(
        "health_corrections",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Uuid(), nullable=True),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        sa.Column("by_guardian", sa.Boolean(), nullable=False),
        sa.Column("text_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('open', 'upheld', 'corrected')", name=op.f("ck_health_corrections_state")),
        sa.CheckConstraint(f"level IN ({LEVELS})", name=op.f("ck_health_corrections_level")),
        sa.CheckConstraint("set_by IN ('person', 'rule', 'source')", name=op.f("ck_health_corrections_set_by")),
        sa.CheckConstraint(
            "answered_by <> proposed_by AND answered_by <> approved_by", name=op.f("ck_health_corrections_independent")
        ),
        sa.CheckConstraint(
            "num_nonnulls(answer_sealed, answered_by, answered_at) = CASE state WHEN 'open' THEN 0 ELSE 3 END",
            name=op.f("ck_health_corrections_answered"),
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["residents.id"], name=op.f("fk_health_corrections_resident_id_residents")
        ),
        sa.ForeignKeyConstraint(["proposed_by"], ["staff.id"], name=op.f("fk_health_corrections_proposed_by_staff")),
        sa.ForeignKeyConstraint(["approved_by"], ["staff.id"], name=op.f("fk_health_corrections_approved_by_staff")),
        sa.ForeignKeyConstraint(["answered_by"], ["staff.id"], name=op.f("fk_health_corrections_answered_by_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_health_corrections")),
    )
    op.create_index(
        "uq_health_corrections_open",
        "health_corrections",
        ["resident_id"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("ix_health_corrections_resident_id_id", "health_corrections", ["resident_id", "id"], unique=False)
    op.create_index(
        "ix_health_corrections_state_due_at_id", "health_corrections", ["state", "due_at", "id"], unique=False
    )
