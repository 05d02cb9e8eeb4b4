"""Seals over the audit log, and months for the tables that grow by the scan.

Rows stay where they are: the tables of before become the first part of the new ones, for all that is older than the
next month. Programs of 0004 work on the new schema: names, columns and refusals are the same, and the part that is
written to while they still run keeps the index by which they look for a scan_id. It goes with that part.

All tables are locked meanwhile: scan_ids are copied and indexes built, measured as 8 seconds for 200,000 scans and as
many events, so about 40 seconds for each million of both, in which nobody is served.
"""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

MONTHS_AHEAD = 3
LEAST_KEPT = "184 days"

EVENTS_STAND = f"""
    CREATE OR REPLACE FUNCTION audit_events_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' AND TG_LEVEL = 'ROW' AND OLD.at < now() - interval '{LEAST_KEPT}' THEN
            RETURN OLD;
        END IF;
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END
    $$
"""
SEALS_STAND = """
    CREATE FUNCTION audit_seals_stand() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END
    $$
"""
SCANS_ONCE = """
    CREATE FUNCTION scans_once() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO scan_ids (scanner_id, scan_id, at) VALUES (NEW.scanner_id, NEW.scan_id, NEW.at);
        RETURN NEW;
    END
    $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL TimeZone = 'UTC'")
    op.execute("LOCK TABLE scans, audit_events IN ACCESS EXCLUSIVE MODE")
    first = max(_first_month("scans"), _first_month("audit_events"))
    op.execute(EVENTS_STAND)
    op.execute(SEALS_STAND)
    _scan_ids()
    _scans(first)
    _audit_events(first)
    _seals(first)


def _first_month(table: str) -> datetime:
    """Give the first moment after the month of a table's newest row, and of today: the old rows lie before it.

    Where there are none yet, the present month is one of its own.
    """
    near = f"SELECT max(at), now() FROM {table} WHERE at < now() + interval '32 days'"  # noqa: S608 - our own names
    newest, now = op.get_bind().execute(sa.text(near)).one()
    return _month(now) if newest is None else _after(max(newest, now))


def _month(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _after(moment: datetime) -> datetime:
    return _month(_month(moment) + timedelta(days=32))


def _part(table: str, name: str, bounds: str) -> None:
    op.execute(f"CREATE TABLE {name} PARTITION OF {table} {bounds}")
    _no_truncate(table, name)


def _no_truncate(table: str, part: str) -> None:
    """A part can be emptied by its own name: what forbids it for the whole does not reach that."""
    if table != "scans":
        op.execute(
            f"CREATE TRIGGER {table}_part_stands BEFORE TRUNCATE ON {part} "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_events_append_only()"
        )


def _scan_ids() -> None:
    op.create_table(
        "scan_ids",
        sa.Column("scanner_id", sa.Uuid(), nullable=False),
        sa.Column("scan_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("scanner_id", "scan_id", name=op.f("pk_scan_ids")),
    )
    op.execute("INSERT INTO scan_ids SELECT scanner_id, scan_id, at FROM scans ORDER BY at")
    op.execute(SCANS_ONCE)


def _scans(first: datetime) -> None:
    for statement in (
        "ALTER TABLE scans RENAME TO scans_before",
        "ALTER TABLE scans_before DROP CONSTRAINT pk_scans",
        "ALTER INDEX ix_scans_holder RENAME TO ix_scans_before_holder",
        "CREATE TABLE scans (LIKE scans_before INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY RANGE (at)",
        "ALTER TABLE scans ADD CONSTRAINT pk_scans PRIMARY KEY (id, at)",
        "ALTER TABLE scans ADD CONSTRAINT fk_scans_scanner_id_scanners FOREIGN KEY (scanner_id) REFERENCES scanners",
        "ALTER TABLE scans ADD CONSTRAINT fk_scans_venue_id_venues FOREIGN KEY (venue_id) REFERENCES venues",
        "CREATE INDEX ix_scans_holder ON scans (holder, at)",
        "CREATE INDEX ix_scans_at ON scans (at)",
    ):
        op.execute(statement)
    _attach("scans", first)
    op.execute("CREATE TRIGGER scans_once BEFORE INSERT ON scans FOR EACH ROW EXECUTE FUNCTION scans_once()")


def _audit_events(first: datetime) -> None:
    for statement in (
        "ALTER TABLE audit_events RENAME TO audit_events_before",
        "DROP TRIGGER audit_events_rows_stand ON audit_events_before",
        "DROP TRIGGER audit_events_table_stands ON audit_events_before",
        "ALTER TABLE audit_events_before ALTER id DROP IDENTITY",
        "ALTER TABLE audit_events_before DROP CONSTRAINT pk_audit_events",
        *(
            f"ALTER INDEX ix_audit_events_{name} RENAME TO ix_audit_events_before_{name}"
            for name in ("actor_id_id", "action_id", "subject_id", "at")
        ),
        "CREATE TABLE audit_events (LIKE audit_events_before INCLUDING DEFAULTS) PARTITION BY RANGE (at)",
        "ALTER TABLE audit_events ALTER id ADD GENERATED ALWAYS AS IDENTITY",
        "ALTER TABLE audit_events ADD CONSTRAINT pk_audit_events PRIMARY KEY (id, at)",
        "CREATE INDEX ix_audit_events_actor_id_id ON audit_events (actor_id, id)",
        "CREATE INDEX ix_audit_events_action_id ON audit_events (action, id)",
        "CREATE INDEX ix_audit_events_subject_id ON audit_events (subject, id)",
        "CREATE INDEX ix_audit_events_at ON audit_events USING brin (at)",
    ):
        op.execute(statement)
    _attach("audit_events", first)
    newest = "SELECT coalesce(max(id), 0) FROM audit_events"
    op.execute(f"SELECT setval(pg_get_serial_sequence('audit_events', 'id'), ({newest}) + 1, false)")
    _stand("audit_events", "audit_events_append_only")


def _months(table: str, first: datetime) -> None:
    month = first
    for _ in range(MONTHS_AHEAD):
        following = _after(month)
        _part(table, f"{table}_{month:%Y_%m}", f"FOR VALUES FROM ('{month}') TO ('{following}')")
        month = following
    _part(table, f"{table}_default", "DEFAULT")


def _attach(table: str, first: datetime) -> None:
    """Make the months, and take in the table of before. What some wrong clock dated far ahead goes where it belongs."""
    _months(table, first)
    op.execute(f"""
        WITH ahead AS (DELETE FROM {table}_before WHERE at >= '{first}' RETURNING *)
        INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM ahead
    """)  # noqa: S608 - our own names
    op.execute(f"ALTER TABLE {table} ATTACH PARTITION {table}_before FOR VALUES FROM (MINVALUE) TO ('{first}')")
    _no_truncate(table, f"{table}_before")


def _stand(table: str, function: str) -> None:
    op.execute(
        f"CREATE TRIGGER {table}_rows_stand BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {function}()"
    )
    op.execute(
        f"CREATE TRIGGER {table}_table_stands BEFORE TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
    )


def _seals(first: datetime) -> None:
    op.create_table(
        "audit_seals",
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leaves", sa.Integer(), nullable=False),
        sa.Column("top", sa.BigInteger(), nullable=False),
        sa.Column("more", sa.Boolean(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("ids", sa.LargeBinary(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_audit_seals")),
    )
    op.create_table(
        "audit_leaves",
        sa.Column("event_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seal", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", "at", name=op.f("pk_audit_leaves")),
        postgresql_partition_by="RANGE (at)",
    )
    op.create_index("ix_audit_leaves_seal_position", "audit_leaves", ["seal", "position"], unique=False)
    op.execute(f"CREATE TABLE audit_leaves_before PARTITION OF audit_leaves FOR VALUES FROM (MINVALUE) TO ('{first}')")
    _no_truncate("audit_leaves", "audit_leaves_before")
    _months("audit_leaves", first)
    _stand("audit_leaves", "audit_events_append_only")
    _stand("audit_seals", "audit_seals_stand")
