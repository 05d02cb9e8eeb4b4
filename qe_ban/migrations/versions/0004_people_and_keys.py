"""People and keys.

Programs of 0003 work on the new schema. They stop over a ring that they do not know, so they see those that they know,
as the view `keys`, which goes when no such program is left.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"

ROLES = "'city_admin', 'district_admin', 'editor', 'reviewer', 'clerk', 'system_admin', 'security_admin', 'auditor'"
VERIFIED = "(verified_at IS NULL) = (num_nonnulls(id_index, id_index_next) = 0)"
PHONE = "(phone_sealed IS NULL) = (num_nonnulls(phone_index, phone_index_next) = 0)"
PHONELESS = "(phone_sealed IS NOT NULL OR verified_at IS NOT NULL OR closed_at IS NOT NULL)"
CHECKS = (
    ("consents", "state", "state IN ('requested', 'granted', 'withdrawn')"),
    ("ring_keys", "slot", "slot IN (0, 1)"),
    ("recovery_cases", "state", "state IN ('open', 'settled', 'rejected')"),
    ("recovery_cases", "kind", "kind IN ('claimed', 'new_phone', 'recycled', 'lost_phone')"),
    ("recovery_cases", "closed", "(state = 'open') = (closed_at IS NULL)"),
    (
        "residents",
        "verified",
        f"(assurance = 'none') = (verified_at IS NULL) AND {VERIFIED}",
    ),
    (
        "residents",
        "phone",
        f"{PHONE} AND {PHONELESS}",
    ),
    ("staff", "roles", f"cardinality(roles) > 0 AND roles <@ ARRAY[{ROLES}]"),
)


def upgrade() -> None:
    op.create_table(
        "short_numbers",
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column("code_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("mac", name=op.f("pk_short_numbers")),
    )
    op.create_index(op.f("ix_short_numbers_expires_at"), "short_numbers", ["expires_at"], unique=False)
    op.create_table(
        "closings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("report", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["resident_id"], ["residents.id"], name=op.f("fk_closings_resident_id_residents")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closings")),
        sa.UniqueConstraint("resident_id", name=op.f("uq_closings_resident_id")),
    )
    op.create_index(
        "ix_closings_unchecked",
        "closings",
        ["closed_at"],
        unique=False,
        postgresql_where=sa.text("checked_at IS NULL"),
    )
    op.create_table(
        "consent_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('requested', 'granted', 'withdrawn')", name=op.f("ck_consent_events_state")),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["residents.id"], name=op.f("fk_consent_events_resident_id_residents")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_events")),
    )
    op.create_index("ix_consent_events_resident_id_id", "consent_events", ["resident_id", "id"], unique=False)
    op.execute("""
        INSERT INTO consent_events (resident_id, purpose, state, at)
        SELECT resident_id, purpose, state, granted_at FROM consents WHERE state = 'granted' ORDER BY granted_at
    """)
    op.create_table(
        "disputes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("scan_id", sa.Uuid(), nullable=False),
        sa.Column("holder", sa.LargeBinary(), nullable=False),
        sa.Column("resident_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("district", sa.Text(), nullable=False),
        sa.Column("scan", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("text_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'open') = (answered_at IS NULL)", name=op.f("ck_disputes_answered")),
        sa.CheckConstraint("state IN ('open', 'upheld', 'dismissed')", name=op.f("ck_disputes_state")),
        sa.ForeignKeyConstraint(["answered_by"], ["staff.id"], name=op.f("fk_disputes_answered_by_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disputes")),
        sa.UniqueConstraint("scan_id", name=op.f("uq_disputes_scan_id")),
    )
    op.create_index("ix_disputes_district_id", "disputes", ["district", "id"], unique=False)
    op.create_index(
        "ix_disputes_due_at", "disputes", ["due_at"], unique=False, postgresql_where=sa.text("state = 'open'")
    )
    op.create_index("ix_disputes_holder", "disputes", ["holder"], unique=False)
    op.create_table(
        "guardianships",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("guardian_id", sa.Uuid(), nullable=False),
        sa.Column("ward_id", sa.Uuid(), nullable=True),
        sa.Column("id_type", sa.Text(), nullable=False),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("id_number_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("ward_mac", sa.LargeBinary(), nullable=True),
        sa.Column("relation", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_by", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.CheckConstraint("(state = 'ended') = (ended_at IS NOT NULL)", name=op.f("ck_guardianships_ended")),
        sa.CheckConstraint("basis IN ('custody', 'court', 'entrusted')", name=op.f("ck_guardianships_basis")),
        sa.CheckConstraint(
            "relation IN ('parent', 'child', 'spouse', 'grandparent', 'grandchild', 'sibling', 'other')",
            name=op.f("ck_guardianships_relation"),
        ),
        sa.CheckConstraint(
            "state <> 'active' OR (ward_id IS NOT NULL AND confirmed_at IS NOT NULL)",
            name=op.f("ck_guardianships_active"),
        ),
        sa.CheckConstraint("state IN ('pending', 'active', 'ended')", name=op.f("ck_guardianships_state")),
        sa.CheckConstraint("guardian_id <> ward_id", name=op.f("ck_guardianships_another")),
        sa.CheckConstraint(
            "num_nonnulls(name_sealed, id_number_sealed, ward_mac) = CASE state WHEN 'pending' THEN 3 ELSE 0 END",
            name=op.f("ck_guardianships_pending"),
        ),
        sa.ForeignKeyConstraint(["guardian_id"], ["residents.id"], name=op.f("fk_guardianships_guardian_id_residents")),
        sa.ForeignKeyConstraint(["ward_id"], ["residents.id"], name=op.f("fk_guardianships_ward_id_residents")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guardianships")),
    )
    op.create_index(
        "ix_guardianships_ends_at",
        "guardianships",
        ["ends_at"],
        unique=False,
        postgresql_where=sa.text("state <> 'ended'"),
    )
    op.create_index("ix_guardianships_ward_id", "guardianships", ["ward_id"], unique=False)
    for column in ("ward_mac", "requested_at"):
        op.create_index(
            f"ix_guardianships_{column}",
            "guardianships",
            [column],
            unique=False,
            postgresql_where=sa.text("state = 'pending'"),
        )
    op.create_index(
        "uq_guardianships_open",
        "guardianships",
        ["guardian_id", "ward_id"],
        unique=True,
        postgresql_where=sa.text("state <> 'ended'"),
    )
    op.create_table(
        "proposals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("proposed_by", sa.Uuid(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("approved_by <> proposed_by", name=op.f("ck_proposals_two_persons")),
        sa.CheckConstraint("num_nonnulls(approved_at, withdrawn_at) <= 1", name=op.f("ck_proposals_one_end")),
        sa.CheckConstraint("num_nonnulls(approved_by, approved_at) <> 1", name=op.f("ck_proposals_approved")),
        sa.ForeignKeyConstraint(["approved_by"], ["staff.id"], name=op.f("fk_proposals_approved_by_staff")),
        sa.ForeignKeyConstraint(["proposed_by"], ["staff.id"], name=op.f("fk_proposals_proposed_by_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposals")),
    )
    op.create_index(
        "uq_proposals_open",
        "proposals",
        ["action", "subject"],
        unique=True,
        postgresql_where=sa.text("approved_at IS NULL AND withdrawn_at IS NULL"),
    )
    op.add_column("consents", sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True))
    _ring_keys()
    op.add_column("recovery_cases", sa.Column("kind", sa.Text(), server_default=sa.text("'claimed'"), nullable=False))
    op.add_column("recovery_cases", sa.Column("opened_by", sa.Uuid(), nullable=True))
    op.add_column("recovery_cases", sa.Column("phone_sealed", sa.LargeBinary(), nullable=True))
    op.add_column("recovery_cases", sa.Column("basis", sa.Text(), nullable=True))
    op.add_column("recovery_cases", sa.Column("decision_basis", sa.Text(), nullable=True))
    op.add_column("recovery_cases", sa.Column("proposal_id", sa.Uuid(), nullable=True))
    op.add_column("recovery_cases", sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
    op.alter_column("recovery_cases", "claimant_id", existing_type=sa.UUID(), nullable=True)
    op.create_index(
        "ix_recovery_cases_open", "recovery_cases", ["id"], unique=False, postgresql_where=sa.text("state = 'open'")
    )
    op.create_foreign_key(op.f("fk_recovery_cases_opened_by_staff"), "recovery_cases", "staff", ["opened_by"], ["id"])
    op.create_foreign_key(
        op.f("fk_recovery_cases_proposal_id_proposals"), "recovery_cases", "proposals", ["proposal_id"], ["id"]
    )
    op.add_column("residents", sa.Column("guardian_codes_after", sa.DateTime(timezone=True), nullable=True))
    op.add_column("residents", sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
    op.alter_column("residents", "phone_index", existing_type=postgresql.BYTEA(), nullable=True)
    op.alter_column("residents", "phone_sealed", existing_type=postgresql.BYTEA(), nullable=True)
    op.add_column("staff", sa.Column("duties_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("scans", sa.Column("guardian", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    _checks()
    # of the blind keys that live, the oldest has written the first of the two columns, the newer one the second
    op.execute("""
        UPDATE ring_keys k SET slot = n.slot FROM (
            SELECT kid, row_number() OVER (PARTITION BY ring ORDER BY not_before, made_at) - 1 AS slot
            FROM ring_keys WHERE ring IN ('blind-phone', 'blind-id-number') AND denied_at IS NULL
        ) n WHERE n.kid = k.kid AND n.slot < 2
    """)


def _ring_keys() -> None:
    op.rename_table("keys", "ring_keys")
    for name in ("pk_{}", "uq_{}_ring_day", "ck_{}_order"):
        op.execute(f"ALTER TABLE ring_keys RENAME CONSTRAINT {name.format('keys')} TO {name.format('ring_keys')}")
    op.execute("""
        CREATE VIEW keys AS
        SELECT kid, ring, day, not_before, expires, wrapped, public, made_at, changed_at, denied_at
        FROM ring_keys WHERE ring <> 'audit'
    """)
    op.add_column("ring_keys", sa.Column("slot", sa.SmallInteger(), nullable=True))
    op.add_column("ring_keys", sa.Column("seal", sa.LargeBinary(), nullable=True))
    slots = sa.text("slot IS NOT NULL")
    op.create_index("uq_ring_keys_slot", "ring_keys", ["ring", "slot"], unique=True, postgresql_where=slots)


def _checks() -> None:
    """Loosen what the residents' and staff's tables allow; rows that stand meet the new checks too."""
    for table, name, condition in CHECKS:
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS ck_{table}_{name}")
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)
