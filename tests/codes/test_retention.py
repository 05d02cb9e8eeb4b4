"""Scans and answered disputes are kept as long as is due, and go with all that they left."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from qe_ban.codes import service as codes
from qe_ban.codes.service import retention
from qe_ban.db.engine import Database
from qe_ban.db.retention import Period, Sweeper
from tests.factories.databases import with_schema
from tests.factories.endings import DAYS
from tests.migrations.test_months import CLIENT, IDS, SCAN, SCANNER, VENUE

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
DISPUTE = """INSERT INTO disputes
             (id, scan_id, holder, district, scan, text_sealed, state, opened_at, due_at, answered_at)
             VALUES (:id, :scan, 'x', '370202', '{}', 'x', :state, now(), now(), :answered_at)"""

USE = """INSERT INTO uses (subject, n, scanner_id, purpose, at, expires_at)
         VALUES (:subject, 0, :scanner, 'admission', now(), :over)"""


@pytest.fixture
def city(settings):
    database = Database(with_schema(settings, "retention").database_url, pool=4)
    with database.transaction() as session:
        for statement in (CLIENT, VENUE, SCANNER):
            session.execute(text(statement), IDS)
    yield database
    database.dispose()


def scan(city, *days):
    with city.transaction() as session:
        for ago in days:
            values = {"id": uuid.uuid4(), "scan_id": uuid.uuid4(), "at": NOW - ago * DAY, "accepted": True}
            session.execute(text(SCAN), IDS | values)


def ages(city, table, column="at"):
    with city.transaction() as session:
        moments = session.scalars(text(f"SELECT {column} FROM {table} ORDER BY {column} NULLS LAST")).all()
        return [None if moment is None else (NOW - moment) // DAY for moment in moments]


def run(city, **days):
    days = {Period(name): number for name, number in days.items()}
    return Sweeper(city, lambda: NOW, codes.ENDINGS, DAYS | days).run()


def test_old_scans_go_with_their_ids(city, monkeypatch):
    monkeypatch.setattr(retention, "STEP", 2)
    scan(city, 300, 120, 91, 90, 89, 1, 0)
    assert run(city) == 3
    assert ages(city, "scans") == ages(city, "scan_ids") == [90, 89, 1, 0]
    assert run(city) == 0
    assert run(city, scans=7) == 2


def test_uses_go_when_their_codes_are_over_step_by_step(city, monkeypatch):
    monkeypatch.setattr(retention, "STEP", 2)
    with city.transaction() as session:
        for n, days in enumerate((3, 2, 1, 1, 1, -1, -2)):
            values = {"subject": n.to_bytes(32), "scanner": IDS["scanner"], "over": NOW - days * DAY}
            session.execute(text(USE), values)
    assert run(city) == 5
    assert ages(city, "uses", "expires_at") == [-1, -2]
    assert run(city) == 0


def test_disputes_are_kept_until_long_after_their_answer(city):
    with city.transaction() as session:
        for days in (500, 401, 399, None):
            answered_at = None if days is None else NOW - days * DAY
            values = {"id": uuid.uuid4(), "scan": uuid.uuid4(), "answered_at": answered_at}
            session.execute(text(DISPUTE), values | {"state": "open" if days is None else "upheld"})
    assert run(city) == 2
    assert ages(city, "disputes", "answered_at") == [399, None]


def test_who_writes_and_reads_waits_for_no_step(city):
    scan(city, 120, 1)
    with city.transaction() as session:
        assert retention.scans_step(session, NOW - 90 * DAY) == 1
        scan(city, 0)
        assert ages(city, "scans") == [120, 1, 0]


def test_months_are_made_and_dropped(city):
    later = NOW + 150 * DAY
    with city.transaction() as session:
        codes.make_months(session, later)
    with city.transaction() as session:
        months = codes.drop_months(session, later + 400 * DAY, 90)
    assert "scans_before" in months
    assert f"scans_{later:%Y_%m}" in months
    scan(city, -150)
    assert ages(city, "scan_ids") == [-150]


def test_a_month_whose_scans_would_not_be_over_stays_though_it_is_empty(city):
    later = NOW + 150 * DAY
    with city.transaction() as session:
        codes.make_months(session, later)
    with city.transaction() as session:
        months = codes.drop_months(session, later, 90)
    assert "scans_before" in months
    for ago in (0, 31, 60):
        assert f"scans_{later - ago * DAY:%Y_%m}" not in months
