"""No health code passes where its level is not told: which purposes take one, and what a repeat says."""

import json
from dataclasses import replace
from datetime import timedelta
from importlib import resources

import pytest

from qe_ban.accounts.rules import SCANNER
from qe_ban.accounts.service import Accounts, tokens
from qe_ban.codes.rules.labels import FIELD_NAMES
from qe_ban.codes.service.disclosing import DISCLOSED_BY
from qe_ban.kernel import city, city_file
from qe_ban.kernel.principal import PrincipalKind

CITY = city_file.parse((resources.files("qe_ban") / "data" / "qingdao.json").read_text("utf-8"))
TAKE_HEALTH = ["health-check", "community-health-check", "campus-health-check"]


def red(town):
    person = town.resident()
    town.record(person, "health", detail={"level": "red"}, expires_at=town.now + timedelta(days=14))
    return person


def test_every_field_of_a_city_can_be_disclosed():
    assert {*DISCLOSED_BY, city.LEVEL_FIELD} == city.DISCLOSABLE
    assert set(FIELD_NAMES) == city.DISCLOSABLE


@pytest.mark.parametrize("purpose", sorted(CITY.purposes))
def test_a_red_health_code_is_told_or_refused_whatever_the_purpose(town, scan, issue, purpose):
    verdict = scan(town.terminal(purpose), issue(red(town), "health"), purpose)
    if purpose in TAKE_HEALTH:
        assert (verdict["reason"], verdict["health"]["level"]) == ("ok", "red")
        assert set(verdict["holder"]) == {"masked_name"}
    else:
        assert (verdict["accepted"], verdict["reason"]) == (False, "kind_not_accepted")
        assert "health" not in verdict


def test_community_entry_still_takes_identity(town, scan, issue):
    assert scan(town.terminal("community-entry"), issue(red(town)), "community-entry")["reason"] == "ok"


@pytest.mark.parametrize("detail", [{}, {"level": None}, {"level": 2}, {"level": "blue"}, {"level": ["red"]}], ids=str)
def test_an_active_answer_without_a_level_is_stale(town, scan, issue, detail):
    person = town.resident()
    code = issue(person, "health")
    town.record(person, "health", detail=detail)
    verdict = scan(town.terminal("health-check"), code, "health-check")
    assert (verdict["accepted"], verdict["reason"]) == (False, "stale")


def test_a_repeat_that_may_no_longer_tell_the_level_is_not_accepted(town, scan, issue, make_app):
    person, desk, scan_id = red(town), town.terminal("health-check"), "0197a5a4-0000-7000-8000-00000000a001"
    code = issue(person, "health")
    assert scan(desk, code, "health-check", scan_id=scan_id)["health"]["level"] == "red"
    assert scan(desk, code, "health-check", scan_id=scan_id)["health"]["level"] == "red"
    later = town.now + timedelta(minutes=11)
    desk.access = tokens.access(
        town.parts.get(Accounts),
        kind=PrincipalKind.SCANNER,
        subject=desk.id,
        session=desk.id,
        scopes=SCANNER,
        now=later,
    ).access
    again = scan(desk, code, "health-check", scan_id=scan_id, at=make_app(lambda: later).test_client())
    assert (again["accepted"], again["reason"], again["repeat"], again["holder"]) == (False, "stale", True, {})
    assert "health" not in again


def test_a_repeat_says_no_acceptance_once_the_code_is_suspended(town, scan, issue, client):
    person, desk, scan_id = red(town), town.terminal("health-check"), "0197a5a4-0000-7000-8000-00000000a002"
    code = issue(person, "health")
    assert scan(desk, code, "health-check", scan_id=scan_id)["accepted"]
    assert client.post("/api/v1/codes/health/suspend", headers=person.headers).status_code == 200
    again = scan(desk, code, "health-check", scan_id=scan_id)
    assert (again["accepted"], again["reason"], again["holder"]) == (False, "stale", {})


def test_the_fields_of_a_document_and_a_phone_are_disclosed_where_a_city_s_purpose_says_so(
    town, scan, issue, settings, make_app, tmp_path
):
    data = json.loads((resources.files("qe_ban") / "data" / "qingdao.json").read_text("utf-8"))
    next(row for row in data["purposes"] if row["slug"] == "window-acceptance")["fields"] = ["id_type", "phone"]
    path = tmp_path / "city.json"
    path.write_text(json.dumps(data), "utf-8")
    person, desk = town.resident(), town.terminal("window-acceptance")
    at = make_app(settings=replace(settings, city_file=path)).test_client()
    verdict = scan(desk, issue(person), "window-acceptance", at=at)
    assert verdict["holder"] == {"id_type": "resident_id", "phone": person.phone}
