"""halls_and_zones."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"


STAND = (
    """
    CREATE FUNCTION page_versions_stand() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'a published version never changes' USING ERRCODE = 'restrict_violation';
    END
    $$
    """,
    """
    CREATE TRIGGER page_versions_rows_stand BEFORE UPDATE OR DELETE ON page_versions
    FOR EACH ROW EXECUTE FUNCTION page_versions_stand()
    """,
    """
    CREATE TRIGGER page_versions_table_stands BEFORE TRUNCATE ON page_versions
    FOR EACH STATEMENT EXECUTE FUNCTION page_versions_stand()
    """,
)


def upgrade() -> None:
    op.create_table(
        "link_checks",
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("url", name=op.f("pk_link_checks")),
    )
    op.create_index(op.f("ix_link_checks_checked_at"), "link_checks", ["checked_at"], unique=False)
    op.create_table(
        "media",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("widths", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("type IN ('image/jpeg', 'image/png')", name=op.f("ck_media_type")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_media")),
    )
    op.create_index(op.f("ix_media_created_at"), "media", ["created_at"], unique=False)
    op.create_table(
        "page_stamps",
        sa.Column("page", sa.Text(), nullable=False),
        sa.Column("stamp", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("page", name=op.f("pk_page_stamps")),
    )
    op.create_table(
        "pages",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("base", sa.Integer(), nullable=False),
        sa.Column("latest", sa.Integer(), nullable=False),
        sa.Column("editors", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("submitted_by", sa.Uuid(), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reviewed_by", sa.Uuid(), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('hall', 'zone')", name=op.f("ck_pages_kind")),
        sa.CheckConstraint(
            "state IN ('draft', 'submitted', 'approved', 'rejected', 'published')", name=op.f("ck_pages_state")
        ),
        sa.CheckConstraint(
            "state NOT IN ('approved', 'rejected') OR reviewed_by IS NOT NULL", name=op.f("ck_pages_reviewed")
        ),
        sa.CheckConstraint("base <= latest", name=op.f("ck_pages_base")),
        sa.CheckConstraint("reviewed_by IS NULL OR NOT reviewed_by = ANY (editors)", name=op.f("ck_pages_four_eyes")),
        sa.PrimaryKeyConstraint("kind", "slug", name=op.f("pk_pages")),
    )
    op.create_table(
        "places",
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("district", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=False),
        sa.Column("longitude", sa.Double(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("services", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("hours", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('hall', 'office', 'self_service', 'testing', 'clinic', 'bank', 'culture', 'other')",
            name=op.f("ck_places_kind"),
        ),
        sa.CheckConstraint("state IN ('open', 'suspended', 'withdrawn')", name=op.f("ck_places_state")),
        sa.CheckConstraint(
            "latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180", name=op.f("ck_places_coordinates")
        ),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_places")),
    )
    op.create_index(op.f("ix_places_district"), "places", ["district"], unique=False)
    op.create_table(
        "zone_sunsets",
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("progress", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("report", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint("(done_at IS NULL) = (report IS NULL)", name=op.f("ck_zone_sunsets_report")),
        sa.PrimaryKeyConstraint("zone", "requested_at", name=op.f("pk_zone_sunsets")),
    )
    op.create_index(op.f("ix_zone_sunsets_due_at"), "zone_sunsets", ["due_at"], unique=False)
    op.create_table(
        "apps",
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("native_page", sa.Text(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("state_reason", sa.Text(), nullable=True),
        sa.Column("districts", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("icon", sa.Text(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(kind <> 'native') = (address IS NOT NULL)", name=op.f("ck_apps_address")),
        sa.CheckConstraint("(kind = 'native') = (native_page IS NOT NULL)", name=op.f("ck_apps_native_page")),
        sa.CheckConstraint("kind IN ('native', 'h5', 'mini_program')", name=op.f("ck_apps_kind")),
        sa.CheckConstraint("state IN ('active', 'suspended', 'withdrawn')", name=op.f("ck_apps_state")),
        sa.ForeignKeyConstraint(["icon"], ["media.digest"], name=op.f("fk_apps_icon_media")),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_apps")),
    )
    op.create_index("ix_apps_districts", "apps", ["districts"], unique=False, postgresql_using="gin")
    op.create_index(op.f("ix_apps_icon"), "apps", ["icon"], unique=False)
    op.create_table(
        "demands",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("firm", sa.Text(), nullable=False),
        sa.Column("uscc", sa.Text(), nullable=False),
        sa.Column("industry", sa.Text(), nullable=False),
        sa.Column("size", sa.Text(), nullable=True),
        sa.Column("solution", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("contact_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("answer_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("block", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("consented_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("size IN ('micro', 'small', 'medium', 'large')", name=op.f("ck_demands_size")),
        sa.CheckConstraint(
            "state IN ('received', 'accepted', 'answered', 'closed', 'refused', 'withdrawn')",
            name=op.f("ck_demands_state"),
        ),
        sa.CheckConstraint(
            "num_nulls(text_sealed, contact_sealed, phone_sealed) = CASE state WHEN 'withdrawn' THEN 3 ELSE 0 END "
            "AND (state <> 'withdrawn' OR answer_sealed IS NULL)",
            name=op.f("ck_demands_withdrawn"),
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["residents.id"], name=op.f("fk_demands_resident_id_residents"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_demands")),
    )
    op.create_index(op.f("ix_demands_resident_id"), "demands", ["resident_id"], unique=False)
    op.create_index("ix_demands_zone_id", "demands", ["zone", "id"], unique=False)
    op.create_table(
        "favourite_items",
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["residents.id"], name=op.f("fk_favourite_items_resident_id_residents"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("resident_id", "entry", name=op.f("pk_favourite_items")),
    )
    op.create_table(
        "followed_halls",
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("hall", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["residents.id"], name=op.f("fk_followed_halls_resident_id_residents"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("resident_id", "hall", name=op.f("pk_followed_halls")),
    )
    op.create_table(
        "media_uses",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("owner IN ('hall', 'zone', 'app')", name=op.f("ck_media_uses_owner")),
        sa.ForeignKeyConstraint(["digest"], ["media.digest"], name=op.f("fk_media_uses_digest_media")),
        sa.PrimaryKeyConstraint("digest", "owner", "slug", "number", name=op.f("pk_media_uses")),
    )
    op.create_index("ix_media_uses_owner_slug_number", "media_uses", ["owner", "slug", "number"], unique=False)
    op.create_table(
        "page_previews",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["kind", "slug"], ["pages.kind", "pages.slug"], name=op.f("fk_page_previews_kind_slug_pages")
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_page_previews")),
    )
    op.create_index(op.f("ix_page_previews_expires_at"), "page_previews", ["expires_at"], unique=False)
    op.create_table(
        "page_versions",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("editors", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("approved_by", sa.Uuid(), nullable=False),
        sa.Column("published_by", sa.Uuid(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rollback_of", sa.Integer(), nullable=True),
        sa.CheckConstraint("NOT approved_by = ANY (editors)", name=op.f("ck_page_versions_four_eyes")),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_page_versions_times")),
        sa.CheckConstraint("rollback_of < number", name=op.f("ck_page_versions_rollback")),
        sa.ForeignKeyConstraint(
            ["kind", "slug"], ["pages.kind", "pages.slug"], name=op.f("fk_page_versions_kind_slug_pages")
        ),
        sa.PrimaryKeyConstraint("kind", "slug", "number", name=op.f("pk_page_versions")),
    )
    op.create_table(
        "recent_items",
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["residents.id"], name=op.f("fk_recent_items_resident_id_residents"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("resident_id", "entry", name=op.f("pk_recent_items")),
    )
    op.create_table(
        "resident_halls",
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("hall", sa.Text(), nullable=False),
        sa.Column("age_mode", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("age_mode IN ('standard', 'elder')", name=op.f("ck_resident_halls_age_mode")),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["residents.id"], name=op.f("fk_resident_halls_resident_id_residents"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("resident_id", name=op.f("pk_resident_halls")),
    )
    op.create_table(
        "demand_steps",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("demand_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_kind", sa.Text(), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("note_sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["demand_id"], ["demands.id"], name=op.f("fk_demand_steps_demand_id_demands"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_demand_steps")),
    )
    op.create_index(op.f("ix_demand_steps_demand_id"), "demand_steps", ["demand_id"], unique=False)
    op.create_table(
        "page_findings",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["kind", "slug", "number"],
            ["page_versions.kind", "page_versions.slug", "page_versions.number"],
            name=op.f("fk_page_findings_kind_slug_number_page_versions"),
        ),
        sa.PrimaryKeyConstraint("kind", "slug", "number", "place", name=op.f("pk_page_findings")),
    )
    op.create_table(
        "page_withdrawals",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["kind", "slug", "number"],
            ["page_versions.kind", "page_versions.slug", "page_versions.number"],
            name=op.f("fk_page_withdrawals_kind_slug_number_page_versions"),
        ),
        sa.PrimaryKeyConstraint("kind", "slug", "number", name=op.f("pk_page_withdrawals")),
    )
    for statement in STAND:
        op.execute(statement)
