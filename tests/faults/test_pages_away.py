"""Pages while engines die or hang: really killed, really stopped."""

import base64
import os
import secrets
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from qe_ban import migrations
from qe_ban.app import create_app
from qe_ban.config import Settings
from qe_ban.db.engine import Database, DatabaseUnavailable
from qe_ban.kernel.clock import system_clock
from qe_ban.keys import lifecycle
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.service import page_cache
from tests.conftest import Engines, closing_pool
from tests.factories.pages import content, make_town, rich_text
from tests.factories.shelves import Hands, Newsstand
from tests.factories.waits import HANG_TIMEOUT, wait_for

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


class Installation(Engines):
    """Engines of its own, which a test may kill, with all tables."""

    def __init__(self):
        super().__init__({"fsync": "off"})  # what is committed outlives a killed server
        self.settings = Settings.from_env(
            {
                "QE_MODE": "sandbox",
                "QE_DATABASE_URL": self.postgres.url,
                "QE_REDIS_URL": self.valkey.url,
                "QE_MASTER_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
                "QE_ISSUER": "https://qe-ban.test",
                "QE_MEDIA_DIR": str(self.directory / "media"),
                "QE_DATA_KEYS_DIR": str(self.directory / "data-keys"),
            }
        )
        self.database = Database(self.settings.database_url, pool=8)
        migrations.upgrade(self.database.engine)
        with self.database.transaction() as session:
            lifecycle.init(session, self.settings.master_key, system_clock())

    def kill(self, *engines):
        for engine in engines:
            os.kill(engine.pid, signal.SIGKILL)
            while engine.poll() is None:
                time.sleep(0.01)
        # backends of a killed server live on for a moment
        self.database.dispose()

    def hang(self, signal_number=signal.SIGSTOP):
        """Stop PostgreSQL with all its backends, or let them go on."""
        pid = self.postgres.pid
        for child in (pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())):
            os.kill(child, signal_number)

    def mend(self):
        self.database.dispose()
        for engine in (self.valkey, self.postgres):
            if engine.poll() is not None:
                engine.start()


@pytest.fixture(scope="module")
def installation():
    own_installation = Installation()
    yield own_installation
    own_installation.mend()
    own_installation.database.dispose()
    own_installation.stop()


@pytest.fixture
def city(installation):
    installation.mend()
    return installation


@pytest.fixture
def stand(city):
    return Newsstand(city.database, city.settings.redis_url)


def test_with_postgresql_killed_pages_are_shown_and_after_five_seconds_with_a_mark_until_it_is_back(city, stand):
    stand.publish("早")
    process = stand.process()
    assert process.read() == ("早", None)
    city.kill(city.postgres)
    ages = []
    for _ in range(8):
        stand.hands.at += 1
        title, age = process.later()
        ages.append(age)
        assert title == "早"
    assert ages[:4] == [None] * 4
    assert ages[5:] == [6, 7, 8]
    city.postgres.start()
    stand.hands.at += 1
    assert process.later() == ("早", None)
    stand.publish("午")
    process.shelf.publish_invalidation()
    assert process.read() == ("午", None)


def test_with_valkey_killed_a_change_is_shown_within_a_second_unmarked(city, stand):
    stand.publish("早")
    here, there = stand.process(), stand.process()
    here.read(), there.read()
    city.kill(city.valkey)
    stand.publish("午")
    here.shelf.publish_invalidation()
    assert here.read() == ("午", None)
    stand.hands.at += 1
    assert there.later() == ("午", None)
    city.valkey.start()
    stand.publish("晚")
    here.shelf.publish_invalidation()
    stand.hands.at += 1
    assert there.later() == ("晚", None)


def test_with_both_killed_what_is_in_memory_is_shown_marked_and_who_has_nothing_says_so(city, stand):
    stand.publish("早")
    process = stand.process()
    process.read()
    city.kill(city.postgres, city.valkey)
    stand.hands.at += page_cache.STALE_AFTER + 0.5
    assert process.read() == ("早", 2)
    with pytest.raises(DatabaseUnavailable):
        stand.process().read()


class Offset(Hands):
    """The machine's monotonic clock, and how far a test has moved it."""

    def __init__(self):
        self.at = 0.0

    def __call__(self):
        return time.monotonic() + self.at


@pytest.mark.slow
def test_with_postgresql_hanging_nobody_waits_for_it(city):
    stand = Newsstand(city.database, city.settings.redis_url, hands=Offset())
    stand.publish("早")
    process = stand.process()
    process.read()
    city.hang()
    try:
        for ahead in (1, 1, 1):  # up to the next time that PostgreSQL is asked
            stand.hands.at += ahead
            process.later()
        stand.hands.at += 0.9
        # while it hangs, whoever waited for it would get no answer
        with ThreadPoolExecutor(6) as pool:
            assert {title for title, _ in pool.map(lambda _: process.read(), range(1000))} == {"早"}
        stand.hands.at += page_cache.UNCONFIRMED_AFTER
        assert process.later()[1] >= page_cache.UNCONFIRMED_AFTER
    finally:
        city.hang(signal.SIGCONT)


def test_with_valkey_hanging_a_change_is_shown_all_the_same_and_nobody_waits_for_it(city, stand):
    stand.publish("早")
    process = stand.process()
    process.read()
    os.kill(city.valkey.pid, signal.SIGSTOP)
    try:
        stand.publish("午")
        stand.hands.at += 1
        ask, may_ask = process.valkey.execute_command, threading.Event()
        process.valkey.execute_command = lambda *words, **options: may_ask.wait(HANG_TIMEOUT) and ask(*words, **options)
        assert process.read() == ("早", None), "it answers before Valkey is given up"
        may_ask.set()
        assert process.later() == ("午", None)
    finally:
        os.kill(city.valkey.pid, signal.SIGCONT)


def test_apps_show_each_other_s_changes_and_one_that_just_started_shows_a_copy_while_postgresql_is_away(city):
    town = make_town(city.settings, city.directory, halls=10, zones=10)
    zone, other = town.zone(), town.zone()
    blocks = [rich_text(html="<p>" + "青岛" * 1000 + "</p>")]
    town.publish(PageKind.ZONE, zone, content(*blocks, title="早"))

    def ask(app, slug=zone):
        return app.test_client().get(f"/api/v1/zones/{slug}", headers={"Accept-Encoding": "gzip"})

    with (
        closing_pool(town.app),
        closing_pool(create_app(town.settings)) as there,
        closing_pool(create_app(town.settings)) as fresh,
        closing_pool(create_app(town.settings)) as late,
    ):
        before = ask(there)
        assert (before.status_code, before.headers["ETag"]) == (200, ask(town.app).headers["ETag"])
        town.publish(PageKind.ZONE, zone, content(*blocks, title="午"))
        wait_for(lambda: ask(there).headers["ETag"] != before.headers["ETag"])
        now = ask(town.app)
        assert ask(there).headers["ETag"] == now.headers["ETag"]
        city.kill(city.postgres)
        town.database.dispose()
        answer = ask(fresh)
        assert (answer.status_code, answer.data, answer.headers["ETag"]) == (200, now.data, now.headers["ETag"])
        assert answer.headers["Cache-Status"] == "qe-ban; hit; detail=stale"
        assert int(answer.headers["Age"]) >= 0
        assert ask(town.app).data == now.data
        assert ask(fresh, other).status_code in (404, 503)
        city.kill(city.valkey)
        refused = ask(late)
        assert (refused.status_code, refused.mimetype) == (503, "application/problem+json")
        assert refused.headers["Retry-After"]
        assert ask(town.app).data == now.data
