"""How long the log is kept: what is erased leaves the chain whole, and what is young cannot be erased."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import exc, text
from sqlalchemy.orm import Session

from qe_ban.audit.rules.findings import What
from qe_ban.audit.service import retaining
from tests.factories.chains import Log

DAY = timedelta(days=1)


@pytest.fixture
def log(settings):
    """Three seals of 450 days ago, two of 300, two of now; ten rows."""
    now = datetime.now(UTC)
    audit_log = Log(settings, "retaining", began=now - 450 * DAY)
    audit_log.fill(3, [2, 1, 2])
    for days, rows in ((300, [1, 1]), (0, [2, 1])):
        audit_log.now = now - days * DAY - timedelta(minutes=1)
        audit_log.rotate()
        audit_log.fill(2, rows)
    audit_log.now = now
    yield audit_log
    audit_log.database.dispose()


def rows_of(log, sql):
    with log.database.transaction() as session:
        return [tuple(row) for row in session.execute(text(sql))]


def remaining_ids(log):
    return [number for (number,) in rows_of(log, "SELECT id FROM audit_events WHERE action = 'test.do' ORDER BY id")]


def retain(log, days=400):
    return retaining.Retention(log.database, log.rings, lambda: log.now, days).run()


def test_old_rows_go_with_their_salts_and_the_check_stays_green(log):
    heads = log.heads()
    assert retain(log) == 5
    assert remaining_ids(log) == [6, 7, 8, 9, 10]
    assert rows_of(log, "SELECT count(*) FROM audit_leaves WHERE event_id <= 5") == [(0,)]
    assert rows_of(log, "SELECT sum(length(hashes)) FROM audit_seals WHERE n <= 3") == [(5 * 32,)]
    assert log.check(heads=heads) == []
    log.seal(log.now + timedelta(seconds=10))
    assert log.check(heads=log.heads(), now=log.now + timedelta(hours=1)) == []
    rows = rows_of(log, "SELECT details FROM audit_events WHERE action = 'audit.erase'")
    ((details,),) = rows
    assert {name: details[name] for name in ("through", "rows", "days")} == {"through": 3, "rows": 5, "days": 400}
    assert retain(log) == 0
    assert retain(log, 184) == 2
    assert log.check(heads=heads) == []


def test_an_interrupted_run_is_gone_on_with(log, monkeypatch):
    monkeypatch.setattr(retaining, "STEP", 2)
    with log.database.engine.connect() as connection, Session(connection) as session:
        assert retaining.erase_step(session, log.rings, log.now, 400) == 2
        session.rollback()
    assert remaining_ids(log) == list(range(1, 11))
    with log.database.transaction() as session:
        assert retaining.erase_step(session, log.rings, log.now, 400) == 2
    assert log.check() == []
    assert retain(log) == 3
    assert log.check() == []


def test_who_removed_a_row_is_not_covered_by_its_erasure(log):
    with log.tampering() as connection, Session(connection) as session:
        session.execute(text("DELETE FROM audit_events WHERE id = 2"))
        assert retaining.erase_step(session, log.rings, log.now, 400) == 4
        findings = log.check(session)
    assert [(one.what, one.event) for one in findings] == [(What.REMOVED, 2)]


def test_an_erasure_that_no_record_tells_of_is_found(log):
    with log.tampering() as connection, Session(connection) as session:
        for table, column in (("audit_events", "id"), ("audit_leaves", "event_id")):
            session.execute(text(f"DELETE FROM {table} WHERE {column} <= 3"))
        findings = log.check(session)
    assert [(one.what, one.event) for one in findings] == [(What.REMOVED, event) for event in (1, 2, 3)]


FORGERY = text("INSERT INTO audit_events (at, action, subject, details) VALUES (:at, 'audit.erase', 'audit', :details)")


def forge(session, log, details):
    session.execute(FORGERY, {"at": log.now, "details": json.dumps(details)})


def test_an_erasure_that_no_worker_signed_excuses_nothing_and_is_named(log):
    """Whoever owns the database writes that all was erased, and copies what an erasure of long ago said."""
    with log.tampering() as connection, Session(connection) as session:
        signature = retaining._signature_details(log.rings, 99, log.now - timedelta(seconds=1))
        for details in (
            {"through": 99},
            {"through": 99} | signature,
            {"through": 99, "kid": 1, "signature": "x"},
            [],
            7,
        ):
            forge(session, log, details)
        for table, column in (("audit_events", "id"), ("audit_leaves", "event_id")):
            session.execute(text(f"DELETE FROM {table} WHERE {column} IN (1, 9)"))
        findings = log.check(session)
    assert [(one.what, one.event) for one in findings] == [
        (What.REMOVED, 1),
        (What.REMOVED, 9),
        *((What.FALSE_ERASURE, event) for event in range(11, 16)),
    ]


@pytest.mark.parametrize("through", [6, 10**9])
def test_an_erasure_beyond_its_date_is_named_though_it_is_signed(log, through):
    with log.tampering() as connection, Session(connection) as session:
        forge(session, log, {"through": through} | retaining._signature_details(log.rings, through, log.now))
        session.execute(text("DELETE FROM audit_events WHERE id = 9"))
        findings = log.check(session)
    assert [(one.what, one.event) for one in findings] == [(What.REMOVED, 9), (What.FALSE_ERASURE, 11)]


def test_a_false_erasure_does_not_stop_retention(log):
    with log.database.transaction() as session:
        forge(session, log, {"through": 10**9, "rows": 0, "days": 400})
    assert retain(log) == 5


def test_a_row_that_is_dated_later_than_its_seal_is_erased_when_its_time_comes(settings):
    """Retention comes by exactly when the seal is old enough, and the row, by a clock that was ahead, not yet."""
    began = datetime.now(UTC) - 450 * DAY
    log = Log(settings, "ahead", began=began)
    log.record(1, at=began + timedelta(seconds=9))
    log.seal(began)
    for after in (timedelta(seconds=5), timedelta(minutes=11)):
        log.now = began + 400 * DAY + after
        log.rotate()
        retain(log)
    assert remaining_ids(log) == []
    log.database.dispose()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM audit_events WHERE id = 10",
        "DELETE FROM audit_events",
        "UPDATE audit_events SET subject = 'x' WHERE id = 1",
        "TRUNCATE audit_events",
        "TRUNCATE audit_events_before",
        "TRUNCATE audit_events_default",
        "DELETE FROM audit_leaves WHERE event_id = 10",
        "UPDATE audit_leaves SET salt = salt WHERE event_id = 1",
        "TRUNCATE audit_leaves_before",
        "DELETE FROM audit_seals WHERE n = 1",
        "UPDATE audit_seals SET at = at",
        "TRUNCATE audit_seals",
    ],
)
def test_nobody_erases_what_is_young_or_changes_what_is_old(log, statement):
    with pytest.raises(exc.DBAPIError, match="append-only"), log.database.transaction() as session:
        session.execute(text(statement))


def test_months_that_are_over_and_empty_are_dropped_and_new_ones_stand_like_the_others(log):
    retain(log)
    with log.database.transaction() as session:
        assert retaining.drop_months(session, log.now, 400) == []
    ahead = log.now + 200 * DAY
    with log.database.transaction() as session:
        retaining.make_months(session, ahead)
    name = f"audit_events_{ahead:%Y_%m}"
    with pytest.raises(exc.DBAPIError, match="append-only"), log.database.transaction() as session:
        session.execute(text(f"TRUNCATE {name}"))
    log.record(1, at=ahead)
    assert rows_of(log, f"SELECT count(*) FROM {name}") == [(1,)]
    assert log.seal(ahead)
    with log.database.transaction() as session:
        partitions = retaining.drop_months(session, ahead + 600 * DAY, 400)
    assert name not in partitions
    assert "audit_events_before" not in partitions
    assert partitions
    assert log.check(now=ahead) == []
