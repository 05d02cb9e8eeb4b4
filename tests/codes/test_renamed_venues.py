"""The ledger names a venue as it was called at the scan: no change afterwards rewrites where somebody was scanned."""

import pytest

API = "/api/v1"
NAME, ADDRESS = "办事大厅", "香港中路11号"


@pytest.fixture
def gate(town):
    return town.terminal("gate-entry")


@pytest.fixture
def change(client, town, gate):
    """Change the gate's venue as an administrator of the city; returns the answer."""
    staff = town.staff("city_admin")
    return lambda **wish: client.patch(f"{API}/venues/{gate.venue}", json=wish, headers=staff)


@pytest.fixture
def scan_ledger(client, town, scan, issue, gate):
    """Let a person through the gate; returns the entries of the ledger, newest first."""
    person = town.resident()

    def call(times=1):
        for _ in range(times):
            assert scan(gate, issue(person), "gate-entry")["accepted"]
        return client.get(f"{API}/codes/ledger", headers=person.headers).get_json()["items"]

    call.person = person
    return call


def test_each_scan_keeps_the_name_and_address_of_its_moment(change, scan_ledger):
    scan_ledger()
    assert change(name="便民驿站").status_code == 200
    scan_ledger()
    assert change(address="香港中路12号").status_code == 200
    places = [(entry["venue"]["name"], entry["venue"]["address"]) for entry in scan_ledger()]
    assert places == [("便民驿站", "香港中路12号"), ("便民驿站", ADDRESS), (NAME, ADDRESS)]


def test_a_change_of_nothing_and_a_refused_one_leave_the_ledger_as_it_is(change, scan_ledger):
    scan_ledger()
    assert change(name=NAME).status_code == 200
    assert change(name="八大湖派出所").status_code == 409
    assert [entry["venue"]["name"] for entry in scan_ledger()] == [NAME, NAME]


def test_a_dispute_and_the_export_have_the_name_of_the_scan(client, change, scan_ledger):
    (entry,) = scan_ledger()
    assert change(name="便民驿站").status_code == 200
    headers = scan_ledger.person.headers
    response = client.post(f"{API}/codes/ledger/{entry['id']}/dispute", json={"text": "我没有到过"}, headers=headers)
    assert response.get_json()["scan"] == entry
    export = client.get(f"{API}/codes/ledger/export", query_string={"format": "json"}, headers=headers)
    assert NAME in export.get_data(as_text=True)
    assert "便民驿站" not in export.get_data(as_text=True)
