"""A filled database of 0004 becomes one that is cut by months: every row and every constraint is still there."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from alembic import command
from sqlalchemy import NullPool, create_engine, exc, inspect, text

from qe_ban import migrations
from tests.factories.databases import another

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
MOMENTS = [NOW - 800 * DAY, NOW - 40 * DAY, NOW - DAY, NOW, NOW + 20 * DAY, NOW + 70 * DAY, NOW + 4000 * DAY]
CLIENT = """INSERT INTO clients (id, kind, jwk, thumbprint, created_at)
            VALUES (:scanner, 'scanner', '{}', 'x', now())"""
VENUE = """INSERT INTO venues (id, name, district, address, scene, created_at)
           VALUES (:venue, '馆', '370202', '路', 'government', now())"""
SCANNER = """INSERT INTO scanners (id, venue_id, label, purposes, enrolled_at)
             VALUES (:scanner, :venue, '1号', '{p}', now())"""
SCAN = """INSERT INTO scans (id, scanner_id, scan_id, request, venue_id, at, purpose, accepted, reason, fields, detail)
          VALUES (:id, :scanner, :scan_id, 'x', :venue, :at, 'p', :accepted, 'ok', '{}', '{}')"""
EVENT = "INSERT INTO audit_events (at, action, subject, details) VALUES (:at, 'a.b', :subject, :details) RETURNING id"
IDS = {"scanner": uuid.uuid4(), "venue": uuid.uuid4()}
SCANS = [IDS | {"id": uuid.uuid4(), "scan_id": uuid.uuid4(), "at": at, "accepted": True} for at in MOMENTS]


@pytest.fixture(scope="module")
def engine(settings):
    made = create_engine(another(settings, "months").database_url, poolclass=NullPool)
    with made.begin() as connection:
        command.upgrade(migrations._config(connection), "0004")
        for statement in (CLIENT, VENUE, SCANNER):
            connection.execute(text(statement), IDS)
        for number, scan in enumerate(SCANS):
            connection.execute(text(SCAN), scan)
            values = {"at": scan["at"], "subject": f"s-{number}", "details": '{"名": 1.50}'}
            connection.execute(text(EVENT), values)
    before = snapshot(made)
    migrations.upgrade(made)
    return made, before


def snapshot(engine):
    with engine.connect() as connection:
        return {
            table: [
                tuple(row) for row in connection.execute(text(f"SELECT {columns}::text FROM {table} t ORDER BY id"))
            ]
            for table, columns in (("scans", "to_jsonb(t)"), ("audit_events", "to_jsonb(t)"))
        }


def test_every_row_is_as_it_was(engine):
    made, before = engine
    assert snapshot(made) == before
    assert [len(rows) for rows in before.values()] == [len(MOMENTS)] * 2


def test_old_rows_lie_where_they_lay_and_others_in_their_month(engine):
    made, _ = engine
    with made.connect() as connection:
        for table in ("scans", "audit_events"):
            found = (
                connection.execute(text(f"SELECT tableoid::regclass::text FROM {table} ORDER BY at")).scalars().all()
            )
            assert found[:4] == [f"{table}_before"] * 4
            assert found[5] == f"{table}_{MOMENTS[5]:%Y_%m}"
            assert found[6] == f"{table}_default"


@pytest.mark.parametrize("at", [MOMENTS[0], NOW + 31 * DAY, NOW + 62 * DAY])
@pytest.mark.parametrize("scan", SCANS, ids=range(len(SCANS)))
def test_a_scan_id_serves_once_whatever_the_month(engine, scan, at):
    made, _ = engine
    with pytest.raises(exc.IntegrityError, match="pk_scan_ids"), made.begin() as connection:
        connection.execute(text(SCAN), scan | {"id": uuid.uuid4(), "at": at})


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"scanner": uuid.uuid4()}, "fk_scans_scanner_id_scanners"),
        ({"venue": uuid.uuid4()}, "fk_scans_venue_id_venues"),
        ({"accepted": False}, "ck_scans_accepted"),
    ],
)
@pytest.mark.parametrize("at", [MOMENTS[0], NOW, NOW + 62 * DAY, MOMENTS[6]])
def test_constraints_hold_in_every_part(engine, change, constraint, at):
    made, _ = engine
    scan = SCANS[0] | {"id": uuid.uuid4(), "scan_id": uuid.uuid4(), "at": at} | change
    with pytest.raises(exc.IntegrityError, match=constraint), made.begin() as connection:
        connection.execute(text(SCAN), scan)


def test_a_venue_with_old_scans_cannot_be_deleted(engine):
    made, _ = engine
    for table in ("scanners", "venues"):
        with pytest.raises(exc.IntegrityError), made.begin() as connection:
            connection.execute(text(f"DELETE FROM {table}"))


def test_ids_of_events_go_on_and_nobody_chooses_one(engine):
    made, _ = engine
    with made.begin() as connection:
        new = connection.execute(text(EVENT), {"at": NOW, "subject": "new", "details": "{}"}).scalar_one()
        assert new == len(MOMENTS) + 1
    with pytest.raises(exc.DBAPIError), made.begin() as connection:
        connection.execute(text("INSERT INTO audit_events (id, at, action, subject) VALUES (1, now(), 'a', 'b')"))


@pytest.mark.parametrize("at", [NOW, NOW + 62 * DAY])
def test_nothing_is_dropped_from_the_guard_of_the_log(engine, at):
    made, _ = engine
    with made.begin() as connection:
        event = connection.execute(text(EVENT), {"at": at, "subject": "guard", "details": "{}"}).scalar_one()
    for statement in (
        "UPDATE audit_events SET subject = 'x' WHERE id = :id",
        "DELETE FROM audit_events WHERE id = :id",
    ):
        with pytest.raises(exc.DBAPIError, match="append-only"), made.begin() as connection:
            connection.execute(text(statement), {"id": event})


def test_each_part_has_the_indexes_of_the_whole(engine):
    made, _ = engine
    inspector = inspect(made)
    parts = [name for name in inspector.get_table_names() if not migrations.belongs_to_models(name, "table")]
    assert len(parts) == 3 * 5
    for part in parts:
        whole = migrations.PART.fullmatch(part)["table"]
        wanted, found = (
            sorted(str(index["column_names"]) for index in inspector.get_indexes(name)) for name in (whole, part)
        )
        if part == "scans_before":
            # by which programs of before look for a scan_id
            found.remove(str(["scanner_id", "scan_id"]))
        assert found == wanted, part
        assert inspector.get_pk_constraint(part)["constrained_columns"]
