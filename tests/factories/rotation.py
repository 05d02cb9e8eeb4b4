"""A city under load while its keys rotate: two processes' worth of apps, threads that issue, verify, look up, write."""

import base64
import secrets
import threading
import time
import traceback
import uuid
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from click.testing import CliRunner
from sqlalchemy import select

from qe_ban import migrations
from qe_ban.accounts.service import Accounts, clients, residents, seed_resident
from qe_ban.app import assemble, create_app
from qe_ban.cli.installation import Installation
from qe_ban.cli.root import cli
from qe_ban.config import Limits
from qe_ban.db.engine import Database
from qe_ban.kernel.identifiers import IdType
from qe_ban.keys import lifecycle, rewrapping
from qe_ban.keys.models import Key
from qe_ban.web.parts import part
from tests.factories.accounts import FACE_PROOF, ClientKey, PersonFactory, bearer, sign_in
from tests.factories.codes import Town
from tests.factories.databases import another

API = "/api/v1"
POLL_SECONDS = 2.3
"""Seconds after which every process has read the keys anew."""
EARLIER = timedelta(seconds=lifecycle.PUBLISHED_AHEAD.total_seconds() - 3)
"""How much earlier a rotation is said to be, so that a test waits three seconds for the new key and not ten."""
WIDE = Limits(otp_per_phone=10**4, otp_per_address=10**6, issue_per_minute=10**5, tries_per_address=10**6)


def utc():
    return datetime.now(UTC)


class Rotating:
    """An installation with two apps, each with keys of its own memory, as two worker processes have."""

    def __init__(self, settings, name, **more):
        self.settings = replace(another(settings, name), limits=WIDE, threads=4, **more)
        self.parts = [assemble(self.settings, pool=8) for _ in range(2)]
        self.database = self.parts[0].database
        migrations.upgrade(self.database.engine)
        with self.database.transaction() as session:
            lifecycle.init(session, self.settings.master_key, utc() - timedelta(hours=1))
        self.installation = Installation(self.database, self.parts[0].rings, self.settings)
        self.town = Town(self.parts[0])
        self.apps = [create_app(self.settings) for _ in range(2)]
        self.here, self.there = (app.test_client() for app in self.apps)
        self.person = self.town.resident()
        self.gate = self.town.terminal("gate-entry", "campus-entry")
        self.canteens = [self.town.terminal("meal-redemption") for _ in range(2)]
        self.people = [self.settle(self.parts[0].get(Accounts)) for _ in range(20)]
        self.counts, self.failures = Counter(), []

    def close(self):
        for parts in self.parts:
            parts.database.dispose()
        for app in self.apps:
            with app.app_context():
                part(Database).dispose()

    def qe(self, *words, **env):
        """Run the command on this installation."""
        return CliRunner().invoke(cli, [str(word) for word in words], env=self.env() | env, prog_name="qe-ban")

    def env(self):
        """The variables with which a command finds this installation."""
        keys = {"QE_MASTER_KEY": self.settings.master_key, "QE_MASTER_KEY_NEXT": self.settings.master_key_next}
        variables = {name: base64.b64encode(key).decode() for name, key in keys.items() if key}
        keys_at = str(self.settings.data_keys_dir)
        return variables | {"QE_DATABASE_URL": self.settings.database_url, "QE_DATA_KEYS_DIR": keys_at}

    def rotate(self, ring, *, rotating=lifecycle.rotate):
        """Add a key that is used in three seconds; gives the kids before and the new one."""
        settings = self.settings
        with self.database.transaction() as session:
            before = session.scalars(select(Key.kid).where(Key.ring == ring, Key.wrapped.is_not(None))).all()
            master = rewrapping.master_for_new(session, settings.master_key, settings.master_key_next)
            new = rotating(session, master, ring, utc() - EARLIER)
        return before, new

    def settle(self, accounts):
        """Make somebody with a phone and a confirmed name."""
        person = PersonFactory()
        with self.database.transaction() as session:
            return seed_resident(accounts, session, phone=person.phone, said=person.real_name(), now=utc()), person

    # what the threads do, each again and again

    def issue_and_verify(self, _n):
        code = self.here.post(f"{API}/codes/identity/issue", headers=self.person.headers)
        assert code.status_code == 200, code.get_data(as_text=True)
        scan_id = str(uuid.uuid4())
        body = {"scan_id": scan_id, "code": code.get_json()["code"], "purpose": "gate-entry"}
        answer = self.there.post(f"{API}/codes/verify", json=body, headers=self.gate.headers)
        assert answer.get_json().get("reason") == "ok", answer.get_data(as_text=True)
        ledger = self.here.get(f"{API}/codes/ledger?limit=100", headers=self.person.headers)
        assert scan_id in ledger.get_data(as_text=True), ledger.status_code

    def eat_once(self, n):
        person = self.town.resident(born=f"{1950 + secrets.randbelow(50)}0{1 + secrets.randbelow(9)}1{n % 10}")
        codes = [
            client.post(f"{API}/codes/dining/issue", headers=person.headers).get_json()["code"]
            for client in (self.here, self.there)
        ]
        verdicts = []

        def scan(k):
            body = {"scan_id": str(uuid.uuid4()), "code": codes[k], "purpose": "meal-redemption"}
            client = (self.here, self.there)[(k + n) % 2]
            verdicts.append(client.post(f"{API}/codes/verify", json=body, headers=self.canteens[k].headers).get_json())

        both = [threading.Thread(target=scan, args=(k,)) for k in range(2)]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
        assert sorted(one["reason"] for one in verdicts) == ["ok", "used"], verdicts

    def sign_in(self, _n):
        phone = self.settle(self.parts[0].get(Accounts))[1].phone
        otp = self.here.post(f"{API}/auth/otp", json={"phone": phone}).get_json()
        grant = {"grant_type": "otp", "phone": phone, "challenge": otp["challenge"], "otp": otp["otp"]}
        tokens = self.there.post(f"{API}/auth/token", json=grant).get_json()
        first = self.here.get(f"{API}/me", headers=bearer(tokens["access_token"])).get_json()
        step_up = self.here.post(
            f"{API}/auth/step-up", json={"method": "face", "proof": FACE_PROOF}, headers=bearer(tokens["access_token"])
        )
        assert step_up.status_code == 200, step_up.get_data(as_text=True)
        # the answer is lost, and asked for again elsewhere
        again = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        one, two = (client.post(f"{API}/auth/token", json=again).get_json() for client in (self.here, self.there))
        assert one["refresh_token"] == two["refresh_token"], (one, two)
        second = sign_in(self.here, phone)
        assert self.there.get(f"{API}/me", headers=bearer(second["access_token"])).get_json()["id"] == first["id"]

    def look_up_and_write(self, n):
        mine, other = self.parts[n % 2], self.parts[1 - n % 2]
        own_id, person = self.settle(mine.get(Accounts))
        for resident_id, who in ((own_id, person), self.people[n % len(self.people)]):
            with other.database.transaction() as session:
                by_phone = residents.by_phone(other.rings, session, who.phone)
                by_number = residents.by_id_number(other.rings, session, IdType.RESIDENT_ID, who.id_number)
                assert by_phone is not None
                assert by_phone is by_number
                assert by_phone.id == resident_id
                assert residents.name_of(other.rings, by_phone) == who.name

    def prove(self, n):
        key = ClientKey()
        nonce = clients.nonce(self.parts[n % 2].get(Accounts), utc())
        with self.database.transaction() as session:
            accounts = self.parts[1 - n % 2].get(Accounts)
            clients.check_proof(accounts, session, jwk=key.jwk, proof=key.proof(nonce, self.settings.issuer), now=utc())

    @contextmanager
    def load(self):
        """Do all of it in threads for the length of the block; afterwards nothing may have failed."""
        work = (self.issue_and_verify, self.eat_once, self.sign_in, self.look_up_and_write, self.prove)
        self.counts, self.failures, stop = Counter(), [], threading.Event()

        def run(one):
            for n in range(10**9):
                if stop.is_set():
                    return
                try:
                    one(n)
                except Exception:  # noqa: BLE001 - whatever it is, it is a failure
                    self.failures.append(traceback.format_exc())
                self.counts[one.__name__] += 1

        threads = [threading.Thread(target=run, args=(one,)) for one in work]
        for thread in threads:
            thread.start()
        try:
            time.sleep(0.3)
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert not self.failures, f"{len(self.failures)} failed of {self.counts}: {self.failures[0]}"
        assert min(self.counts[one.__name__] for one in work) >= 5, self.counts


@contextmanager
def rotating(settings, name, **more):
    city = Rotating(settings, name, **more)
    try:
        yield city
    finally:
        city.close()
