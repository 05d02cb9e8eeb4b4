"""Second persons at venues, and appeals of disputes.

New columns are empty or have a default: programs of 0010 go on making venues, enrolments and disputes beside.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

OFFICERS = """
INSERT INTO venue_officers (venue_id, staff_id, since)
SELECT venue_id, staff_id, min(since) FROM (
    SELECT venue_id, created_by AS staff_id, created_at AS since FROM enrolments WHERE created_by IS NOT NULL
    UNION ALL
    SELECT v.id, e.actor_id, e.at FROM venues v JOIN audit_events e ON e.subject = CAST(v.id AS text)
    WHERE e.actor_kind = 'staff' AND e.action IN ('venues.create', 'venues.invite_scanner') AND e.actor_id IS NOT NULL
) acts GROUP BY venue_id, staff_id
"""
MAKERS = """
UPDATE venues v SET named_by = e.actor_id FROM audit_events e
WHERE e.subject = CAST(v.id AS text) AND e.action = 'venues.create' AND e.actor_kind = 'staff'
"""
# a copy says the moment to the millisecond or finer; within its second ids are looked at
PLACES = """
UPDATE disputes d SET venue_id = s.venue_id FROM scans s
WHERE s.id = d.scan_id AND s.at BETWEEN CAST(d.scan ->> 'at' AS timestamptz) - interval '1 second'
                                    AND CAST(d.scan ->> 'at' AS timestamptz) + interval '1 second'
"""
ANSWERED = "num_nonnulls(appeal_answer_sealed, appeal_answered_by, appeal_answered_at)"


def upgrade() -> None:
    op.add_column("venues", sa.Column("named_by", sa.Uuid(), nullable=True))
    op.add_column("venues", sa.Column("flagged", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("venues", sa.Column("confirmed_by", sa.Uuid(), nullable=True))
    op.add_column("venues", sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(op.f("ck_venues_two_persons"), "venues", "confirmed_by <> named_by")
    op.create_check_constraint(op.f("ck_venues_confirmed"), "venues", "num_nonnulls(confirmed_by, confirmed_at) <> 1")
    op.create_table(
        "venue_officers",
        sa.Column("venue_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["venue_id"], ["venues.id"], name=op.f("fk_venue_officers_venue_id_venues")),
        sa.PrimaryKeyConstraint("venue_id", "staff_id", name=op.f("pk_venue_officers")),
    )
    op.alter_column("enrolments", "code_hash", nullable=True)
    op.add_column("enrolments", sa.Column("approval_required", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("enrolments", sa.Column("approved_by", sa.Uuid(), nullable=True))
    op.add_column("enrolments", sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(op.f("ck_enrolments_two_persons"), "enrolments", "approved_by <> created_by")
    op.create_check_constraint(
        op.f("ck_enrolments_approved"),
        "enrolments",
        "num_nonnulls(approved_by, approved_at) <> 1 AND (approved_by IS NULL OR approval_required)",
    )
    op.create_check_constraint(
        op.f("ck_enrolments_code_after_approval"),
        "enrolments",
        "(code_hash IS NULL) = (approval_required AND approved_by IS NULL)",
    )
    for name in ("appeal_sealed", "appeal_answer_sealed"):
        op.add_column("disputes", sa.Column(name, sa.LargeBinary(), nullable=True))
    for name in ("appealed_at", "appeal_due_at", "appeal_answered_at"):
        op.add_column("disputes", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.add_column("disputes", sa.Column("venue_id", sa.Uuid(), nullable=True))
    op.add_column("disputes", sa.Column("appeal_state", sa.Text(), nullable=True))
    op.add_column("disputes", sa.Column("appeal_by_guardian", sa.Boolean(), nullable=True))
    op.add_column("disputes", sa.Column("appeal_answered_by", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_disputes_appeal_answered_by_staff"), "disputes", "staff", ["appeal_answered_by"], ["id"]
    )
    for check, rule in (
        ("appeal_state", "appeal_state IN ('open', 'upheld', 'dismissed')"),
        ("appeal_of_a_dismissal", "appeal_state IS NULL OR state = 'dismissed'"),
        (
            "appealed",
            "num_nonnulls(appeal_state, appeal_sealed, appealed_at, appeal_due_at, appeal_by_guardian) IN (0, 5)",
        ),
        (
            "appeal_answered",
            f"{ANSWERED} = CASE WHEN appeal_state IN ('upheld', 'dismissed') THEN 3 ELSE 0 END",
        ),
        ("appeal_by_another", "appeal_answered_by <> answered_by"),
    ):
        op.create_check_constraint(op.f(f"ck_disputes_{check}"), "disputes", rule)
    op.create_index(
        "ix_disputes_appeal_due_at",
        "disputes",
        ["appeal_due_at"],
        unique=False,
        postgresql_where=sa.text("appeal_state = 'open'"),
    )
    for statement in (OFFICERS, MAKERS, PLACES):
        op.execute(statement)
