"""After a wait in vain nobody waits for a while, then one tries for all."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from unittest.mock import Mock

import psycopg
import pytest
from sqlalchemy import text

from qe_ban.db.connecting import COMMAND_WAITS, REQUEST_WAITS, WORKER_WAITS, Waits
from qe_ban.db.engine import Database, DatabaseUnavailable
from qe_ban.db.outage import PROBE, REST, Outage
from tests.conftest import Engines
from tests.factories import cities
from tests.factories.waits import wait_for

SHORT = Waits(statement=1.2, lock=0.8, patience=1.6)


class Hung(Exception):
    pass


class Hands:
    at = 100.0

    def __call__(self):
        return self.at


@pytest.fixture
def hands():
    return Hands()


@pytest.fixture
def outage(hands):
    return Outage(Hung, monotonic=hands)


def passes(outage):
    try:
        with outage.trying():
            return True
    except Hung:
        return False


def test_while_it_rests_all_are_refused_and_then_one_goes_first(outage, hands):
    assert passes(outage)
    outage.report_hang()
    assert not passes(outage)
    hands.at += REST
    with outage.trying(), ThreadPoolExecutor(1) as other:
        assert not other.submit(passes, outage).result()
        hands.at += PROBE - 1
        assert not other.submit(passes, outage).result()
    assert passes(outage)
    assert passes(outage)


def test_one_who_tried_in_vain_lets_it_rest_again(outage, hands):
    outage.report_hang()
    hands.at += REST
    with outage.trying():
        outage.report_hang()
    assert not passes(outage)
    hands.at += REST
    assert passes(outage)


def test_one_who_tried_and_was_refused_has_had_an_answer(outage, hands):
    outage.report_hang()
    hands.at += REST
    with pytest.raises(ZeroDivisionError), outage.trying():
        raise ZeroDivisionError
    assert passes(outage)


def test_whoever_has_the_turn_may_go_again_within_it_and_the_turn_is_over_only_with_it(outage, hands):
    outage.report_hang()
    hands.at += REST
    with outage.trying(), ThreadPoolExecutor(1) as other:
        assert passes(outage)
        assert not other.submit(passes, outage).result()
    assert passes(outage)


def test_whoever_waited_in_vain_within_the_turn_is_refused_there_too(outage, hands):
    outage.report_hang()
    hands.at += REST
    with outage.trying():
        outage.report_hang()
        assert not passes(outage)
    assert not passes(outage)


def test_forgotten_all_go_on(outage):
    outage.report_hang()
    outage.forget()
    assert passes(outage)


@pytest.fixture(scope="module")
def postgres():
    engines = Engines()
    yield engines.postgres
    engines.stop()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("warm", [True, False], ids=["with connections open", "with none"])
def test_a_server_that_hangs_is_waited_for_by_those_who_are_there_and_by_no_other(postgres, hands, warm):
    database = Database(postgres.url, pool=4, waits=SHORT)
    database._outage = Outage(DatabaseUnavailable, monotonic=hands)
    database._outage.report_hang = hangs = Mock(wraps=database._outage.report_hang)

    def ask(way):
        with pytest.raises(DatabaseUnavailable), way() as connection:
            connection.execute(text("SELECT 1") if way == database.transaction else "SELECT 1")

    def serves():
        hands.at += REST
        try:
            with database.statements() as connection:
                return connection.execute("SELECT 1").fetchone() == (1,)
        except DatabaseUnavailable:
            return False

    if warm:
        with database.transaction() as session, database.statements() as connection:
            session.execute(text("SELECT 1"))
            connection.execute("SELECT 1")
    with cities.freeze(postgres), ThreadPoolExecutor(8) as pool:
        ways = [database.transaction, database.statements] * 4
        list(pool.map(ask, ways))
        assert hangs.called
        hangs.reset_mock()
        list(pool.map(ask, ways))
        assert not hangs.called, "as long as it rests, nobody waits"
    wait_for(serves)
    database.dispose()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_who_has_the_turn_and_little_patience_does_not_say_that_it_is_over(postgres, hands):
    database = Database(postgres.url, pool=2, waits=SHORT)
    database._outage = Outage(DatabaseUnavailable, monotonic=hands)
    database._outage.report_hang()
    hands.at += REST
    with ExitStack() as stack:
        with pytest.raises(DatabaseUnavailable), database.transaction(patience=0.2) as session:  # noqa: PT012
            session.execute(text("SELECT 1"))
            stack.enter_context(cities.freeze(postgres))
            session.execute(text("SELECT 1"))
        hung_at, hands.at = hands.at, hands.at + REST / 2
        with pytest.raises(DatabaseUnavailable), database.transaction() as session:
            session.execute(text("SELECT 1"))
        assert not database._outage.since(hung_at), "it rests again, and nobody waits for it"
    database.dispose()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_after_a_wait_in_vain_every_connection_from_before_is_replaced_unasked(postgres):
    database = Database(postgres.url, pool=4, waits=SHORT)
    with ExitStack() as stack:
        before = {stack.enter_context(database.statements()).info.backend_pid for _ in range(4)}
    with cities.freeze(postgres), pytest.raises(DatabaseUnavailable), database.statements() as connection:
        connection.execute("SELECT 1")
    database._outage.forget()
    with ExitStack() as stack:
        after = {stack.enter_context(database.statements()).info.backend_pid for _ in range(4)}
    assert before.isdisjoint(after)
    database.dispose()


@pytest.mark.parametrize(
    ("primary", "attributes", "away"),
    [(True, "", True), (False, "", True), (True, "any", True), (False, "any", False)],
    ids=["serving", "a command", "serving, whatever the address says", "a command that asks for any server"],
)
def test_a_standby_counts_as_away_for_those_who_write(postgres, primary, attributes, away):
    url = f"{postgres.url}&target_session_attrs={attributes}" if attributes else postgres.url
    database = Database(url, waits=replace(SHORT, primary=primary))
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    try:
        for way in (database.transaction, database.statements):
            outcome = pytest.raises(DatabaseUnavailable) if away else nullcontext()
            with outcome, way() as connection:
                connection.execute(text("SELECT 1") if way == database.transaction else "SELECT 1")
    finally:
        with psycopg.connect(postgres.url, autocommit=True) as connection:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
        database.dispose()


def test_whoever_can_do_without_stops_nobody_else(settings):
    database = Database(settings.database_url, pool=2, waits=SHORT)
    with pytest.raises(DatabaseUnavailable), database.transaction(patience=0.1) as session:
        session.execute(text("SELECT pg_sleep(0.5)"))
    with database.transaction() as session:
        assert session.execute(text("SELECT 1")).scalar_one() == 1
    database.dispose()


def test_a_statement_that_takes_too_long_is_ended_by_the_server_and_is_no_outage(settings):
    database = Database(settings.database_url, pool=2, waits=SHORT)
    for way in (database.transaction, database.statements):
        with pytest.raises(DatabaseUnavailable), way() as connection:
            connection.execute(text("SELECT pg_sleep(3)") if way == database.transaction else "SELECT pg_sleep(3)")
        with way() as connection:
            connection.execute(text("SELECT 1") if way == database.transaction else "SELECT 1")
    database.dispose()


def test_for_requests_the_server_ends_each_statement_before_our_patience_does():
    for waits in (REQUEST_WAITS, REQUEST_WAITS.hot):
        assert waits.lock < waits.statement < waits.patience


def test_who_writes_takes_no_standby_and_commands_take_any():
    assert REQUEST_WAITS.primary
    assert WORKER_WAITS.primary
    assert not COMMAND_WAITS.primary
