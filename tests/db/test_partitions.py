"""Months are made ahead and dropped when they are over, beside whoever writes."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import exc, text

from qe_ban.db import partitions
from qe_ban.db.engine import DatabaseUnavailable

NOW = datetime(2030, 11, 23, 8, tzinfo=UTC)
DAY = timedelta(days=1)
MONTHS = ["2030_11", "2030_12", "2031_01", "2031_02"]


@pytest.fixture
def table(database):
    """A table that is cut, with nothing but its default part."""
    name = f"cut_{uuid.uuid4().hex[:8]}"
    with database.transaction() as session:
        session.execute(
            text(f"CREATE TABLE {name} (id int, at timestamptz, PRIMARY KEY (id, at)) PARTITION BY RANGE (at)")
        )
        session.execute(text(f"CREATE TABLE {name}_default PARTITION OF {name} DEFAULT"))
    yield name
    with database.transaction() as session:
        session.execute(text(f"DROP TABLE {name}"))


def make(database, table, now=NOW):
    with database.transaction() as session:
        return partitions.make_ahead(session, table, now)


def drop(database, table, before):
    with database.transaction() as session:
        return partitions.drop_empty(session, table, before)


def insert_rows(database, table, *moments):
    with database.transaction() as session:
        for number, at in enumerate(moments):
            session.execute(text(f"INSERT INTO {table} VALUES (:n, :at)"), {"n": number, "at": at})


def put_one(database, table):
    with database.transaction() as session:
        session.execute(text("SET LOCAL lock_timeout = '50ms'"))
        session.execute(text(f"INSERT INTO {table} VALUES (1, :at) ON CONFLICT DO NOTHING"), {"at": NOW + 60 * DAY})


def lying(database, table):
    with database.transaction() as session:
        return session.scalars(text(f"SELECT tableoid::regclass::text FROM {table} ORDER BY at")).all()


def test_months_are_made_once_and_rows_go_to_theirs(database, table):
    assert make(database, table) == [f"{table}_{month}" for month in MONTHS]
    assert make(database, table) == []
    insert_rows(database, table, datetime(2030, 11, 30, 23, 59, 59, 999999, UTC), datetime(2030, 12, 1, tzinfo=UTC))
    assert lying(database, table) == [f"{table}_2030_11", f"{table}_2030_12"]


def test_a_month_of_which_the_default_has_rows_stays_there(database, table):
    insert_rows(database, table, NOW + timedelta(days=30))
    assert make(database, table) == [f"{table}_{month}" for month in MONTHS if month != "2030_12"]
    insert_rows(database, table, NOW + timedelta(days=31))
    assert lying(database, table) == [f"{table}_default"] * 2


def test_where_rows_may_be_moved_those_that_were_dated_ahead_go_to_their_month(database, table):
    far, next_month = datetime(2035, 1, 1, tzinfo=UTC), NOW + timedelta(days=30)
    insert_rows(database, table, next_month, far)
    with database.transaction() as session:
        names = partitions.make_ahead(session, table, NOW, move=True)
    assert names == [f"{table}_{month}" for month in MONTHS]
    assert lying(database, table) == [f"{table}_2030_12", f"{table}_default"]


def test_while_a_part_is_looked_at_for_the_last_time_the_others_are_free(database, table):
    make(database, table)
    with database.engine.connect() as keeper, keeper.begin(), ThreadPoolExecutor(1) as pool:
        keeper.execute(text(f"LOCK TABLE {table}_2030_11 IN ACCESS SHARE MODE"))
        dropping = pool.submit(drop, database, table, datetime(2031, 2, 1, tzinfo=UTC))
        while not dropping.done():
            with database.transaction() as session:
                locks = "SELECT count(*) FROM pg_locks WHERE relation = CAST(:t AS regclass) AND mode LIKE 'AccessExc%'"
                assert session.scalar(text(locks), {"t": table}) == 0
            put_one(database, table)
        with pytest.raises(DatabaseUnavailable):
            dropping.result()


def test_months_are_made_beside_a_writer_who_has_not_committed(database, table):
    make(database, table)
    with database.engine.connect() as writer, writer.begin():
        writer.execute(text(f"INSERT INTO {table} VALUES (1, :at)"), {"at": NOW})
        names = make(database, table, NOW + timedelta(days=31))
    assert names == [f"{table}_2031_03"]


def test_only_what_is_over_and_empty_is_dropped(database, table):
    make(database, table)
    insert_rows(database, table, datetime(2030, 12, 5, tzinfo=UTC))
    assert drop(database, table, datetime(2030, 11, 30, tzinfo=UTC)) == []
    assert drop(database, table, datetime(2031, 2, 1, tzinfo=UTC)) == [f"{table}_2030_11", f"{table}_2031_01"]
    assert lying(database, table) == [f"{table}_2030_12"]


def test_who_holds_the_table_is_not_waited_for(database, table):
    make(database, table)
    with database.engine.connect() as reader, reader.begin():
        reader.execute(text(f"SELECT count(*) FROM {table}"))
        with pytest.raises(DatabaseUnavailable):
            drop(database, table, datetime(2031, 2, 1, tzinfo=UTC))
    assert len(drop(database, table, datetime(2031, 2, 1, tzinfo=UTC))) == 3


def test_a_months_primary_key_is_the_tables(database, table):
    make(database, table)
    insert_rows(database, table, NOW)
    with pytest.raises(exc.IntegrityError):
        insert_rows(database, table, NOW)
