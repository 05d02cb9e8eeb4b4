"""Acting for others over HTTP: both sides and the window, what is refused, and a code that is shown as it ends."""

import threading
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest

from qe_ban.accounts import errors, service
from qe_ban.accounts.models import RefreshFamily
from qe_ban.accounts.rules import STEPPED_UP
from qe_ban.accounts.service import tokens
from qe_ban.app import assemble
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import PrincipalKind
from qe_ban.web.parts import part
from tests.factories.accounts import API, FACE_PROOF, PersonFactory, bearer, sign_in, step_up, together
from tests.factories.codes import Town
from tests.factories.waits import HANG_TIMEOUT
from tests.factories.wards import CASE, Family, custody, wish

WARDS, GUARDIANS, WINDOW = f"{API}/me/wards", f"{API}/me/guardians", f"{API}/guardianships"


@pytest.fixture
def family(app, database, register, now):
    """The family in the app's own hands: confirming a name opens a wallet, as in the city."""
    with app.app_context():
        return Family(part(service.Accounts), database, register, now)


@pytest.fixture
def guardian(come, parent):
    return come(parent)


@pytest.fixture(scope="module")
def town(settings):
    parts = assemble(settings)
    yield Town(parts)
    parts.database.dispose()


def test_a_child_is_added_listed_and_removed(client, family, parent, guardian):
    child = family.child(parent)
    answer = client.post(WARDS, json=custody(child), headers=guardian)
    made = answer.get_json()
    assert answer.status_code == 201
    assert set(made) == {
        *("id", "name", "id_number", "relation", "basis", "state"),
        *("requested_at", "confirmed_at", "confirmed_by", "ends_at"),
    }
    assert (made["state"], made["confirmed_by"]) == ("active", "register")
    assert made["ends_at"].endswith("T16:00:00Z")
    listed = client.get(WARDS, headers=guardian)
    assert listed.get_json() == {"items": [made], "next": None}
    again = client.get(WARDS, headers=guardian | {"If-None-Match": listed.headers["ETag"]})
    assert again.status_code == 304
    assert client.delete(f"{WARDS}/{made['id']}", headers=guardian).status_code == 204
    assert client.get(WARDS, headers=guardian).get_json()["items"] == []
    gone = client.delete(f"{WARDS}/{made['id']}", headers=guardian)
    assert (gone.status_code, gone.get_json()["code"]) == (404, "accounts.ward_not_found")


def test_a_grown_up_confirms_by_the_own_phone_and_ends_it(client, come, guardian, parent):
    mother = PersonFactory()
    ward = come(mother)
    made = client.post(WARDS, json=wish(mother), headers=guardian).get_json()
    assert (made["state"], made["confirmed_at"]) == ("pending", None)
    (seen,) = client.get(GUARDIANS, headers=ward).get_json()["items"]
    assert (seen["id"], seen["state"], seen["phone"]) == (
        made["id"],
        "pending",
        f"{parent.phone[:3]}****{parent.phone[7:]}",
    )
    confirmed = client.post(f"{GUARDIANS}/{made['id']}/confirm", headers=ward)
    assert (confirmed.status_code, confirmed.get_json()["confirmed_by"]) == (200, "ward")
    again = client.post(f"{GUARDIANS}/{made['id']}/confirm", headers=ward)
    assert (again.status_code, again.get_json()["code"]) == (409, "accounts.guardianship_settled")
    assert client.delete(f"{GUARDIANS}/{made['id']}", headers=ward).status_code == 204
    assert client.get(WARDS, headers=guardian).get_json()["items"] == []


def test_the_answer_does_not_tell_whether_the_ward_has_an_account(client, come, guardian, register):
    mother, father = PersonFactory(), register.add(PersonFactory())
    come(mother)
    answers = [client.post(WARDS, json=wish(one), headers=guardian).get_json() for one in (mother, father)]
    for answer in answers:
        assert answer.pop("id")
        assert answer.pop("name")
        assert answer.pop("id_number")
        assert answer.pop("requested_at")
    assert answers[0] == answers[1]


def test_a_window_looks_confirms_and_ends(client, guardian, clerk, register):
    old = register.add(PersonFactory(phone=None))
    made = client.post(WARDS, json=wish(old), headers=guardian).get_json()
    asked = {"id_type": "resident_id", "id_number": old.id_number, "case_number": CASE}
    (found,) = client.post(f"{WINDOW}/look-up", json=asked, headers=clerk).get_json()["items"]
    assert (found["id"], found["state"]) == (made["id"], "pending")
    assert old.id_number not in str(found)
    assert old.name not in str(found)
    seen = {"basis_seen": "委托书、身份证原件", "case_number": CASE}
    confirmed = client.post(f"{WINDOW}/{made['id']}/confirm", json=seen, headers=clerk)
    assert (confirmed.status_code, confirmed.get_json()["state"]) == (200, "active")
    again = client.post(f"{WINDOW}/{made['id']}/confirm", json=seen, headers=clerk)
    assert (again.status_code, again.get_json()["code"]) == (409, "accounts.guardianship_settled")
    ending = {"reason": "本人申请终止", "case_number": CASE}
    assert client.post(f"{WINDOW}/{made['id']}/end", json=ending, headers=clerk).status_code == 204
    assert client.post(f"{WINDOW}/{made['id']}/end", json=ending, headers=clerk).status_code == 409
    assert client.post(f"{WINDOW}/look-up", json=asked, headers=clerk).get_json()["items"] == []
    assert client.post(f"{WINDOW}/{new_id()}/end", json=ending, headers=clerk).status_code == 404
    assert client.post(f"{WINDOW}/{new_id()}/confirm", json=seen, headers=clerk).status_code == 404


def test_until_ends_it_before(client, guardian, family, parent, now):
    until = (now + timedelta(days=30)).isoformat()
    made = client.post(WARDS, json=custody(family.child(parent)) | {"until": until}, headers=guardian).get_json()
    assert made["ends_at"] == (now + timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_another_residents_are_not_found(client, come, guardian, family, parent):
    made = client.post(WARDS, json=custody(family.child(parent)), headers=guardian).get_json()
    stranger = come(PersonFactory())
    for method, path in (
        ("delete", f"{WARDS}/{made['id']}"),
        ("delete", f"{GUARDIANS}/{made['id']}"),
        ("post", f"{GUARDIANS}/{made['id']}/confirm"),
        ("get", f"{API}/codes?for={made['id']}"),
    ):
        assert client.open(path, method=method.upper(), headers=stranger).status_code == 404
    assert client.get(WARDS, headers=guardian).get_json()["items"][0]["state"] == "active"


def test_residents_do_not_enter_the_window_and_clerks_have_no_wards(client, guardian, clerk):
    said = {"id_type": "resident_id", "id_number": "370202199003070011", "case_number": CASE}
    assert client.post(f"{WINDOW}/look-up", json=said, headers=guardian).status_code == 403
    assert client.get(WARDS, headers=clerk).status_code == 403


def test_adding_and_agreeing_want_a_face_check_within_ten_minutes(client, family, database, parent, now):
    def call(age):
        principal = family.person(PersonFactory())
        with database.transaction() as session:
            ends = now + timedelta(days=1)
            session.add(
                RefreshFamily(
                    id=principal.session, kind="resident", principal_id=principal.id, started_at=now, expires_at=ends
                )
            )
        access = tokens.access(
            family.accounts,
            kind=PrincipalKind.RESIDENT,
            subject=principal.id,
            session=principal.session,
            scopes=STEPPED_UP,
            now=now,
            stepped_up_at=now - timedelta(minutes=age),
        ).access
        headers = bearer(access)
        return (
            client.post(WARDS, json=wish(family.register.add(PersonFactory())), headers=headers).status_code,
            client.post(f"{GUARDIANS}/{new_id()}/confirm", headers=headers).status_code,
            client.get(WARDS, headers=headers).status_code,
        )

    assert call(9) == (201, 404, 200)
    assert call(11) == (403, 403, 200)


def test_a_visitor_and_somebody_without_a_real_name_act_for_nowish(client, family):
    visitor = sign_in(client, PersonFactory().phone)["access_token"]
    assert client.post(WARDS, json=wish(PersonFactory()), headers=bearer(visitor)).status_code == 403
    proof = {"method": "face", "proof": FACE_PROOF}
    answer = client.post(f"{API}/auth/step-up", json=proof, headers=bearer(visitor))
    assert (answer.status_code, answer.get_json()["code"]) == (409, "accounts.real_name_required")


def test_wards_come_in_pages(client, guardian, register):
    made = [
        client.post(WARDS, json=wish(register.add(PersonFactory())), headers=guardian).get_json()["id"]
        for _ in range(3)
    ]
    first = client.get(f"{WARDS}?limit=2", headers=guardian).get_json()
    second = client.get(f"{WARDS}?limit=2&cursor={first['next']}", headers=guardian).get_json()
    assert [one["id"] for one in first["items"] + second["items"]] == made
    assert second["next"] is None
    assert client.get(f"{WARDS}?cursor=x", headers=guardian).status_code == 422


def test_a_register_that_is_away_costs_no_try(client, guardian, register, monkeypatch):
    mother = register.add(PersonFactory())
    with monkeypatch.context() as away:
        away.setattr(register, "confirms", unavailable)
        answers = [client.post(WARDS, json=wish(mother), headers=guardian) for _ in range(6)]
        assert {answer.status_code for answer in answers} == {503}
    assert client.post(WARDS, json=wish(mother), headers=guardian).status_code == 201


def test_double_taps_cost_no_try(app, client, guardian, register, monkeypatch):
    mother, line = register.add(PersonFactory()), threading.Barrier(5)

    def slow(_claim):
        line.wait(HANG_TIMEOUT)
        return True

    with monkeypatch.context() as at_once:
        at_once.setattr(register, "confirms", slow)
        taps = together(5, lambda _: app.test_client().post(WARDS, json=wish(mother), headers=guardian).status_code)
    assert sorted(taps) == [201, 409, 409, 409, 409]
    tries = [client.post(WARDS, json=wish(PersonFactory()), headers=guardian).status_code for _ in range(6)]
    assert tries == [422] * 5 + [429]


def test_a_register_that_is_away_costs_no_try_of_the_own_name(client, register, monkeypatch):
    person = register.add(PersonFactory())
    visitor = bearer(sign_in(client, person.phone)["access_token"])
    with monkeypatch.context() as away:
        away.setattr(register, "confirms", unavailable)
        answers = [client.put(f"{API}/me/real-name", json=person.body(), headers=visitor) for _ in range(6)]
        assert {answer.status_code for answer in answers} == {503}
    assert client.put(f"{API}/me/real-name", json=person.body(), headers=visitor).status_code == 200


def unavailable(_claim):
    raise errors.OutsideUnavailable


def test_the_eleventh_ward_is_409(client, guardian, register):
    for number in range(11):
        answer = client.post(WARDS, json=wish(register.add(PersonFactory())), headers=guardian)
        assert answer.status_code == (201 if number < 10 else 409)
    assert (answer.get_json()["code"], answer.get_json()["most"]) == ("accounts.too_many_wards", 10)


def test_a_code_that_a_guardian_shows_is_refused_once_it_has_ended(client, family, parent, guardian, town):
    made = client.post(WARDS, json=custody(family.child(parent)), headers=guardian).get_json()
    terminal = town.terminal("identity-check")

    def issue():
        return client.post(f"{API}/codes/identity/issue?for={made['id']}", headers=guardian)

    def scan(code):
        said = {"scan_id": str(uuid.uuid4()), "code": code, "purpose": "identity-check"}
        return client.post(f"{API}/codes/verify", json=said, headers=terminal.headers).get_json()

    shown = scan(issue().get_json()["code"])
    assert (shown["accepted"], shown["guardian"]) == (True, True)
    held = issue().get_json()["code"]
    assert client.delete(f"{WARDS}/{made['id']}", headers=guardian).status_code == 204
    late = scan(held)
    assert (late["accepted"], late["reason"]) == (False, "revoked")
    assert issue().status_code == 404


def test_a_ward_with_a_phone_at_last_signs_in_to_the_own_account(client, family, parent, guardian, come, register):
    child = family.child(parent, years=12)
    made = client.post(WARDS, json=custody(child), headers=guardian).get_json()
    own = register.add(replace(child, phone=PersonFactory().phone))
    visitor = bearer(sign_in(client, own.phone)["access_token"])
    answer = client.put(f"{API}/me/real-name", json=own.body(), headers=visitor)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "accounts.account_joined")
    assert client.get(f"{API}/me", headers=visitor).status_code == 401
    stepped = bearer(step_up(client, sign_in(client, own.phone)["access_token"]))
    assert client.get(f"{API}/me", headers=stepped).get_json()["assurance"] == "verified"
    (seen,) = client.get(GUARDIANS, headers=stepped).get_json()["items"]
    assert (seen["id"], seen["state"]) == (made["id"], "active")
    refused = client.delete(f"{GUARDIANS}/{made['id']}", headers=stepped)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "accounts.window_needed")
