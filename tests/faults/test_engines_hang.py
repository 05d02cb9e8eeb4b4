"""Engines that hang, are full, empty or have no connection left: every answer comes in time, and then it is over."""

import socket
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import psycopg
import pytest
import redis
from sqlalchemy import text

from qe_ban.app import create_app
from qe_ban.codes.adapters import http as sources
from qe_ban.db.outage import REST, Outage
from tests.conftest import closing_pool
from tests.factories import cities
from tests.factories.cities import API
from tests.factories.codes import ALL_MEALS, INSURANCE
from tests.factories.waits import wait_for

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module")
def module_city():
    with cities.city() as own_city:
        yield own_city


@pytest.fixture
def city(module_city):
    module_city.person = module_city.town.resident()
    wait_for(lambda: module_city.issue().status_code == 200)
    return module_city


def is_problem(answer):
    return answer.mimetype == "application/problem+json" and int(answer.headers["Retry-After"]) >= 1


@pytest.mark.slow
def test_with_postgresql_hanging_everybody_is_answered_and_few_wait_in_vain(city, monkeypatch):
    code, scan_id = city.issue().get_json()["code"], str(uuid.uuid4())
    staff = city.town.staff("auditor")
    asks = [
        lambda: city.verify(code, scan_id),
        city.issue,
        lambda: city.client.post(f"{API}/auth/otp", json={"phone": city.person.phone}),
        lambda: city.client.get(f"{API}/codes", headers=city.person.headers),
        lambda: city.client.get(f"{API}/codes/ledger", headers=city.person.headers),
        lambda: city.client.get(f"{API}/audit", headers=staff),
        lambda: city.client.get(f"{API}/items", query_string={"q": "社保"}),
        lambda: city.client.get("/readyz"),
    ]
    hangs, report = [], Outage.report_hang
    monkeypatch.setattr(Outage, "report_hang", lambda outage: (hangs.append(outage), report(outage)))
    # all answers come while it still hangs
    with cities.freeze(city.postgres):
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda ask: ask(), asks * 2))
        assert {answer.status_code for answer in answers} == {503}
        assert all(is_problem(answer) for answer in answers if "parts" not in answer.get_json())
        assert hangs, "those who are there wait in vain"
        hangs.clear()
        began = time.monotonic()
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda ask: ask(), asks[:2] * 8))
        assert {answer.status_code for answer in answers} == {503}
        assert len(hangs) <= 1 + (time.monotonic() - began) / REST, "after each rest one tries, and nobody else"
        assert city.client.get("/healthz").status_code == 200
    wait_for(lambda: city.verify(code, scan_id).status_code == 200)
    first, again = (city.verify(code, scan_id).get_json() for _ in range(2))
    assert first["reason"] in {"ok", "expired"}
    assert (again["reason"], again["repeat"]) == (first["reason"], True)
    with city.parts.database.transaction() as session:
        count = session.execute(text("SELECT count(*) FROM scans WHERE scan_id = :id"), {"id": scan_id})
        assert count.scalar_one() == 1


@pytest.mark.slow
def test_with_no_connection_left_those_who_have_one_go_on_and_the_others_are_refused(city):
    code, path = city.issue().get_json()["code"], f"{API}/codes/identity/issue"
    with closing_pool(create_app(city.settings)) as running, closing_pool(create_app(city.settings)) as newcomer:
        # a process of its own, which has polled its keys just now
        old, new = running.test_client(), newcomer.test_client()
        assert old.post(path, headers=city.person.headers).status_code == 200
        with ExitStack() as stack:
            with pytest.raises(psycopg.OperationalError):  # noqa: PT012
                for _ in range(1000):
                    stack.enter_context(psycopg.connect(city.postgres.url))
            body = {"scan_id": str(uuid.uuid4()), "code": code, "purpose": "gate-entry"}
            assert old.post(f"{API}/codes/verify", json=body, headers=city.gate.headers).get_json()["reason"] == "ok"
            answer = new.post(path, headers=city.person.headers)
            assert (answer.status_code, is_problem(answer)) == (503, True)
        wait_for(lambda: new.post(path, headers=city.person.headers).status_code == 200)


def test_with_valkey_full_everything_goes_on_and_limits_hold_tighter(city):
    with valkey(city) as engine:
        before = {name: engine.config_get(name)[name] for name in ("maxmemory", "maxmemory-policy")}
        engine.config_set("maxmemory", "1")
        engine.config_set("maxmemory-policy", "noeviction")
        try:
            code = city.issue().get_json()["code"]
            assert city.verify(code).get_json()["reason"] == "ok"
            # twenty-one may fall into two minutes
            statuses = [city.issue().status_code for _ in range(21)]
            assert 429 in statuses, "half of twenty a minute"
            assert city.client.get(f"{API}/items", query_string={"q": "社保"}).status_code == 200
        finally:
            for name, value in reversed(before.items()):
                engine.config_set(name, value)


def test_with_valkey_emptied_everything_goes_on_and_limits_count_anew(city):
    with valkey(city) as engine:
        # twenty a minute, and these may fall into two minutes
        assert 429 in [city.issue().status_code for _ in range(41)]
        engine.flushall()
        # it may rest still from the test before, and count in PostgreSQL
        wait_for(lambda: city.issue().status_code == 200)
        assert 429 in [city.issue().status_code for _ in range(41)]


def valkey(city):
    return redis.Redis.from_url(city.valkey.url)


class Silent:
    """A source that takes connections and answers nothing."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.connections, self.ends = [], False
        self.thread = threading.Thread(target=self._take, daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.socket.getsockname()[1]}/"

    def _take(self):
        while not self.ends:
            try:
                self.connections.append(self.socket.accept()[0])
            except OSError:
                return

    def close(self):
        self.ends = True
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()
        for one in self.connections:
            one.close()


def test_with_a_source_hanging_it_is_left_alone_and_a_right_is_never_guessed(city, monkeypatch):
    monkeypatch.setattr(sources, "time", SimpleNamespace(monotonic=lambda: 100.0))
    source, age = Silent(), timedelta(minutes=5)
    outside = replace(city.settings.outside, sources={"medical": source.url, "dining": source.url}, token="t")
    till, window = city.town.terminal("settlement"), city.town.terminal("meal-redemption")
    city.town.keep_answer(city.person, "medical", detail=INSURANCE, age=age)
    city.town.keep_answer(city.person, "dining", detail=ALL_MEALS, age=age)
    with closing_pool(create_app(replace(city.settings, outside=outside))) as app:
        client = app.test_client()

        def scan(kind, terminal, purpose):
            code = city.issue(kind).get_json()["code"]
            body = {"scan_id": str(uuid.uuid4()), "code": code, "purpose": purpose}
            return client.post(f"{API}/codes/verify", json=body, headers=terminal.headers).get_json()["reason"]

        # it answers none of them, and each scan is answered
        assert [scan("medical", till, "settlement") for _ in range(5)] == ["stale_ok"] * 5
        assert scan("dining", window, "meal-redemption") == "stale", "a meal is given on the word of now only"
        wait_for(lambda: len(source.connections) >= sources.FAILURES + 1)
        assert len(source.connections) == sources.FAILURES + 1, "after three failures nobody waits for it"
        assert client.get(f"{API}/codes", headers=city.person.headers).status_code == 200
    source.close()
