"""Seals: what they take, who makes them, and what a crash leaves."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from qe_ban.audit import rules, service
from qe_ban.audit.rules import statement
from qe_ban.audit.service import sealing
from qe_ban.db.engine import Database
from qe_ban.keys.models import Ring
from qe_ban.keys.rings import KeyMissing, KeyRings
from tests.cli.conftest import REPOSITORY
from tests.factories.chains import Log
from tests.factories.waits import HANG_TIMEOUT, eventually

SECOND = timedelta(seconds=1)


@pytest.fixture
def log(settings):
    audit_log = Log(settings, "sealing")
    yield audit_log
    audit_log.database.dispose()


def rows_of(log, sql, **values):
    with log.database.transaction() as session:
        return [tuple(row) for row in session.execute(text(sql), values)]


def test_each_row_is_sealed_once_and_each_seal_names_the_one_before(log):
    log.fill(4, [3, 0, 1, 5])
    assert rows_of(log, "SELECT n, leaves FROM audit_seals ORDER BY n") == [(1, 3), (2, 1), (3, 5)]
    assert rows_of(log, "SELECT count(*), count(DISTINCT event_id) FROM audit_leaves") == [(9, 9)]
    assert log.check() == []


def test_a_moment_is_spelled_as_postgresql_does(database):
    moment = datetime(2026, 10, 2, 8, 0, 0, 1, UTC)
    with database.engine.connect() as connection:
        seconds = connection.exec_driver_sql("SELECT extract(epoch FROM %s::timestamptz)::text", (moment,)).scalar_one()
    assert statement.epoch_text(moment) == seconds == "1790928000.000001"


def test_a_row_that_commits_late_is_taken_by_the_next_seal(log):
    with log.database.engine.connect() as slow, slow.begin():
        slow.execute(text("INSERT INTO audit_events (at, action, subject) VALUES (:at, 'slow', 'x')"), {"at": log.now})
        log.record(2)
        assert log.seal() == 1
        assert log.check() == []
    assert log.seal(log.now + SECOND) == 2
    ids = rows_of(log, "SELECT event_id, seal FROM audit_leaves ORDER BY event_id")
    assert ids == [(1, 2), (2, 1), (3, 1)]
    assert log.check() == []


def test_where_nothing_happens_an_empty_seal_says_so_once_a_minute(log):
    log.fill(1)
    assert log.seal(log.now + timedelta(seconds=59)) is None
    assert log.seal(log.now + rules.IDLE) == 2
    assert log.check(now=log.now + rules.IDLE) == []


def test_many_rows_are_sealed_in_batches_and_late_ones_after_them(log, monkeypatch):
    monkeypatch.setattr(rules, "BATCH", 10)
    log.record(25)
    sealer = sealing.Sealer(log.database, log.rings, lambda: log.now)
    assert sealer.run() == 3
    assert rows_of(log, "SELECT leaves, more FROM audit_seals ORDER BY n") == [(10, True), (10, True), (5, False)]
    assert sealer.run() == 0
    assert log.check() == []


def test_what_turns_up_long_after_its_id_was_given_out_is_never_sealed(log):
    log.record(3)
    log.seal()
    log.now += rules.SETTLING_TIME
    with log.database.transaction() as session:
        session.execute(text("ALTER SEQUENCE audit_events_id_seq RESTART WITH 100"))
        session.execute(
            text(
                "INSERT INTO audit_events (id, at, action, subject) OVERRIDING SYSTEM VALUE VALUES (0, :at, 'a', 'b')"
            ),
            {"at": log.now - rules.SETTLING_TIME - rules.SEAL_OVERDUE_AFTER},
        )
    log.record(1)
    log.seal()
    assert rows_of(log, "SELECT event_id FROM audit_leaves ORDER BY event_id") == [(1,), (2,), (3,), (100,)]
    (finding,) = log.check(now=log.now + rules.SEAL_OVERDUE_AFTER)
    assert (finding.what, finding.event) == ("unsealed", 0)


SLIP = text("INSERT INTO audit_events (id, at, action, subject) OVERRIDING SYSTEM VALUE VALUES (:id, :at, 'a', 'b')")


def test_a_row_with_the_greatest_id_stops_no_sealing_and_is_reported(log):
    """One row by hand would lift the floor above all that is to come."""
    log.record(2)
    with log.database.transaction() as session:
        session.execute(SLIP, {"id": 2**62, "at": log.now})
    log.seal()
    log.now += rules.SETTLING_TIME
    log.seal()
    log.record(3)
    log.now += SECOND
    log.seal()
    assert rows_of(log, "SELECT event_id FROM audit_leaves ORDER BY 1") == [(n,) for n in range(1, 6)]
    with log.database.transaction() as session:
        assert sealing.unsealed_ids(session, log.now) == [2**62]
    assert [(one.what, one.event) for one in log.check()] == [("unsealed", 2**62)]


def test_a_counter_that_was_set_back_stops_no_sealing_and_is_reported(log):
    log.record(9)
    log.seal()
    log.now += rules.SETTLING_TIME
    log.seal()
    with log.database.transaction() as session:
        session.execute(text("SELECT setval('audit_events_id_seq', 1)"))
    log.record(3)
    with log.database.transaction() as session:
        assert sealing.unsealed_ids(session, log.now + rules.SEAL_OVERDUE_AFTER) == [2, 3, 4]
    log.now += 10 * SECOND
    log.seal()
    assert rows_of(log, "SELECT count(*), count(DISTINCT at) FROM audit_leaves") == [(12, 2)]
    assert [(one.what, one.event) for one in log.check()] == [("set back", 9)]


def test_only_a_process_that_may_seal_opens_the_key(log):
    web = KeyRings(log.database, log.settings.master_key)
    assert web.public(Ring.AUDIT)
    log.record(1)
    with pytest.raises(KeyMissing), log.database.transaction() as session:
        sealing.seal_next(session, web, log.now)


def test_rows_that_wait_for_two_minutes_are_reported(log):
    log.record(2)
    with log.database.transaction() as session:
        assert sealing.unsealed_ids(session, log.now + rules.SEAL_OVERDUE_AFTER - SECOND) == []
        assert sealing.unsealed_ids(session, log.now + rules.SEAL_OVERDUE_AFTER) == [1, 2]
    log.seal()
    with log.database.transaction() as session:
        assert sealing.unsealed_ids(session, log.now + rules.SEAL_OVERDUE_AFTER) == []


def test_several_concurrent_workers_make_one_chain(settings, monkeypatch):
    monkeypatch.setattr(rules, "BATCH", 20)
    log = Log(settings, "racing", began=datetime.now(UTC))
    stop = threading.Event()

    def write(_):
        for _ in range(40):
            log.record(1, at=datetime.now(UTC))

    def work(_):
        database = Database(log.settings.database_url, pool=2)
        rings = KeyRings(database, log.settings.master_key, sealing=True)
        sealer = sealing.Sealer(database, rings, lambda: datetime.now(UTC))
        seals = 0
        while not stop.is_set():
            seals += sealer.run()
        database.dispose()
        return seals + sealer.run()

    with ThreadPoolExecutor(8) as pool:
        workers = [pool.submit(work, n) for n in range(4)]
        list(pool.map(write, range(4)))
        stop.set()
        seals = sum(worker.result() for worker in workers)
    seals += sealing.Sealer(log.database, log.rings, lambda: datetime.now(UTC)).run()
    assert rows_of(log, "SELECT count(*), min(n), max(n) FROM audit_seals") == [(seals, 1, seals)]
    assert rows_of(log, "SELECT count(*), count(DISTINCT event_id) FROM audit_leaves") == [(160, 160)]
    assert log.check(now=datetime.now(UTC) + rules.SEAL_OVERDUE_AFTER) == []
    log.database.dispose()


def test_without_the_lock_the_primary_key_still_lets_one_seal_stand(log, monkeypatch):
    log.record(2)
    with ThreadPoolExecutor(1) as pool:
        with log.database.transaction() as session:
            assert sealing.seal_next(session, log.rings, log.now).n == 1
            monkeypatch.setattr(sealing, "LOCK", 1)
            second = pool.submit(log.seal)
            waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'"
            assert eventually(lambda: rows_of(log, waiting) != [(0,)])
        with pytest.raises(IntegrityError):
            second.result(HANG_TIMEOUT)
    assert rows_of(log, "SELECT count(*) FROM audit_seals") == [(1,)]


CRASHING = """
import sys
from datetime import UTC, datetime
from qe_ban.audit import rules, service
from qe_ban.audit.rules import statement
from qe_ban.audit.service import sealing
from qe_ban.db.engine import Database
from qe_ban.keys.rings import KeyRings
url, key, file = sys.argv[1:]
from pathlib import Path
rules.BATCH = 3
database = Database(url, pool=2)
rings = KeyRings(database, bytes.fromhex(key), sealing=True)
sealer = sealing.Sealer(database, rings, lambda: datetime.now(UTC), Path(file))
print("ready", flush=True)
while True:
    sealer.run()
"""


def test_a_worker_that_is_killed_while_it_seals_leaves_a_whole_chain(settings, tmp_path):
    log = Log(settings, "crashing", began=datetime.now(UTC))
    heads = tmp_path / "heads.jsonl"
    words = [sys.executable, "-c", CRASHING, log.settings.database_url, log.settings.master_key.hex(), str(heads)]
    for turn in range(3):
        log.record(120, at=datetime.now(UTC))
        process = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=os.environ | {"PYTHONPATH": str(REPOSITORY)}
        )
        assert process.stdout.readline() == b"ready\n"
        time.sleep(0.02 + 0.06 * turn)
        process.send_signal(signal.SIGKILL)
        process.wait(HANG_TIMEOUT)
        process.stdout.close()
    sealer = sealing.Sealer(log.database, log.rings, lambda: datetime.now(UTC), heads)
    while sealer.run():
        pass
    assert rows_of(log, "SELECT count(*), count(DISTINCT event_id) FROM audit_leaves") == [(360, 360)]
    numbers = [head.n for head in log.heads()]
    with heads.open() as lines:
        file_heads, _ = service.read_heads(lines)
    assert [head.n for head in file_heads] == numbers
    assert log.check(now=datetime.now(UTC) + rules.SEAL_OVERDUE_AFTER, heads=file_heads) == []
    log.database.dispose()
