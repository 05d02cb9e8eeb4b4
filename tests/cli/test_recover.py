"""docs/recover.md is typed as it stands: a city without database, pictures and data keys comes back from its backup."""

import shutil
import uuid
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from sqlalchemy import select

from qe_ban.accounts.service import residents
from qe_ban.app import assemble, create_app
from qe_ban.audit.service.sealing import Sealer
from qe_ban.config import Settings
from qe_ban.embedded.home import Home
from qe_ban.embedded.postgres import Postgres
from qe_ban.keys import vault, wrapping
from qe_ban.keys.models import Key, Ring
from qe_ban.keys.rings import KeyRings
from tests.cli import walks
from tests.conftest import closing_pool
from tests.factories import servers
from tests.factories.codes import Town
from tests.publishing import photos

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
SECONDS = 900
SET_UP = "umask 077\nmkdir safe\nqe-ban keys master > safe/master.key\nqe-ban keys init --roots roots\n"


class Installation:
    """A city of production settings in a directory of its own, with the account whose files these are."""

    def __init__(self, site, redis_url):
        self.site, self.directory = site, site.directory
        self.environment = {
            "QE_MASTER_KEY_FILE": str(site.path("safe/master.key")),
            "QE_MEDIA_DIR": str(site.path("media")),
            "QE_DATA_KEYS_DIR": str(site.path("data-keys")),
            "QE_ISSUER": "https://qe.example.gov.cn",
            "QE_OUTSIDE_TOKEN": "0123456789-abcdefghijklmnopqrstuvwxyz",
        } | {f"QE_{name}_URL": "https://outside.example.gov.cn/" for name in ("SMS", "REAL_NAME", "FACE")}
        self._redis_url = redis_url
        walks.prepare(self.directory)

    def walk(self, *steps):
        session = walks.walk(
            [". .venv/bin/activate", *steps],
            self.directory,
            seconds=SECONDS,
            prefix=self.site.account.prefix,
            **self.environment,
        )
        assert (session.failures, len(session.outputs)) == ([], len(steps) + 1), session.errors
        return "".join(session.outputs)

    @contextmanager
    def city(self, name):
        """Run the database of a home; yield a town in it, and a client of the product."""
        home = Home(self.directory / name)
        engine = Postgres(home)
        engine.start()
        try:
            settings = Settings.from_env(
                self.environment | {"QE_DATABASE_URL": engine.url_of("qe"), "QE_REDIS_URL": self._redis_url}
            )
            with closing_pool(create_app(settings)) as app:
                parts = assemble(settings)
                yield Town(parts), app.test_client()
                parts.database.dispose()
        finally:
            engine.stop()
            home.release()

    def lose(self, *names):
        for name in names:
            shutil.rmtree(self.directory / name)


@pytest.fixture
def installation(settings):
    with servers.site() as site:
        yield Installation(site, settings.redis_url)


def live(town, client):
    """Let a resident be scanned and an editor hand a picture in; give what must come back."""
    person, gate = town.resident(), town.terminal("identity-check")
    code = client.post("/api/v1/codes/identity/issue", headers=person.headers).json["code"]
    scan = {"scan_id": str(uuid.uuid4()), "purpose": "identity-check", "code": code}
    verdict = client.post("/api/v1/codes/verify", json=scan, headers=gate.headers).json
    assert verdict["accepted"], verdict
    headers = town.staff("editor") | {"Content-Type": "image/png"}
    picture = client.post("/api/v1/media", data=photos.png(), headers=headers).json["url"]
    # as the worker does: a web process does not unwrap the key of the audit
    rings = KeyRings(town.parts.database, town.parts.settings.master_key, sealing=True)
    Sealer(town.parts.database, rings, lambda: datetime.now(UTC)).run()
    return person, picture


def state(town, client, person, picture):
    """Return what residents, scanners and auditors rely on."""
    with town.parts.database.transaction() as session:
        row = session.get_one(residents.Resident, person.id)
        name = vault.unseal(town.parts.rings, residents.NAME, person.id, row.name_sealed)
        keys = sorted((key.ring, key.kid, key.not_before) for key in session.scalars(select(Key)))
    ledger = client.get("/api/v1/codes/ledger", headers=person.headers).json["items"]
    return {"name": name, "keys": keys, "ledger": ledger, "picture": client.get(picture).data}


def public_roots(town):
    with town.parts.database.transaction() as session:
        return {key.public["x"] for key in session.scalars(select(Key).where(Key.ring == Ring.ROOT))}


def test_a_city_comes_back_from_its_backup(installation):
    backup, restore = (block.commands for block in walks.blocks("recover.md"))
    installation.walk(SET_UP)
    with installation.city("var") as (town, client):
        person, picture = live(town, client)
        before = state(town, client, person, picture)
        installation.walk(backup)
    assert before["name"] == person.name
    assert len(before["ledger"]) == 1
    installation.lose("var", "media", "data-keys")

    serves = "qe-ban up --home restored --port 8000\n"
    assert serves in restore
    steps = restore.replace(serves, "").replace("/safe/master.key", installation.environment["QE_MASTER_KEY_FILE"])
    # each walk is a shell of its own, and the second uses what the first has set
    printed = installation.walk(backup.splitlines()[0], steps)

    assert "live" in printed
    with installation.city("restored") as (town, client):
        after = state(town, client, person, picture)
        assert after == before
        assert client.post("/api/v1/codes/identity/issue", headers=person.headers).status_code == 200
        assert public_roots(town) == {
            wrapping.public_jwk(load_pem_private_key(root.read_bytes(), None).public_key(), "x")["x"]
            for root in (installation.directory / "roots").glob("*.pem")
        }
    assert not (installation.directory / "unused").exists()
