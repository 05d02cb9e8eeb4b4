"""Endings are carried out in small steps that wait for nobody, by any number of workers."""

import secrets
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import func, select, update

from qe_ban.db import retention
from qe_ban.db.engine import Database
from qe_ban.db.limits import RateWindow
from qe_ban.db.retention import Ending, Sweeper, delete_rows
from tests.factories.accounts import together
from tests.factories.databases import with_schema

NOW = datetime(2030, 5, 4, 3, 2, tzinfo=UTC)
OVER = NOW - timedelta(hours=1)


@pytest.fixture
def windows(settings):
    """A database in which no other test counts."""
    database = Database(with_schema(settings, "windows").database_url, pool=8)
    yield database
    database.dispose()


def add(database, number, ends_at=OVER):
    with database.transaction() as session:
        rows = [RateWindow(subject=secrets.token_hex(8), ends_at=ends_at, count=1) for _ in range(number)]
        session.add_all(rows)
        return [row.subject for row in rows]


def remaining(database):
    with database.transaction() as session:
        return session.scalar(select(func.count()).select_from(RateWindow))


def ending(step_size=2):
    step = delete_rows(RateWindow, lambda before: RateWindow.ends_at < before, step_size=step_size)
    return Ending(RateWindow, timedelta(0), step)


def sweeper(database, *endings):
    return Sweeper(database, lambda: NOW, endings, {})


def test_a_step_takes_no_more_rows_than_it_may(windows):
    add(windows, 5)
    counts = []
    for _ in range(4):
        with windows.transaction() as session:
            counts.append(ending().step(session, NOW))
    assert counts == [2, 2, 1, 0]


def test_a_run_takes_all_and_the_next_one_finds_nothing(windows):
    add(windows, 5)
    add(windows, 2, NOW + timedelta(hours=1))
    assert sweeper(windows, ending()).run() == 5
    assert sweeper(windows, ending()).run() == 0
    assert remaining(windows) == 2


def test_a_row_that_somebody_holds_is_not_waited_for_and_stays_where_it_was_renewed(windows):
    subject, *_ = add(windows, 3)
    with windows.transaction() as session:
        mine = update(RateWindow).where(RateWindow.subject == subject)
        session.execute(mine.values(ends_at=NOW + timedelta(hours=1)))
        assert sweeper(windows, ending()).run() == 2
    assert sweeper(windows, ending()).run() == 0
    assert remaining(windows) == 1


def test_of_many_concurrent_workers_each_row_is_deleted_by_one(windows):
    add(windows, 200)
    add(windows, 3, NOW + timedelta(hours=1))
    counts = together(4, lambda _: sweeper(windows, ending(step_size=7)).run())
    assert sum(counts) + sweeper(windows, ending()).run() == 200
    assert remaining(windows) == 3


def test_tables_take_turns_and_a_run_ends_in_time(windows, monkeypatch):
    steps, clock = [], iter(range(100))
    monkeypatch.setattr(retention, "time", SimpleNamespace(monotonic=lambda: next(clock)))

    def step_of(name, rows):
        def step(_session, _before):
            steps.append(name)
            return rows.pop() if rows else 0

        return Ending(RateWindow, timedelta(0), step)

    assert sweeper(windows, step_of("large", [3] * 99), step_of("small", [1])).run() == 1 + 3 * 17
    assert steps == ["large", "small", "large", "small"] + ["large"] * 15
