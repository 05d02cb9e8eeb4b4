"""Transactions commit or leave nothing; a database that is away is said at once; lost connections are found."""

import time
from unittest.mock import Mock

import psycopg
import pytest
from sqlalchemy import exc, text

from qe_ban.db import connecting
from qe_ban.db.engine import Database, DatabaseUnavailable
from tests.factories.waits import HANG_TIMEOUT


@pytest.fixture
def table(database):
    with database.transaction() as session:
        session.execute(text("CREATE TABLE IF NOT EXISTS notes (id int PRIMARY KEY)"))
        session.execute(text("TRUNCATE notes"))
    yield
    with database.transaction() as session:
        session.execute(text("DROP TABLE notes"))


def count(database):
    with database.transaction() as session:
        return session.execute(text("SELECT count(*) FROM notes")).scalar_one()


def test_returning_commits_and_raising_rolls_back(database, table):
    with database.transaction() as session:
        session.execute(text("INSERT INTO notes VALUES (1)"))
    with pytest.raises(ZeroDivisionError), database.transaction() as session:  # noqa: PT012
        session.execute(text("INSERT INTO notes VALUES (2)"))
        raise ZeroDivisionError
    assert count(database) == 1


def test_each_bare_statement_is_a_transaction_of_its_own(database, table):
    with database.statements() as connection:
        connection.execute("INSERT INTO notes VALUES (1)")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO notes VALUES (1)")
        connection.execute("INSERT INTO notes VALUES (2)")
    assert count(database) == 2
    with database.transaction() as session:
        session.execute(text("INSERT INTO notes VALUES (3)"))
        session.rollback()
    assert count(database) == 2, "a connection that came back is no longer in autocommit"


def test_a_connection_that_the_server_closed_is_replaced_unseen(settings, database):
    mine = Database(settings.database_url, pool=2)
    with mine.statements() as connection:
        pid = connection.info.backend_pid
    with database.transaction() as session:
        session.execute(text("SELECT pg_terminate_backend(:pid, 2000)"), {"pid": pid})
    with mine.transaction() as session:
        assert session.execute(text("SELECT 1")).scalar_one() == 1
    with mine.statements() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    mine.dispose()


def test_a_server_that_takes_no_writes_any_more_is_away_and_the_connection_goes(settings, table):
    mine = Database(settings.database_url, pool=2)
    with mine.statements() as connection, mine.transaction() as session:
        before = connection.info.backend_pid, session.execute(text("SELECT pg_backend_pid()")).scalar_one()
        connection.execute("SET default_transaction_read_only = on")
        session.execute(text("SET default_transaction_read_only = on"))
    with pytest.raises(DatabaseUnavailable), mine.statements() as connection:
        connection.execute("INSERT INTO notes VALUES (1)")
    with pytest.raises(DatabaseUnavailable), mine.transaction() as session:
        session.execute(text("INSERT INTO notes VALUES (2)"))
    with mine.statements() as connection, mine.transaction() as session:
        connection.execute("INSERT INTO notes VALUES (1)")
        session.execute(text("INSERT INTO notes VALUES (2)"))
        assert connection.info.backend_pid != before[0]
        assert session.execute(text("SELECT pg_backend_pid()")).scalar_one() != before[1]
    assert count(mine) == 2
    mine.dispose()


def test_a_connection_that_postgresql_ended_for_idling_is_away_and_is_replaced(settings):
    mine = Database(settings.database_url, pool=1)
    with pytest.raises(DatabaseUnavailable), mine.transaction() as session:  # noqa: PT012
        session.execute(text("SET LOCAL idle_in_transaction_session_timeout = '20ms'"))
        time.sleep(0.2)
        session.execute(text("SELECT 1"))
    with mine.transaction() as session:
        assert session.execute(text("SELECT 1")).scalar_one() == 1
    mine.dispose()


def test_another_internal_error_is_none_of_the_servers_state(database):
    wrong = "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = 'XX000'; END $$"
    with pytest.raises(exc.InternalError), database.transaction() as session:
        session.execute(text(wrong))
    with pytest.raises(psycopg.errors.InternalError_), database.statements() as connection:
        connection.execute(wrong)


def test_a_database_that_is_away_is_reported_at_the_first_try(monkeypatch):
    tries = Mock(wraps=connecting.Connection.connect)
    monkeypatch.setattr(connecting.Connection, "connect", tries)
    away = Database("postgresql://qe@127.0.0.1:1/qe")
    with pytest.raises(DatabaseUnavailable), away.transaction() as session:
        session.execute(text("SELECT 1"))
    with pytest.raises(DatabaseUnavailable), away.statements():
        pass
    assert tries.call_count == 2, "one try each"


def test_no_free_connection_is_an_error_while_all_are_lent(settings):
    narrow = Database(settings.database_url, pool=1)
    connections = [narrow.engine.connect() for _ in range(3)]
    with pytest.raises(DatabaseUnavailable), narrow.transaction() as session:
        session.execute(text("SELECT 1"))
    for connection in connections:
        connection.close()
    narrow.dispose()


def test_whoever_has_little_patience_waits_no_longer_and_the_next_one_has_its_own(settings):
    single = Database(settings.database_url, pool=1)
    with pytest.raises(DatabaseUnavailable), single.transaction(patience=0.1) as session:
        session.execute(text("SELECT pg_sleep(9)"))
    with single.transaction(patience=HANG_TIMEOUT) as session:
        running = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(9)' AND state = 'active'"
        assert session.execute(text(running)).scalar_one() == 1, "the statement that was not waited for goes on"
    with single.transaction() as session:
        session.execute(text("SELECT pg_sleep(0.2)"))
    single.dispose()
