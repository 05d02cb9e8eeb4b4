"""Another city is another file: one with three kinds serves, and residents who are there get the kinds that it adds."""

import json
from dataclasses import replace
from importlib import resources

import pytest

API = "/api/v1/codes"
QINGDAO = (resources.files("qe_ban") / "data" / "qingdao.json").read_text("utf-8")


@pytest.fixture
def city_of(make_app, settings, tmp_path):
    """Return a client of a city that has only these kinds."""

    def make(*kinds):
        data = json.loads(QINGDAO)
        data["kinds"] = [row for row in data["kinds"] if row["slug"] in kinds]
        data["purposes"] = [row for row in data["purposes"] if set(row["kinds"]) <= set(kinds)]
        file = tmp_path / f"{'-'.join(kinds)}.json"
        file.write_text(json.dumps(data), "utf-8")
        return make_app(settings=replace(settings, city_file=file)).test_client()

    return make


def kinds_in_wallet(client, person):
    return [card["kind"] for card in client.get(API, headers=person.headers).get_json()["items"]]


def issued(client, person, kind):
    return client.post(f"{API}/{kind}/issue", headers=person.headers)


def test_a_city_with_three_kinds_shows_issues_and_verifies_these(city_of, town, scan):
    client, person = city_of("identity", "health", "dining"), town.resident()
    assert kinds_in_wallet(client, person) == ["identity", "health", "dining"]
    code = issued(client, person, "identity").get_json()["code"]
    verdict = scan(town.terminal("gate-entry"), code, "gate-entry", at=client)
    assert (verdict["accepted"], verdict["kind"]) == (True, "identity")


def test_a_kind_that_the_city_does_not_have_is_not_issued_alone_or_with_others(city_of, town):
    client, person = city_of("identity", "health", "dining"), town.resident()
    together = client.post(f"{API}/issue", json={"kinds": ["identity", "medical"]}, headers=person.headers)
    for answer in (issued(client, person, "medical"), together):
        assert (answer.status_code, answer.get_json()["code"]) == (404, "codes.unknown_kind")


def test_residents_who_are_there_already_get_a_kind_that_the_file_adds(city_of, town, scan):
    before, person = city_of("identity"), town.resident()
    assert kinds_in_wallet(before, person) == ["identity"]
    after = city_of("identity", "health")
    assert kinds_in_wallet(after, person) == ["identity", "health"]
    code = issued(after, person, "health").get_json()["code"]
    verdict = scan(town.terminal("health-check"), code, "health-check", at=after)
    assert (verdict["accepted"], verdict["health"]["level"]) == (True, "green")
