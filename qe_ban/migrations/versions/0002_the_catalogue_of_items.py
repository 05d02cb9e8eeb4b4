"""the_catalogue_of_items."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"


STAND = (
    """
    CREATE OR REPLACE FUNCTION item_versions_stand() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'a published version never changes' USING ERRCODE = 'restrict_violation';
    END
    $$
    """,
    """
    CREATE TRIGGER item_versions_rows_stand BEFORE UPDATE OR DELETE ON item_versions
    FOR EACH ROW EXECUTE FUNCTION item_versions_stand()
    """,
    """
    CREATE TRIGGER item_versions_table_stands BEFORE TRUNCATE ON item_versions
    FOR EACH STATEMENT EXECUTE FUNCTION item_versions_stand()
    """,
)


def upgrade() -> None:
    op.create_table(
        "departments",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("district", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("type IN ('statutory', 'authorised', 'entrusted')", name=op.f("ck_departments_type")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_departments")),
    )
    op.create_index("ix_departments_district", "departments", ["district"], unique=False)
    op.create_table(
        "entries",
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("popularity", sa.Double(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("entry", name=op.f("pk_entries")),
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("cursor", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease", sa.Uuid(), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("district", sa.Text(), nullable=True),
        sa.Column("department", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'running') = (lease IS NOT NULL)", name=op.f("ck_jobs_running_is_leased")),
        sa.CheckConstraint("state IN ('queued', 'running', 'cancelled', 'done', 'failed')", name=op.f("ck_jobs_state")),
        sa.CheckConstraint("(lease IS NULL) = (leased_until IS NULL)", name=op.f("ck_jobs_lease")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
    op.create_index("ix_jobs_finished_at", "jobs", ["finished_at"], unique=False)
    op.create_index(
        "ix_jobs_waiting",
        "jobs",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('queued', 'running')"),
    )
    op.create_index(
        "uq_jobs_lane_running", "jobs", ["lane"], unique=True, postgresql_where=sa.text("state = 'running'")
    )
    op.create_table(
        "search_misses",
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("hall", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("query", "hall", name=op.f("pk_search_misses")),
    )
    op.create_index("ix_search_misses_last_at", "search_misses", ["last_at"], unique=False)
    op.create_table(
        "search_terms",
        sa.Column("term", sa.Text(), nullable=False),
        sa.Column("texts", sa.Integer(), nullable=False),
        sa.Column("word", sa.Boolean(), nullable=False),
        sa.Column("pinyin", sa.Text(), nullable=False),
        sa.Column("initials", sa.Text(), nullable=False),
        sa.Column("grams", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("term", name=op.f("pk_search_terms")),
    )
    op.create_index(
        "ix_search_terms_grams",
        "search_terms",
        ["grams"],
        unique=False,
        postgresql_using="gin",
        postgresql_with={"gin_pending_list_limit": 64},
    )
    op.create_index("ix_search_terms_initials", "search_terms", ["initials"], unique=False)
    op.create_index("ix_search_terms_pinyin", "search_terms", ["pinyin"], unique=False)
    op.create_table(
        "synonym_groups",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("words", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_synonym_groups")),
    )
    op.create_index("ix_synonym_groups_words", "synonym_groups", ["words"], unique=False, postgresql_using="gin")
    op.create_table(
        "topics",
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("parent", sa.Text(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("audience IN ('person', 'firm')", name=op.f("ck_topics_audience")),
        sa.CheckConstraint("parent <> slug", name=op.f("ck_topics_own_parent")),
        sa.ForeignKeyConstraint(["parent"], ["topics.slug"], name=op.f("fk_topics_parent_topics")),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_topics")),
    )
    op.create_index(op.f("ix_topics_parent"), "topics", ["parent"], unique=False)
    op.create_table(
        "imports",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("skip_invalid", sa.Boolean(), nullable=False),
        sa.Column("missing", sa.Text(), nullable=False),
        sa.Column("ending_at_most", sa.Integer(), nullable=False),
        sa.Column("imported_by", sa.Uuid(), nullable=True),
        sa.Column("district", sa.Text(), nullable=True),
        sa.Column("department", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("format IN ('csv', 'xlsx')", name=op.f("ck_imports_format")),
        sa.CheckConstraint("missing IN ('keep', 'end')", name=op.f("ck_imports_missing")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_imports_job_id_jobs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_imports")),
    )
    op.create_table(
        "item_texts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("names", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("others", sa.Text(), nullable=False),
        sa.Column("weight", sa.SmallInteger(), nullable=False),
        sa.Column("words", postgresql.TSVECTOR(), nullable=False),
        sa.ForeignKeyConstraint(["entry"], ["entries.entry"], name=op.f("fk_item_texts_entry_entries")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_item_texts")),
        sa.UniqueConstraint("entry", "digest", name=op.f("uq_item_texts_entry_digest")),
    )
    op.create_index("ix_item_texts_weight_name", "item_texts", [sa.literal_column("weight DESC"), "name"], unique=False)
    op.create_index(
        "ix_item_texts_words",
        "item_texts",
        ["words"],
        unique=False,
        postgresql_using="gin",
        postgresql_with={"gin_pending_list_limit": 64},
    )
    op.create_table(
        "job_faults",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("sheet", sa.Text(), nullable=True),
        sa.Column("row", sa.Integer(), nullable=True),
        sa.Column("column", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.CheckConstraint("severity IN ('error', 'warning')", name=op.f("ck_job_faults_severity")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_job_faults_job_id_jobs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "number", name=op.f("pk_job_faults")),
    )
    op.create_table(
        "import_chunks",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["imports.job_id"], name=op.f("fk_import_chunks_job_id_imports"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", "number", name=op.f("pk_import_chunks")),
    )
    op.create_table(
        "import_rows",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("table", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["imports.job_id"], name=op.f("fk_import_rows_job_id_imports"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", "table", "code", "row", name=op.f("pk_import_rows")),
    )
    op.create_table(
        "item_heads",
        sa.Column("text_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("weight", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["text_id"], ["item_texts.id"], name=op.f("fk_item_heads_text_id_item_texts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("text_id", "key", name=op.f("pk_item_heads")),
    )
    op.create_index("ix_item_heads_key", "item_heads", ["key"], unique=False, postgresql_include=["text_id", "weight"])
    op.create_table(
        "items",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("item_type", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("district", sa.Text(), nullable=True),
        sa.Column("reach", sa.Text(), nullable=False),
        sa.Column("audiences", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("topics", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("online", sa.Boolean(), nullable=False),
        sa.Column("handling", sa.Text(), nullable=False),
        sa.Column("text_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("latest", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("turns_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("version <= latest", name=op.f("ck_items_latest")),
        sa.ForeignKeyConstraint(["department"], ["departments.code"], name=op.f("fk_items_department_departments")),
        sa.ForeignKeyConstraint(["entry"], ["entries.entry"], name=op.f("fk_items_entry_entries")),
        sa.ForeignKeyConstraint(["text_id"], ["item_texts.id"], name=op.f("fk_items_text_id_item_texts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_items")),
        sa.UniqueConstraint("code", name=op.f("uq_items_code")),
    )
    op.create_index("ix_items_audiences", "items", ["audiences"], unique=False, postgresql_using="gin")
    op.create_index(op.f("ix_items_department"), "items", ["department"], unique=False)
    op.create_index(op.f("ix_items_district"), "items", ["district"], unique=False)
    op.create_index(op.f("ix_items_entry"), "items", ["entry"], unique=False)
    op.create_index("ix_items_text_id_district", "items", ["text_id", "district"], unique=False)
    op.create_index("ix_items_topics", "items", ["topics"], unique=False, postgresql_using="gin")
    op.create_index(
        "ix_items_turns_at", "items", ["turns_at"], unique=False, postgresql_where=sa.text("turns_at IS NOT NULL")
    )
    op.create_table(
        "item_versions",
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.CheckConstraint("source IN ('staff', 'import', 'sample')", name=op.f("ck_item_versions_source")),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_item_versions_item_id_items")),
        sa.PrimaryKeyConstraint("item_id", "number", name=op.f("pk_item_versions")),
    )
    op.add_column("staff", sa.Column("department", sa.Text(), nullable=True))
    op.drop_constraint(op.f("ck_staff_place"), "staff", type_="check")
    op.create_check_constraint(op.f("ck_staff_place"), "staff", "num_nonnulls(district, hall, zone, department) <= 1")
    for statement in STAND:
        op.execute(statement)
