"""Holders' hashes and short numbers while their secrets rotate: nothing is lost, and no meal is eaten twice."""

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import text

from qe_ban.codes import queries
from qe_ban.keys import lifecycle
from qe_ban.keys.models import Ring
from tests.codes.test_verify_races import at_once

API = "/api/v1"


@pytest.fixture
def rotate(town):
    """Add a secret to a ring that is in use at once, as ten seconds after a rotation."""

    def call(ring):
        start = town.now - lifecycle.PUBLISHED_AHEAD - timedelta(seconds=1)
        with town.parts.database.transaction() as session:
            lifecycle.rotate(session, town.parts.settings.master_key, ring, start)

    return call


@pytest.fixture
def workers(make_app, rotate, town):
    """Rotate a ring; return a worker that does not know it yet and one that does."""

    def call(ring):
        before = make_app().test_client()
        assert before.get(f"{API}/codes", headers=town.resident().headers).status_code == 200
        rotate(ring)
        return before, make_app().test_client()

    return call


def holders_of(town, *scans):
    with town.parts.database.transaction() as session:
        query = text("SELECT holder FROM scans WHERE scan_id = ANY (:ids)")
        return set(session.scalars(query, {"ids": list(scans)}))


def test_scans_before_and_after_a_rotation_stand_in_one_ledger_and_one_export(town, scan, workers):
    person, gate, ids = town.resident(), town.terminal("gate-entry"), [str(uuid.uuid4()) for _ in range(2)]
    scan(gate, town.code(person.numbers["identity"], "identity"), "gate-entry", scan_id=ids[0])
    _, new = workers(Ring.HOLDER)
    scan(gate, town.code(person.numbers["identity"], "identity"), "gate-entry", scan_id=ids[1], at=new)
    assert len(holders_of(town, *ids)) == 2, "each under the secret of its time"
    items = new.get(f"{API}/codes/ledger", headers=person.headers).get_json()["items"]
    assert [entry["scan_id"] for entry in items] == ids[::-1]
    response = new.get(f"{API}/codes/ledger/export?format=json", headers=person.headers).get_json()["items"]
    assert response == items


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["before then after", "after then before"])
def test_a_meal_taken_under_one_secret_is_taken_under_the_other(town, scan, workers, order):
    person, canteen, both = town.resident(), town.terminal("meal-redemption"), workers(Ring.HOLDER)
    verdicts = [
        scan(canteen, town.code(person.numbers["dining"], "dining"), "meal-redemption", at=both[worker])["reason"]
        for worker in order
    ]
    assert verdicts == ["ok", "used"]


def test_one_meal_is_eaten_however_many_try_on_workers_that_know_different_secrets(town, scan, workers):
    person, canteen, both = town.resident(), town.terminal("meal-redemption"), workers(Ring.HOLDER)
    codes = [town.code(person.numbers["dining"], "dining") for _ in range(16)]
    verdicts = at_once(16, lambda n: scan(canteen, codes[n], "meal-redemption", at=both[n % 2])["reason"])
    assert sorted(verdicts) == ["ok"] + ["used"] * 15


def test_what_was_disputed_before_a_rotation_is_found_after_it(town, scan, workers):
    person, gate = town.resident(), town.terminal("gate-entry")
    old, new = workers(Ring.HOLDER)
    scan(gate, town.code(person.numbers["identity"], "identity"), "gate-entry", at=old)
    (entry,) = old.get(f"{API}/codes/ledger", headers=person.headers).get_json()["items"]
    path = f"{API}/codes/ledger/{entry['id']}/dispute"
    dispute_ = old.post(path, json={"text": "不是我"}, headers=person.headers).get_json()
    (row,) = new.get(f"{API}/me/disputes", headers=person.headers).get_json()["items"]
    assert row == dispute_
    assert new.post(path, json={"text": "不是我"}, headers=person.headers).status_code == 409


def test_a_number_given_before_a_rotation_is_accepted_after_it_once_and_repeated(town, workers):
    person, window, scan_id = town.resident(), town.terminal("window-acceptance"), str(uuid.uuid4())
    old, new = workers(Ring.DERIVE)
    number = old.post(f"{API}/codes/identity/short-number", headers=person.headers).get_json()["number"]

    def type_number(worker, scan_id):
        body = {"scan_id": scan_id, "short_number": number, "purpose": "window-acceptance"}
        return worker.post(f"{API}/codes/verify", json=body, headers=window.headers).get_json()

    first = type_number(old, scan_id)
    again = type_number(new, scan_id)
    assert (first["reason"], again["reason"], again["repeat"]) == ("ok", "ok", True)
    assert again["holder"] == first["holder"] == {"name": person.name, "id_number": person.id_number}
    assert {type_number(worker, str(uuid.uuid4()))["reason"] for worker in (old, new)} == {"expired"}


def test_the_same_digits_are_kept_once_while_secrets_rotate(town, workers):
    workers(Ring.DERIVE)
    town.parts.rings.refresh()
    macs = town.parts.rings.macs(Ring.DERIVE, "short-number", f"digits of {uuid.uuid4()}".encode())
    assert len(macs) >= 2, "the newest key's and those before it"
    ends = town.now + timedelta(minutes=3)

    def keep(macs):
        with town.parts.database.statements() as connection:
            return queries.keep_short_number(connection, macs, b"sealed", ends)

    assert keep(macs[1:]) is True, "a worker that does not know the new key yet"
    assert keep(macs) is False
    assert keep(macs[:1]) is True, "under the new key alone nothing stands"
