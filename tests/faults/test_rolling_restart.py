"""A rolling restart of two installations on one database, under load behind Debian's nginx as the documents set it."""

import base64
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import urllib3
from sqlalchemy import text

from qe_ban import migrations
from qe_ban.app import assemble
from qe_ban.config import Limits
from qe_ban.keys import lifecycle
from tests.factories import servers
from tests.factories.codes import Town
from tests.factories.databases import another, wait_for_locks
from tests.factories.releases import CLEAN, REPOSITORY
from tests.factories.waits import HANG_TIMEOUT, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800), pytest.mark.xdist_group("rolling")]
START = 240.0
BACK = 5.0
"""Seconds that the documents have operators wait once a machine is ready again."""


class Machine:
    """One `qe-ban up` with a home and a port of its own."""

    def __init__(self, directory, env):
        self.port, self._env = servers.free_port(), env
        self._home, self._log = directory / f"home-{self.port}", directory / f"up-{self.port}.log"
        self.process = None

    def start(self):
        with self._log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "qe_ban.cli", "up", "--home", self._home, "--port", str(self.port)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=self._env,
            )
        return self

    def wait(self):
        wait_for(self.is_ready, lambda: self._log.read_text()[-3000:], START)

    def is_ready(self):
        assert self.process.poll() is None, self._log.read_text()[-3000:]
        try:
            return ask(self.port, "GET", "/readyz").status == 200
        except urllib3.exceptions.HTTPError:
            return False

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process and self.process.wait(HANG_TIMEOUT)


def ask(port, method, path, **more):
    pool = urllib3.PoolManager(retries=False, timeout=HANG_TIMEOUT)
    return pool.request(method, f"http://127.0.0.1:{port}{path}", **more)


class City:
    """Two machines, somebody with codes, and a gate that scans them."""

    def __init__(self, settings, directory):
        limits = Limits(issue_per_minute=10**6, tries_per_address=10**6, otp_per_address=10**6)
        self.settings = replace(another(settings, "rolling"), issuer="https://qe.example.gov.cn", limits=limits)
        self.parts = assemble(self.settings)
        migrations.upgrade(self.parts.database.engine)
        with self.parts.database.transaction() as session:
            lifecycle.init(session, self.settings.master_key, datetime.now(UTC) - timedelta(hours=1))
        town = Town(self.parts)
        self.person, self.gate = town.resident(), town.terminal("gate-entry")
        env = {
            "QE_DATABASE_URL": self.settings.database_url,
            "QE_REDIS_URL": self.settings.redis_url,
            "QE_MASTER_KEY": base64.b64encode(self.settings.master_key).decode(),
            "QE_ISSUER": self.settings.issuer,
            "QE_MEDIA_DIR": str(self.settings.media_dir),
            "QE_DATA_KEYS_DIR": str(self.settings.data_keys_dir),
            "QE_OUTSIDE_TOKEN": "0123456789-abcdefghijklmnopqrstuvwxyz",
            "QE_WORKERS": "1",
            "QE_ISSUE_PER_MINUTE": "1000000",
            "PYTHONPATH": str(REPOSITORY),
        }
        env |= {f"QE_{name}_URL": "https://outside.example.gov.cn/" for name in ("SMS", "REAL_NAME", "FACE")}
        self.machines = [Machine(directory, CLEAN | env).start() for _ in range(2)]

    def close(self):
        for machine in self.machines:
            machine.stop()
        self.parts.database.dispose()


@pytest.fixture(scope="module")
def city(settings, tmp_path_factory):
    servers.require_program("nginx")
    own_city = City(settings, tmp_path_factory.mktemp("rolling"))
    try:
        for machine in own_city.machines:
            machine.wait()
        yield own_city
    finally:
        own_city.close()


@pytest.fixture
def nginx(city):
    """Give the port of an nginx with the documents' own block, but for addresses and TLS."""
    document = (Path(REPOSITORY) / "docs/install.md").read_text("utf-8")
    block = re.search(r"```nginx\n(.*?)```", document, re.DOTALL)[1]
    port = servers.free_port()
    for machine, server in zip(city.machines, re.findall(r"server (10\.\S+)", block), strict=True):
        block = block.replace(server, f"127.0.0.1:{machine.port}")
    block = re.sub(r" *ssl_\w+ .*\n", "", block.replace("listen 443 ssl;", f"listen 127.0.0.1:{port};"))
    with servers.site() as site:
        places = " ".join(
            f"{name}_temp_path {site.directory}/{name};"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        text_ = f"pid {site.directory}/pid; daemon off; worker_processes 1; events {{ worker_connections 512; }}\n"
        config = site.path("nginx.conf", f"{text_}http {{ access_log off; {places}\n{block}\n}}\n")
        nginx = servers.require_program("nginx")
        site.start("nginx", nginx, "-c", config, "-p", site.directory, "-e", site.path("error.log"))
        wait_for(lambda: servers.answers(port), lambda: site.log("nginx"))
        yield port


class Load:
    """Residents who look and show codes, and a gate that scans them, each waiting for its answer; counts them."""

    def __init__(self, city, port):
        self._city, self._port = city, port
        self.answers, self._stop = Counter(), threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(6)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(HANG_TIMEOUT)

    def _run(self, number):
        pool = urllib3.HTTPConnectionPool("127.0.0.1", self._port, maxsize=1, retries=False, timeout=HANG_TIMEOUT)
        while not self._stop.is_set():
            try:
                if number % 3 == 0:
                    self._count("look", pool.request("GET", "/api/v1/halls/city"))
                else:
                    self._scan(pool)
            except urllib3.exceptions.HTTPError as error:
                self.answers["lost", type(error).__name__] += 1
            time.sleep(0.01)

    def _scan(self, pool):
        issued = pool.request("POST", "/api/v1/codes/identity/issue", headers=self._city.person.headers)
        if self._count("issue", issued):
            body = {"scan_id": str(uuid.uuid4()), "code": issued.json()["code"], "purpose": "gate-entry"}
            answer = pool.request("POST", "/api/v1/codes/verify", headers=self._city.gate.headers, json=body)
            if self._count("verify", answer):
                self.answers["verdict", answer.json()["reason"], answer.json()["repeat"]] += 1

    def _count(self, what, answer):
        self.answers[what, answer.status] += 1
        return answer.status == 200


def test_a_rolling_restart_loses_no_call(city, nginx):
    with Load(city, nginx) as load:
        time.sleep(1)
        for machine in city.machines:
            assert machine.stop() == 0
            time.sleep(1)
            machine.start().wait()
            time.sleep(BACK)
    kinds = {("look", 200), ("issue", 200), ("verify", 200), ("verdict", "ok", False)}
    assert set(load.answers) == kinds, load.answers
    assert min(load.answers.values()) > 20


def test_what_was_accepted_is_answered_when_the_end_is_asked_for(city):
    machine, answers = city.machines[0], []

    def look():
        answer = ask(machine.port, "GET", "/api/v1/codes", headers=city.person.headers)
        answers.append((answer.status, answer.headers.get("Connection")))

    threads = [threading.Thread(target=look) for _ in range(4)]
    with city.parts.database.transaction() as session:
        session.execute(text("LOCK TABLE entitlements IN ACCESS EXCLUSIVE MODE"))
        for thread in threads:
            thread.start()
        wait_for_locks(city.parts.database, 4)
        machine.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
    for thread in threads:
        thread.join(HANG_TIMEOUT)
    assert answers == [(200, "close")] * 4
    assert machine.process.wait(HANG_TIMEOUT) == 0
    machine.start().wait()
