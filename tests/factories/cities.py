"""A whole installation of its own, whose engines a test may kill, stop, fill up."""

import base64
import os
import secrets
import shutil
import signal
import tempfile
import uuid
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from qe_ban import migrations
from qe_ban.app import assemble, create_app
from qe_ban.config import Settings
from qe_ban.db.engine import Database
from qe_ban.embedded.home import Home
from qe_ban.embedded.postgres import Postgres
from qe_ban.embedded.valkey import Valkey
from qe_ban.keys import lifecycle
from qe_ban.web.parts import part
from tests.factories.codes import Town

API = "/api/v1"


class City:
    """Engines, keys, an app with a client, a resident and a gate."""

    def __init__(self, directory, **env):
        self.home = Home(directory / "home")
        # what is committed outlives a killed server without it
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
                "QE_DATA_KEYS_DIR": str(directory / "data-keys"),
                **env,
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

    def issue(self, kind="identity"):
        return self.client.post(f"{API}/codes/{kind}/issue", headers=self.person.headers)

    def verify(self, code, scan_id=None, *, terminal=None, purpose="gate-entry"):
        body = {"scan_id": scan_id or str(uuid.uuid4()), "code": code, "purpose": purpose}
        return self.client.post(f"{API}/codes/verify", json=body, headers=(terminal or self.gate).headers)

    def ready(self):
        answer = self.client.get("/readyz")
        return answer.status_code, answer.get_json()["parts"]

    def close(self):
        for engine in (self.valkey, self.postgres):
            if engine.poll() is None:
                os.kill(engine.pid, signal.SIGCONT)
                engine.stop()
        self.parts.database.dispose()
        with self.app.app_context():
            part(Database).dispose()
        self.home.release()
        shutil.rmtree(self.home.run_dir, ignore_errors=True)


@contextmanager
def freeze(postgres):
    """Let a PostgreSQL with all its backends hang for the time of the block."""
    children = Path(f"/proc/{postgres.pid}/task/{postgres.pid}/children").read_text().split()
    pids = [postgres.pid, *map(int, children)]
    _send(pids, signal.SIGSTOP)
    try:
        yield
    finally:
        _send(pids, signal.SIGCONT)


def _send(pids, number):
    for pid in pids:
        # a backend may have just ended
        with suppress(ProcessLookupError):
            os.kill(pid, number)


@contextmanager
def city(**env):
    """Give a city in a temporary directory."""
    directory = Path(tempfile.mkdtemp(prefix="qe-f-"))
    directory.chmod(0o755)
    own_city = City(directory, **env)
    try:
        yield own_city
    finally:
        own_city.close()
        shutil.rmtree(directory, ignore_errors=True)
