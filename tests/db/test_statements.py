"""The hot path's connections are used again, given back whole or not at all, and never more than their number."""

import psycopg
import pytest

from qe_ban.db.engine import Database, DatabaseUnavailable


@pytest.fixture
def statements(settings):
    own_database = Database(settings.database_url, pool=2)
    yield own_database
    own_database.dispose()


def backend(statements):
    with statements.statements() as connection:
        return connection.info.backend_pid


def test_the_one_that_came_back_last_goes_out_first(statements):
    with statements.statements() as first, statements.statements() as second:
        assert first.info.backend_pid != second.info.backend_pid
        last = first.info.backend_pid
    assert backend(statements) == last
    assert backend(statements) == last


def test_no_free_connection_is_an_error_while_all_are_lent(statements):
    with (
        statements.statements(),
        statements.statements(),
        pytest.raises(DatabaseUnavailable),
        statements.statements(),
    ):
        pass
    backend(statements)


def test_a_refused_statement_costs_no_connection(statements):
    first = backend(statements)
    with pytest.raises(psycopg.errors.DivisionByZero), statements.statements() as connection:
        connection.execute("SELECT 1/0")
    assert backend(statements) == first


@pytest.mark.parametrize("left_in", ["BEGIN", "COPY (SELECT 1) TO STDOUT"])
def test_a_connection_given_back_in_the_middle_of_something_is_not_used_again(statements, left_in):
    first = backend(statements)
    with statements.statements() as connection:
        connection.pgconn.send_query(left_in.encode())
        while connection.pgconn.is_busy():
            connection.pgconn.consume_input()
    assert backend(statements) != first


def test_a_statement_that_was_cancelled_ends_its_connection(statements):
    first = backend(statements)
    with pytest.raises(DatabaseUnavailable), statements.statements() as connection:  # noqa: PT012
        connection.execute("SET statement_timeout = 10")
        connection.execute("SELECT pg_sleep(5)")
    assert backend(statements) != first
