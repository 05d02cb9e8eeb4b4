"""Parts that die while the app serves: really killed, really hanging."""

import base64
import os
import secrets
import shutil
import signal
import tempfile
import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from qe_ban import migrations
from qe_ban.app import assemble, create_app
from qe_ban.config import Settings
from qe_ban.db.engine import Database
from qe_ban.embedded.home import Home
from qe_ban.embedded.postgres import Postgres
from qe_ban.embedded.valkey import Valkey
from qe_ban.keys import lifecycle
from qe_ban.keys.wrapping import MasterKeyWrong
from qe_ban.web.parts import part
from tests.factories.codes import Town

API = "/api/v1"


class City:
    """A whole installation of its own, whose engines a test may kill."""

    def __init__(self, directory):
        self.home = Home(directory / "home")
        self.postgres, self.valkey = Postgres(self.home, settings={"fsync": "off"}), Valkey(self.home)
        self.postgres.start()
        self.valkey.start()
        self.settings = Settings.from_env(
            {
                "QE_MODE": "sandbox",
                "QE_DATABASE_URL": self.postgres.url,
                "QE_REDIS_URL": self.valkey.url,
                "QE_MASTER_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
                "QE_ISSUER": "https://qe-ban.test",
            }
        )
        self.parts = assemble(self.settings)
        migrations.upgrade(self.parts.database.engine)
        with self.parts.database.transaction() as session:
            lifecycle.init(session, self.settings.master_key, datetime.now(UTC) - timedelta(hours=1))
        self.town = Town(self.parts)
        self.app = create_app(self.settings)
        self.client = self.app.test_client()
        self.person, self.gate = self.town.resident(), self.town.terminal("gate-entry", "campus-entry")

    def issue(self):
        return self.client.post(f"{API}/codes/identity/issue", headers=self.person.headers)

    def verify(self, code, scan_id=None):
        body = {"scan_id": scan_id or str(uuid.uuid4()), "code": code, "purpose": "gate-entry"}
        return self.client.post(f"{API}/codes/verify", json=body, headers=self.gate.headers)

    def ready(self):
        answer = self.client.get("/readyz")
        return answer.status_code, answer.get_json()["parts"]


@pytest.fixture
def city():
    directory = Path(tempfile.mkdtemp(prefix="qe-f-"))
    directory.chmod(0o755)
    made = City(directory)
    yield made
    for engine in (made.valkey, made.postgres):
        if engine.poll() is None:
            os.kill(engine.pid, signal.SIGCONT)
            engine.stop()
    made.parts.database.dispose()
    with made.app.app_context():
        part(Database).dispose()
    made.home.release()
    shutil.rmtree(made.home.run_dir, ignore_errors=True)
    shutil.rmtree(directory, ignore_errors=True)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_with_postgresql_killed_scanners_get_503_and_after_it_is_back_the_same_scan_is_judged_once(city):
    code, scan_id = city.issue().get_json()["code"], str(uuid.uuid4())
    assert city.verify(code).get_json()["reason"] == "ok"
    os.kill(city.postgres.pid, signal.SIGKILL)
    # its backends live on for a moment, and answer rightly
    while (answer := city.verify(code)).status_code != 503:
        assert answer.get_json()["reason"] == "ok"
    for _ in range(3):
        answer = city.verify(code, scan_id)
        assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")
        assert int(answer.headers["Retry-After"]) >= 1
        assert answer.get_json()["code"] == "database_unavailable"
    assert city.issue().status_code == 503
    assert city.client.get("/healthz").status_code == 200
    assert city.ready()[0] == 503
    assert city.ready()[1]["postgresql"] == "failed"
    city.postgres.start()
    told = [city.verify(code, scan_id).get_json() for _ in range(2)]
    assert [(verdict["reason"], verdict["repeat"]) for verdict in told] == [("ok", False), ("ok", True)]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_with_valkey_killed_everything_goes_on_and_limits_hold_tighter(city):
    os.kill(city.valkey.pid, signal.SIGKILL)
    code = city.issue().get_json()["code"]
    assert city.verify(code).get_json()["reason"] == "ok"
    statuses = [city.issue().status_code for _ in range(14)]
    assert 200 in statuses
    assert 429 in statuses, "half of twenty a minute"
    signed_in = city.client.post(f"{API}/auth/otp", json={"phone": city.person.phone})
    assert signed_in.status_code == 202
    assert city.ready() == (200, {"postgresql": "ok", "keys": "ok", "valkey": "failed", "worker": "failed"})
    city.valkey.start()
    assert city.ready()[1]["valkey"] == "ok"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_with_valkey_hanging_an_answer_waits_once_and_not_each_time(city):
    os.kill(city.valkey.pid, signal.SIGSTOP)
    started = time.monotonic()
    assert {city.issue().status_code for _ in range(5)} == {200}
    assert time.monotonic() - started < 5 * 0.6, "the wait is a quarter of a second, once a second"


def test_a_master_key_that_is_another_says_so_and_opens_nothing(city):
    parts = assemble(replace(city.settings, master_key=secrets.token_bytes(32)))
    with pytest.raises(MasterKeyWrong, match="master key"):
        parts.rings.snapshot()
    parts.database.dispose()
