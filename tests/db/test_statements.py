"""The hot path's connections are used again, given back whole or not at all, and never more than their number."""

import time

import psycopg
import pytest

from qe_ban.db.statements import Statements


@pytest.fixture
def statements(settings):
    made = Statements(settings.database_url, {}, size=2, wait=0.05)
    yield made
    made.close()


def backend(statements):
    with statements.connection() as connection:
        return connection.info.backend_pid


def test_the_one_that_came_back_last_goes_out_first(statements):
    with statements.connection() as first, statements.connection() as second:
        assert first.info.backend_pid != second.info.backend_pid
        last = first.info.backend_pid
    assert backend(statements) == last
    assert backend(statements) == last


def test_none_free_is_said_after_a_short_wait(statements):
    started = time.monotonic()
    with (
        statements.connection(),
        statements.connection(),
        pytest.raises(psycopg.errors.ConnectionTimeout),
        statements.connection(),
    ):
        pass
    assert time.monotonic() - started < 1
    backend(statements)


def test_a_refused_statement_costs_no_connection(statements):
    first = backend(statements)
    with pytest.raises(psycopg.errors.DivisionByZero), statements.connection() as connection:
        connection.execute("SELECT 1/0")
    assert backend(statements) == first


@pytest.mark.parametrize("left_in", ["BEGIN", "COPY (SELECT 1) TO STDOUT"])
def test_a_connection_given_back_in_the_middle_of_something_is_not_used_again(statements, left_in):
    first = backend(statements)
    with statements.connection() as connection:
        connection.pgconn.send_query(left_in.encode())
        while connection.pgconn.is_busy():
            connection.pgconn.consume_input()
    assert backend(statements) != first


def test_a_statement_that_was_cancelled_ends_its_connection(statements):
    first = backend(statements)
    with pytest.raises(psycopg.errors.QueryCanceled), statements.connection() as connection:  # noqa: PT012
        connection.execute("SET statement_timeout = 10")
        connection.execute("SELECT pg_sleep(5)")
    assert backend(statements) != first
