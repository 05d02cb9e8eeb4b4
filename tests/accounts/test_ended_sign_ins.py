"""A sign-in that ended on another worker undoes nothing here, though its token still passes for some seconds."""

from uuid import UUID

import pytest

from qe_ban.accounts.service import families
from qe_ban.kernel.clock import system_clock
from tests.factories.accounts import API
from tests.factories.wards import child_of_age


@pytest.fixture
def stolen(city):
    """Somebody whose codes are suspended, on a phone that another has: signed in, and stepped up just now."""
    holder = city.resident().step_up()
    city.client.post(f"{API}/codes/identity/suspend", headers=holder.headers)
    return holder


def lose(city, holder):
    """What a window does on another worker, of which this one has not heard."""
    with city.database.transaction() as session:
        families.end_all(city.accounts.rings, session, UUID(holder.id), system_clock())


def attack(city, holder, what, ward=None):
    child = city.register.add(child_of_age(system_clock()))
    path, body = {
        "resume": ("/codes/identity/resume", None),
        "close": ("/me/closing", {"confirm": True}),
        "act": ("/me/wards", child.body() | {"relation": "parent", "basis": "custody"}),
        "confirm": (f"/me/guardians/{ward}/confirm", None),
    }[what]
    city.register.custody.add((holder.person.id_number, child.id_number))
    return city.client.post(f"{API}{path}", json=body, headers=holder.headers)


def asked(city, holder):
    """Have another person ask to act for the holder; gives the guardianship."""
    other = city.resident().step_up()
    body = holder.person.body() | {"relation": "other", "basis": "entrusted"}
    answer = city.client.post(f"{API}/me/wards", json=body, headers=other.headers)
    assert answer.status_code == 201, answer.get_json()
    return answer.get_json()["id"]


@pytest.mark.parametrize("what", ["resume", "close", "act", "confirm"])
def test_what_takes_a_fresh_face_takes_a_sign_in_that_has_not_ended(city, stolen, what):
    ward = asked(city, stolen)
    assert stolen.me().status_code == 200, "the worker knows of no end"
    lose(city, stolen)
    answer = attack(city, stolen, what, ward)
    assert (answer.status_code, answer.get_json()["code"]) == (401, "accounts.session_ended")
    assert city.row(stolen.id).closed_at is None
    again = city.visitor(stolen.phone).step_up()
    again.person = stolen.person
    cards = city.client.get(f"{API}/codes", headers=again.headers).get_json()["items"]
    assert [card["state"] for card in cards if card["kind"] == "identity"] == ["suspended"]
    assert city.client.get(f"{API}/me/wards", headers=again.headers).get_json()["items"] == []
    assert attack(city, again, what, ward).status_code in (200, 201)
