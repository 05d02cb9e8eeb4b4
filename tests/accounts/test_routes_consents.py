"""Consents are given and taken back at will, and when is never forgotten."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise

import pytest

from qe_ban.accounts import service
from qe_ban.accounts.models import Consent
from qe_ban.db import overlaps
from qe_ban.db.retention import Period
from qe_ban.kernel.clock import system_clock
from tests.factories.accounts import API, together
from tests.factories.codes import turn_over
from tests.factories.databases import wait_for_locks
from tests.factories.endings import DAYS
from tests.factories.waits import HANG_TIMEOUT
from tests.factories.wards import acts_of, custody

CONSENTS, PURPOSE = f"{API}/me/consents", "social-enquiry"


@pytest.fixture
def resident(city):
    return city.resident().step_up()


@pytest.fixture
def call(client, resident):
    return lambda method, path="", who=resident: client.open(f"{CONSENTS}{path}", method=method, headers=who.headers)


def history(call):
    return [event["state"] for event in call("GET", "/history").get_json()["items"]]


def test_a_consent_is_taken_back_and_given_again(call):
    given = call("PUT", f"/{PURPOSE}").get_json()
    assert (given["state"], given["withdrawn_at"]) == ("granted", None)
    back = call("DELETE", f"/{PURPOSE}")
    assert back.status_code == 200
    assert (back.get_json()["state"], back.get_json()["granted_at"]) == ("withdrawn", None)
    assert back.get_json()["withdrawn_at"] is not None
    assert call("GET").get_json()["items"] == [back.get_json()]
    assert call("PUT", f"/{PURPOSE}").get_json()["state"] == "granted"
    assert history(call) == ["granted", "withdrawn", "granted"]


def test_repeats_change_nothing_and_are_no_history(call):
    for method in ("PUT", "DELETE"):
        first = call(method, f"/{PURPOSE}").get_json()
        assert call(method, f"/{PURPOSE}").get_json() == first
    assert history(call) == ["withdrawn", "granted"]


def test_the_history_is_paged_newest_first(call):
    for method in ("PUT", "DELETE", "PUT"):
        call(method, f"/{PURPOSE}")
    first = call("GET", "/history?limit=2").get_json()
    second = call("GET", f"/history?limit=2&cursor={first['next']}").get_json()
    assert [event["state"] for event in first["items"] + second["items"]] == ["granted", "withdrawn", "granted"]
    assert (second["next"], first["items"][0]["name"]) == (None, "社保查询")
    for query in ("cursor=AAAA", "cursor=WyJ4Il0", "limit=101", "purpose=x"):
        assert call("GET", f"/history?{query}").status_code == 422


@pytest.mark.parametrize(
    ("purpose", "status", "code"),
    [
        ("no-such", 404, "accounts.purpose_not_found"),
        ("identity-check", 409, "accounts.consent_not_needed"),
        (PURPOSE, 404, "accounts.consent_not_found"),
        ("' OR 1=1 --", 404, "accounts.purpose_not_found"),
        ("%00", 404, "not_found"),
        ("x" * 129, 404, "not_found"),
    ],
)
def test_what_was_never_given_is_not_taken_back(call, purpose, status, code):
    answer = call("DELETE", f"/{purpose}")
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert history(call) == []


def test_consents_of_others_are_neither_seen_nor_touched(call, city):
    other = city.resident().step_up()
    call("PUT", f"/{PURPOSE}", other)
    assert call("DELETE", f"/{PURPOSE}").status_code == 404
    assert history(call) == []
    assert call("GET", who=other).get_json()["items"][0]["state"] == "granted"


def test_without_a_face_check_nothing_is_taken_back(client, city):
    visitor = city.visitor()
    for method, path in (("DELETE", PURPOSE), ("GET", "history")):
        answer = client.open(f"{CONSENTS}/{path}", method=method, headers=visitor.headers)
        assert (answer.status_code, answer.get_json()["code"]) == (403, "step_up_required")


def test_grants_and_withdrawals_at_once_leave_a_history_that_fits(city, resident, call):
    def act(number):
        method = "PUT" if number % 2 else "DELETE"
        return city.client.open(f"{CONSENTS}/{PURPOSE}", method=method, headers=resident.headers)

    call("PUT", f"/{PURPOSE}")
    assert {answer.status_code for answer in together(8, act)} == {200}
    told = history(call)
    assert told[0] == call("GET").get_json()["items"][0]["state"]
    assert all(one != other for one, other in pairwise(told)), "each event is a change"


@pytest.mark.parametrize("overlap", [False, True], ids=["written by the worker", "written at once"])
def test_who_agrees_while_an_old_request_is_forgotten_has_agreed(city, resident, call, database, monkeypatch, overlap):
    monkeypatch.setattr(overlaps, "is_over", lambda _session, _now: not overlap)
    day = system_clock() - timedelta(days=92)
    with database.transaction() as session:
        session.add(Consent(resident_id=resident.id, purpose=PURPOSE, state="requested", requested_at=day))
    [asked] = [one for one in service.ENDINGS if one.model is Consent and one.period is Period.SCANS]

    def agree():
        answer = city.client.open(f"{CONSENTS}/{PURPOSE}", method="PUT", headers=resident.headers)
        turn_over(city.database, city.rings)
        return answer.status_code

    with ThreadPoolExecutor(1) as pool, database.transaction() as session:
        assert asked.step(session, asked.before(system_clock(), DAYS)) > 0
        agreed = pool.submit(agree)
        wait_for_locks(database, 1)
        session.commit()
        assert agreed.result(HANG_TIMEOUT) == 200
    assert [row["state"] for row in call("GET").get_json()["items"]] == ["granted"]
    assert history(call) == ["granted"]


@pytest.fixture
def ward(client, come, family, parent):
    """A guardian's headers, and what `?for=` takes of a child who has no phone."""
    guardian = come(parent)
    made = client.post(f"{API}/me/wards", json=custody(family.child(parent)), headers=guardian).get_json()
    assert made["state"] == "active"
    return guardian, made["id"]


def test_a_guardian_agrees_for_a_ward_without_a_phone_and_it_is_recorded(client, database, rings, ward):
    guardian, for_ = ward

    def do(method, path=""):
        answer = client.open(f"{CONSENTS}{path}?for={for_}", method=method, headers=guardian)
        assert answer.status_code == 200, answer.get_json()
        return answer.get_json()

    assert do("PUT", f"/{PURPOSE}")["state"] == "granted"
    assert do("DELETE", f"/{PURPOSE}")["state"] == "withdrawn"
    assert [one["state"] for one in do("GET")["items"]] == ["withdrawn"]
    assert [one["state"] for one in do("GET", "/history")["items"]] == ["withdrawn", "granted"]
    assert client.get(CONSENTS, headers=guardian).get_json()["items"] == [], "the guardian's own are untouched"
    events = acts_of(database, rings, for_, system_clock() + timedelta(days=1))
    assert sorted(event.action for event in events) == ["consents.grant", "consents.withdraw"]
    assert {event.details["purpose"] for event in events} == {PURPOSE}


def test_nobody_agrees_for_another_before_or_after_acting_for_them(client, come, ward, resident):
    guardian, for_ = ward
    calls = [("GET", ""), ("GET", "/history"), ("PUT", f"/{PURPOSE}"), ("DELETE", f"/{PURPOSE}")]

    def heard(headers):
        answers = [
            client.open(f"{CONSENTS}{path}?for={for_}", method=method, headers=headers) for method, path in calls
        ]
        return {(answer.status_code, answer.get_json().get("code")) for answer in answers}

    assert heard(resident.headers) == {(404, "accounts.ward_not_found")}
    client.delete(f"{API}/me/wards/{for_}", headers=guardian)
    assert heard(guardian) == {(404, "accounts.ward_not_found")}
    for method, path in calls:
        assert client.open(f"{CONSENTS}{path}?for=me", method=method, headers=guardian).status_code == 422
