"""The list of all that leads to a resident (`rules.traces`) is complete: it is compared with the database itself."""

import pytest
from sqlalchemy import text

from qe_ban.accounts.rules.traces import TRACES, Lookup, Outcome, kept_columns
from qe_ban.accounts.service import attempts, erasing
from tests.privacy import residents_tables as known

MAY_NAME = ("uuid", "bytea", "bigint", "jsonb")
"""Types of columns in which an id, a hash, a number of an entitlement or a sealed value can stand."""

COLUMNS = text("""
SELECT c.table_name, c.column_name, c.data_type FROM information_schema.columns c
JOIN pg_class t ON t.relname = c.table_name AND t.relnamespace = 'public'::regnamespace
WHERE c.table_schema = 'public' AND NOT t.relispartition
""")


@pytest.fixture(scope="module")
def columns(database):
    """Return the type of each column of the database, by table and name."""
    with database.transaction() as session:
        return {(table, column): kind for table, column, kind in session.execute(COLUMNS)}


def unlisted(columns):
    listed = {(trace.table, column) for trace in TRACES for column in trace.columns}
    tables = {table for table, _ in listed}
    nowhere = {(table, "*") for table, _ in columns if table not in tables | known.WITHOUT_RESIDENTS.keys()}
    return nowhere | {
        (table, column)
        for (table, column), kind in columns.items()
        if table in tables and kind in MAY_NAME and (table, column) not in listed | known.WITHOUT_A_RESIDENT.keys()
    }


def test_every_table_and_every_column_that_may_name_a_resident_is_listed(columns):
    assert unlisted(columns) == set()


@pytest.mark.parametrize("kind", MAY_NAME)
def test_a_new_column_or_table_that_nobody_listed_is_found(columns, kind):
    assert unlisted(columns | {("demands", "sender"): kind}) == {("demands", "sender")}
    assert unlisted(columns | {("visits", "who"): "text"}) == {("visits", "*")}


def test_the_lists_have_nothing_that_is_not_there(columns):
    assert {(trace.table, column) for trace in TRACES for column in trace.columns} - columns.keys() == set()
    assert known.WITHOUT_A_RESIDENT.keys() - columns.keys() == set()
    assert known.WITHOUT_RESIDENTS.keys() - {table for table, _ in columns} == set()
    assert known.WITHOUT_RESIDENTS.keys() & {trace.table for trace in TRACES} == set()


def test_what_is_kept_has_its_reason_and_each_line_of_the_report_one_name():
    for trace in TRACES:
        names = {other.name for other in TRACES if (other.what, other.outcome) == (trace.what, trace.outcome)}
        assert names == {trace.name}
    for what in {trace.what for trace in TRACES if trace.outcome is Outcome.KEPT}:
        (first, *others) = [trace for trace in TRACES if (trace.what, trace.outcome) == (what, Outcome.KEPT)]
        assert first.why
        assert not any(other.why or other.period for other in others)


def test_a_plain_id_is_deleted_or_said_to_be_kept(columns):
    """Nothing with a foreign key to a resident is left out by accident."""
    named = {(column.table.name, column.name) for column in erasing.foreign_keys()}
    deleted = {
        (trace.table, column)
        for trace in TRACES
        for column in trace.columns
        if (trace.outcome, trace.lookup) == (Outcome.DELETED, Lookup.ID)
    }
    assert named <= deleted
    assert named & kept_columns() == set()


def test_every_allowance_is_forgotten_with_the_account_or_told_as_kept():
    every = {one for one in vars(attempts).values() if isinstance(one, attempts.Allowance)}
    assert every == {*attempts.OF_RESIDENTS, *attempts.OF_PHONES, attempts.STAFF_PASSWORD}
    (kept,) = [trace for trace in TRACES if trace.what == "phone_counts"]
    assert max(one.window for one in attempts.OF_PHONES) <= kept.period(None)
