"""Two servers with ports of their own, of which one follows the other: whatever connects finds the one that writes."""

import base64
from dataclasses import replace

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from qe_ban import migrations
from qe_ban.app import create_app
from qe_ban.cli import primary
from qe_ban.cli.refusals import Refused
from qe_ban.cli.root import cli
from qe_ban.db.connecting import COMMAND_WAITS, REQUEST_WAITS
from qe_ban.db.engine import Database, DatabaseUnavailable
from qe_ban.embedded.errors import StartCancelled
from tests.conftest import closing_pool
from tests.factories import servers

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("fail-over")]
PLACES = {
    "ports before the path": "postgresql://qe@127.0.0.1:{a},127.0.0.1:{b}/city",
    "ports before the path, the primary first": "postgresql://qe@127.0.0.1:{b},127.0.0.1:{a}/city",
    "hosts and ports in the query": "postgresql://qe@/city?host=127.0.0.1,127.0.0.1&port={a},{b}",
    "ports in the query alone": "postgresql://qe@127.0.0.1,127.0.0.1/city?port={a},{b}",
    "a host for each server": "postgresql://qe@/city?host=127.0.0.1:{a}&host=127.0.0.1:{b}",
    "addresses": "postgresql://qe@/city?hostaddr=127.0.0.1,127.0.0.1&port={a},{b}",
    "sockets": "postgresql://qe@/city?host={sockets},{sockets}&port={a},{b}",
    "sockets before the path": "postgresql://qe@{quoted}:{a},{quoted}:{b}/city",
    "words": "host=127.0.0.1,127.0.0.1 port={a},{b} user=qe dbname=city",
}


class Pair:
    """`standby` is named first in every address, `primary` second, until one fails over."""

    def __init__(self, site):
        self.site = site
        self.primary = servers.Server(site, "primary").start()
        self.primary.ask("CREATE DATABASE city")
        self.standby = servers.Server(site, "standby", copy_of=self.primary).start()

    def address(self, form="ports before the path"):
        directory = str(self.site.directory)
        places = {"a": self.standby.port, "b": self.primary.port, "sockets": directory}
        return PLACES[form].format(**places, quoted=directory.replace("/", "%2F"))


@pytest.fixture(scope="module")
def pair():
    with servers.site() as site:
        yield Pair(site)


@pytest.fixture
def lone():
    """A pair of their own, for tests in which one fails over."""
    with servers.site() as site:
        yield Pair(site)


def port_of(database):
    with database.transaction() as session, database.statements() as connection:
        query = "SELECT current_setting('port')::int, pg_is_in_recovery()"
        servers_seen = {
            tuple(session.execute(text(query.replace("::int", ""))).one()),
            tuple(connection.execute(query).fetchone()),
        }
        return {(int(port), standby) for port, standby in servers_seen}


@pytest.mark.parametrize("waits", [COMMAND_WAITS, REQUEST_WAITS], ids=["a command", "a server"])
@pytest.mark.parametrize("form", PLACES)
def test_both_pools_find_the_primary_in_each_form(pair, form, waits):
    database = Database(pair.address(form), waits=waits)
    assert port_of(database) == {(pair.primary.port, False)}
    database.dispose()


def test_a_process_is_ready_only_where_both_pools_reach_a_primary(pair, settings, monkeypatch):
    with closing_pool(create_app(replace(settings, database_url=pair.address()))) as app:
        assert app.test_client().get("/readyz").json["parts"]["postgresql"] == "ok"
        monkeypatch.setattr(Database, "statements", away)
        assert app.test_client().get("/readyz").json["parts"]["postgresql"] == "failed"
    alone = f"postgresql://qe@127.0.0.1:{pair.standby.port}/city"
    with closing_pool(create_app(replace(settings, database_url=alone))) as app:
        assert app.test_client().get("/readyz").json["parts"]["postgresql"] == "failed"


def away(_database):
    raise DatabaseUnavailable


def test_after_a_fail_over_commands_and_open_pools_find_the_new_primary(lone, settings):
    database = Database(lone.address(), waits=REQUEST_WAITS)
    migrations.upgrade(database.engine)
    assert port_of(database) == {(lone.primary.port, False)}
    lone.primary.stop()
    for way in (database.transaction, database.statements):
        with pytest.raises(DatabaseUnavailable), way() as connection:
            connection.execute(text("SELECT 1") if way == database.transaction else "SELECT 1")
    env = {"QE_DATABASE_URL": lone.address(), "QE_MASTER_KEY": base64.b64encode(settings.master_key).decode()}
    run = CliRunner()
    refused = run.invoke(cli, ["keys", "list"], env=env, prog_name="qe-ban")
    assert (refused.exit_code, len(refused.stderr.splitlines())) == (2, 1), refused.stderr
    lone.standby.promote()
    assert port_of(database) == {(lone.standby.port, False)}
    result = run.invoke(cli, ["keys", "init", "--roots", str(lone.site.path("roots"))], env=env, prog_name="qe-ban")
    assert result.exit_code == 0, result.stderr
    database.dispose()


def test_up_waits_for_a_primary(lone):
    database, messages = Database(lone.address()), []
    lone.primary.stop()

    def say(line):
        messages.append(line)
        lone.standby.promote()

    primary.wait(database, say, is_cancelled=lambda: False)
    assert len(messages) == 1, messages
    assert str(lone.standby.port) in messages[0]
    assert port_of(database) == {(lone.standby.port, False)}
    database.dispose()


def test_up_waits_for_a_primary_no_longer_than_it_says(pair):
    database, messages = Database(f"postgresql://qe@127.0.0.1:{pair.standby.port}/city"), []
    with pytest.raises(Refused, match=r"after 1 s.*read-only"):
        primary.wait(database, messages.append, is_cancelled=lambda: False, seconds=1)
    with pytest.raises(StartCancelled):
        primary.wait(database, messages.append, is_cancelled=lambda: True)
    database.dispose()


def test_what_waiting_does_not_mend_is_not_waited_for(settings, monkeypatch):
    monkeypatch.setattr("qe_ban.db.connecting.OLDEST", 99_00_00)
    database, messages = Database(settings.database_url), []
    with pytest.raises(DatabaseUnavailable):
        primary.wait(database, messages.append, is_cancelled=lambda: False)
    assert messages == []
