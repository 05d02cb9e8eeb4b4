"""Behind Debian's pgbouncer in transaction mode: everything works with the setting, and nothing without it."""

import base64
import secrets
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from click.testing import CliRunner
from sqlalchemy import text
from structlog.testing import capture_logs

from qe_ban import migrations
from qe_ban.app import assemble, create_app, create_worker
from qe_ban.cli.root import cli
from qe_ban.config import Limits
from qe_ban.db.connecting import REQUEST_WAITS, Waits
from qe_ban.db.engine import Database, DatabaseUnavailable, DatabaseUnfit
from qe_ban.keys import lifecycle
from tests.conftest import closing_pool
from tests.factories import servers
from tests.factories.codes import Town
from tests.factories.waits import HANG_TIMEOUT, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pooler")]
SHORT = Waits(statement=0.3, lock=0.2, patience=5)
WIDE = Limits(otp_per_phone=10**4, otp_per_address=10**6, issue_per_minute=10**5, tries_per_address=10**6)


class PooledCity:
    """A city whose database is reached through a pooler with two connections only."""

    def __init__(self, site, settings):
        self.site = site
        self.server = servers.Server(site, "postgres").start()
        self.server.ask("CREATE DATABASE city")
        self.pooler = servers.Pgbouncer(site, self.server)
        self.settings = replace(settings, database_url=self.pooler.url("city"), is_pooled=True, limits=WIDE)
        self.parts = assemble(self.settings)
        migrations.upgrade(self.parts.database.engine)
        with self.parts.database.transaction() as session:
            lifecycle.init(session, self.settings.master_key, datetime.now(UTC) - timedelta(hours=1))
        self.town = Town(self.parts)

    def qe(self, *words, url=None, is_pooled="", **env):
        variables = {
            "QE_DATABASE_URL": url or self.settings.database_url,
            "QE_DATABASE_POOLED": is_pooled,
            "QE_MASTER_KEY": base64.b64encode(self.settings.master_key).decode(),
        }
        return CliRunner().invoke(cli, words, env=variables | env, prog_name="qe-ban")


@pytest.fixture(scope="module")
def city(settings):
    servers.require_program("pgbouncer")
    with servers.site() as site:
        own_city = PooledCity(site, settings)
        yield own_city
        own_city.parts.database.dispose()


def database(city, **more):
    return Database(city.settings.database_url, **({"behind_pooler": True} | more))


@pytest.mark.parametrize("mode", ["transaction", "session"])
@pytest.mark.parametrize("ignore", ["extra_float_digits,options", None], ids=["options ignored", "options refused"])
def test_without_the_setting_a_pooler_is_refused_in_one_line(city, mode, ignore):
    pooler = servers.Pgbouncer(city.site, city.server, mode=mode, ignore=ignore)
    refused = city.qe("keys", "list", url=pooler.url("city"))
    line = "qe-ban: QE_DATABASE_URL leads to a pooler of connections: set QE_DATABASE_POOLED=1, or connect directly\n"
    assert (refused.exit_code, refused.stderr) == (2, line)
    assert city.qe("keys", "list", url=pooler.url("city"), is_pooled="1").exit_code == 0
    pooler.child.stop()


def test_a_process_without_the_setting_is_not_ready_and_says_why(city):
    with closing_pool(create_app(replace(city.settings, is_pooled=False))) as app, capture_logs() as lines:
        answer = app.test_client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json["parts"]["postgresql"] == "failed"
    assert any("QE_DATABASE_POOLED=1" in str(line) for line in lines), lines
    without = database(city, behind_pooler=False)
    for way in (without.transaction, without.statements):
        with pytest.raises(DatabaseUnfit) as refused, way() as connection:
            # a session connects with its first statement
            connection.execute(text("SELECT 1"))
        assert "QE_DATABASE_POOLED=1" in refused.value.reason


def test_with_the_setting_the_process_is_ready(city):
    with closing_pool(create_app(city.settings)) as app:
        parts = app.test_client().get("/readyz").json["parts"]
    assert (parts["postgresql"], parts["keys"]) == ("ok", "ok")


def test_everybody_gets_the_own_answer_from_few_connections(city):
    """Statements of one text each, as the hot path's are, from two processes' worth of connections."""
    processes, wrong = [database(city, pool=8, waits=REQUEST_WAITS) for _ in range(2)], []

    def ask(number):
        with processes[number % 2].statements() as connection:
            for turn in range(25):
                mark = f"{number}-{turn}"
                query = f"SELECT %(mark)s::text, {number}" + ", 0" * (number % 5)
                row = connection.execute(query, {"mark": mark}, prepare=True).fetchone()
                wrong.extend([] if row[:2] == (mark, number) else [(mark, row)])
        with processes[number % 2].transaction() as session:
            for _ in range(8):
                assert session.execute(text("SELECT CAST(:n AS int)"), {"n": number}).scalar_one() == number

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(ask, range(16)))
    assert wrong == []
    with processes[0].transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM pg_prepared_statements")) == 0
    for process in processes:
        process.dispose()


def post_until_served(app, path, **options):
    """Post until a connection of the pool is free: a busy machine may say 503, and never a wrong word."""
    for _ in range(100):
        answer = app.test_client().post(path, **options)
        if answer.status_code != 503:
            break
        time.sleep(0.1)
    return answer


def test_codes_are_issued_and_verified_by_two_processes_at_once(city):
    with closing_pool(create_app(city.settings)) as one, closing_pool(create_app(city.settings)) as other:
        gate = city.town.terminal("gate-entry")
        people = [city.town.resident() for _ in range(4)]

        def work(number):
            person, outcomes = people[number % 4], []
            here, there = (one, other) if number % 2 else (other, one)
            for _ in range(6):
                issued = post_until_served(here, "/api/v1/codes/identity/issue", headers=person.headers)
                assert issued.status_code == 200, issued.json
                body = {"scan_id": str(uuid.uuid4()), "code": issued.json["code"], "purpose": "gate-entry"}
                for repeat in (False, True):
                    verdict = post_until_served(there, "/api/v1/codes/verify", headers=gate.headers, json=body)
                    assert verdict.status_code == 200, verdict.json
                    outcomes.append(
                        (
                            verdict.json["reason"],
                            verdict.json["repeat"] is repeat,
                            verdict.json["scan_id"] == body["scan_id"],
                        )
                    )
            return outcomes

        with ThreadPoolExecutor(8) as threads:
            outcomes = [answer for answers in threads.map(work, range(8)) for answer in answers]
    assert set(outcomes) == {("ok", True, True)}
    assert len(outcomes) == 96


def test_the_limits_hold_for_each_transaction_and_go_with_it(city):
    mine = database(city, waits=SHORT)
    with pytest.raises(DatabaseUnavailable), mine.transaction() as session:
        session.execute(text("SELECT pg_sleep(3)"))
    with pytest.raises(DatabaseUnavailable), mine.statements() as connection:
        connection.execute("SELECT pg_sleep(3)")
    with mine.transaction() as holder:
        holder.execute(text("LOCK TABLE venues IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(DatabaseUnavailable), mine.transaction() as session:
            session.execute(text("SELECT count(*) FROM venues"))
        with pytest.raises(DatabaseUnavailable), mine.statements() as connection:
            connection.execute("SELECT count(*) FROM venues")
    with psycopg.connect(city.settings.database_url, autocommit=True, prepare_threshold=None) as plain:
        for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            assert plain.execute(f"SHOW {name}").fetchone() == ("0",)
    mine.dispose()


def test_a_bare_statement_is_kept_whole_or_not_at_all(city):
    mine = database(city)
    with mine.transaction() as session:
        session.execute(text("CREATE TABLE notes (id int PRIMARY KEY)"))
    with mine.statements() as connection:
        connection.execute("INSERT INTO notes VALUES (%(id)s)", {"id": 1})
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO notes VALUES (2), (1)")
        with pytest.raises(psycopg.errors.DivisionByZero):
            connection.execute("SELECT 1 / 0")
        values = {"odd": "';\\ %s -- \"", "raw": secrets.token_bytes(64), "none": None}
        row = connection.execute("SELECT %(odd)s::text, %(raw)b::bytea, %(none)s::int", values).fetchone()
        assert row == tuple(values.values())
    with mine.transaction() as session:
        assert session.scalars(text("SELECT id FROM notes")).all() == [1]
        session.execute(text("DROP TABLE notes"))
    mine.dispose()


def test_a_transaction_that_wants_another_isolation_gets_it(city):
    with city.parts.database.transaction() as session:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        assert session.scalar(text("SHOW transaction_isolation")) == "repeatable read"
    with city.parts.database.transaction() as session:
        assert session.scalar(text("SHOW transaction_isolation")) == "read committed"


def test_the_worker_does_its_schedules(city, capsys):
    # a schedule holds its turn by one transaction and works in others: two connections are too few for it
    wide = servers.Pgbouncer(city.site, city.server, size=8)
    settings, stop = replace(city.settings, database_url=wide.url("city")), threading.Event()
    thread = threading.Thread(target=lambda: create_worker(settings).run(stop))
    thread.start()
    names = {"keys.ahead", "sweep", "audit.seal", "months", "alarms.watch", "items.turn"}

    def missing():
        with city.parts.database.transaction() as session:
            return names - set(session.scalars(text("SELECT name FROM schedules WHERE last_run_at IS NOT NULL")))

    try:
        wait_for(lambda: not missing(), lambda: f"did not run: {missing()}")
    finally:
        stop.set()
        thread.join(HANG_TIMEOUT)
    failures = [line for line in capsys.readouterr().out.splitlines() if "schedule.failed" in line]
    assert failures == []


def test_commands_work(city):
    result = city.qe("staff", "add", "pooled-admin", "--role", "city_admin", is_pooled="1")
    assert result.exit_code == 0, result.stderr
    audit = city.qe("audit", "verify", is_pooled="1")
    assert audit.exit_code == 0, audit.stderr


def test_a_pooler_that_goes_away_and_comes_back_is_the_database_doing_so(city):
    mine = database(city)
    with mine.transaction() as session:
        session.execute(text("SELECT 1"))
    city.pooler.child.stop()
    for way in (mine.transaction, mine.statements):
        with pytest.raises(DatabaseUnavailable), way() as target:
            target.execute(text("SELECT 1") if way == mine.transaction else "SELECT 1")
    city.pooler.restart()
    with mine.transaction() as session, mine.statements() as connection:
        assert session.scalar(text("SELECT 1")) == 1
        assert connection.execute("SELECT 1").fetchone() == (1,)
    mine.dispose()
