"""While the directory of data keys is away nothing sealed under one is told, made or decided otherwise."""

import uuid
from dataclasses import replace

import pytest

from tests.factories.accounts import API, random_phone

AWAY = {"code": "data_keys_away", "detail": "数据密钥暂时不可用，请稍后重试"}


@pytest.fixture
def astray(make_app, settings, tmp_path):
    """Return a client of a program that does not see the directory."""
    return make_app(settings=replace(settings, data_keys_dir=tmp_path / "not-mounted")).test_client()


def test_what_opens_a_sealed_column_answers_that_it_comes_back(town, astray, tmp_path):
    answer = astray.get(f"{API}/me", headers=town.resident().headers)
    assert answer.status_code == 503
    assert AWAY.items() <= answer.get_json().items()
    assert int(answer.headers["Retry-After"]) > 0
    assert not (tmp_path / "not-mounted").exists()


def test_a_scan_that_cannot_be_answered_is_not_kept_and_the_same_again_is(town, scan, issue, astray):
    person, window, once = town.resident(), town.terminal("identity-check"), str(uuid.uuid4())
    code = issue(person)
    assert scan(window, code, "identity-check", scan_id=once, status=503, at=astray)["code"] == "data_keys_away"
    verdict = scan(window, code, "identity-check", scan_id=once)
    assert (verdict["accepted"], verdict["repeat"], verdict["holder"]) == (True, False, {"masked_name": "测*甲"})


def test_a_scan_that_discloses_nothing_needs_no_data_key(town, scan, issue, astray):
    verdict = scan(town.terminal("gate-entry"), issue(town.resident()), "gate-entry", at=astray)
    assert verdict["accepted"] is True


def test_nobody_new_is_taken_in_without_a_key(astray, client):
    phone = random_phone()
    challenge = astray.post(f"{API}/auth/otp", json={"phone": phone}).get_json()
    grant = {"grant_type": "otp", "phone": phone, "challenge": challenge["challenge"], "otp": challenge["otp"]}
    assert astray.post(f"{API}/auth/token", json=grant).get_json()["code"] == "data_keys_away"
    assert client.post(f"{API}/auth/token", json=grant).status_code == 200, "the password was not used up"
