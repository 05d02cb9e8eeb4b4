"""Services that die while the app serves: really killed, really hanging."""

import os
import secrets
import signal
import uuid
from dataclasses import replace
from types import SimpleNamespace

import pytest
import redis

from qe_ban.app import assemble
from qe_ban.db import limits
from qe_ban.keys.wrapping import MasterKeyWrong
from tests.factories import cities

API = cities.API


@pytest.fixture
def city():
    with cities.city() as own_city:
        yield own_city


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
    verdicts = [city.verify(code, scan_id).get_json() for _ in range(2)]
    assert [(verdict["reason"], verdict["repeat"]) for verdict in verdicts] == [("ok", False), ("ok", True)]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_with_valkey_killed_everything_goes_on_and_limits_hold_tighter(city):
    os.kill(city.valkey.pid, signal.SIGKILL)
    code = city.issue().get_json()["code"]
    assert city.verify(code).get_json()["reason"] == "ok"
    # ten a minute, and twenty-one may fall into two minutes
    statuses = [city.issue().status_code for _ in range(21)]
    assert 200 in statuses
    assert 429 in statuses, "half of twenty a minute"
    signed_in = city.client.post(f"{API}/auth/otp", json={"phone": city.person.phone})
    assert signed_in.status_code == 202
    assert city.ready() == (200, {"postgresql": "ok", "keys": "ok", "valkey": "failed", "worker": "failed"})
    city.valkey.start()
    assert city.ready()[1]["valkey"] == "ok"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_with_valkey_hanging_an_answer_waits_once_and_not_each_time(city, monkeypatch):
    calls, ask = [], redis.Redis.eval
    monkeypatch.setattr(redis.Redis, "eval", lambda *words: (calls.append(words), ask(*words))[1])
    # it is left alone for a second, which is not over here
    monkeypatch.setattr(limits, "time", SimpleNamespace(monotonic=lambda: 100.0))
    os.kill(city.valkey.pid, signal.SIGSTOP)
    assert {city.issue().status_code for _ in range(5)} == {200}
    assert len(calls) == 1


def test_a_master_key_that_is_another_says_so_and_opens_nothing(city):
    parts = assemble(replace(city.settings, master_key=secrets.token_bytes(32)))
    with pytest.raises(MasterKeyWrong, match="master key"):
        parts.rings.snapshot()
    parts.database.dispose()
