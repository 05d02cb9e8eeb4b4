"""One code, two venues: what one venue read opens nobody's name at another, however the code came there."""

from datetime import timedelta

import pytest

from tests.codes.test_verify_races import at_once

MASKED_NAME = {"masked_name": "测*甲"}


@pytest.fixture
def clients(make_app):
    """Return four apps with their own pools and key snapshots, as four workers have them."""
    return [make_app().test_client() for _ in range(4)]


@pytest.fixture
def accepted_at_a_gate(town, scan):
    """Let a code through a gate that learns nothing; returns the gate."""

    def call(code):
        gate = town.terminal("gate-entry")
        assert scan(gate, code, "gate-entry")["reason"] == "ok"
        return gate

    return call


@pytest.mark.parametrize(
    ("purpose", "kind"), [("registration", "identity"), ("identity-check", "identity"), ("community-entry", "identity")]
)
def test_nothing_at_the_gate_opens_nothing_elsewhere(town, scan, issue, accepted_at_a_gate, purpose, kind):
    code = issue(town.resident(), kind)
    accepted_at_a_gate(code)
    elsewhere = scan(town.terminal(purpose), code, purpose)
    assert (elsewhere["accepted"], elsewhere["reason"], elsewhere["holder"]) == (False, "replayed", {})


def test_the_window_behind_the_gate_reads_the_same_code(town, scan, issue, accepted_at_a_gate):
    code = issue(town.resident())
    gate = accepted_at_a_gate(code)
    window = town.terminal("identity-check", venue=gate.venue)
    assert scan(window, code, "identity-check")["holder"] == MASKED_NAME
    assert scan(town.terminal("identity-check"), code, "identity-check")["reason"] == "replayed"


def test_purposes_that_go_together_still_share_a_code_after_the_gate(town, scan, issue, accepted_at_a_gate):
    code = issue(town.resident())
    window = town.terminal("identity-check", "window-acceptance", venue=accepted_at_a_gate(code).venue)
    assert [scan(window, code, purpose)["reason"] for purpose in ("identity-check", "window-acceptance")] == [
        "ok",
        "ok",
    ]


def test_a_gate_elsewhere_lets_through_and_afterwards_nobody_reads_the_code(town, scan, issue, accepted_at_a_gate):
    code = issue(town.resident())
    venues = [accepted_at_a_gate(code).venue for _ in range(2)]
    for venue in venues:
        window = town.terminal("identity-check", venue=venue)
        assert scan(window, code, "identity-check")["reason"] == "replayed"


def test_a_gate_lets_through_a_code_that_was_read_elsewhere(town, scan, issue, accepted_at_a_gate):
    code = issue(town.resident())
    assert scan(town.terminal("identity-check"), code, "identity-check")["reason"] == "ok"
    accepted_at_a_gate(code)


def test_a_refusal_binds_no_code(town, scan, issue):
    code, gate = issue(town.resident()), town.terminal("gate-entry")
    assert scan(gate, code, "identity-check")["reason"] == "purpose_not_allowed"
    assert scan(town.terminal("identity-check"), code, "identity-check")["reason"] == "ok"


def test_a_fresh_code_of_the_same_resident_is_read_elsewhere(town, scan, issue, accepted_at_a_gate):
    person = town.resident()
    accepted_at_a_gate(issue(person))
    assert scan(town.terminal("identity-check"), issue(person), "identity-check")["holder"] == MASKED_NAME


def test_of_a_phones_pass_all_showings_are_one_code(town, scan, accepted_at_a_gate):
    number = town.resident().numbers["identity"]
    cti = town.cti(number, "pass")
    gate = accepted_at_a_gate(town.presented(number, "identity", cti=cti))
    later = town.presented(number, "identity", cti=cti, shown_at=town.now + timedelta(seconds=20))
    assert scan(town.terminal("identity-check"), later, "identity-check")["reason"] == "replayed"
    window = town.terminal("identity-check", venue=gate.venue)
    assert scan(window, later, "identity-check")["holder"] == MASKED_NAME


def test_paper_is_read_at_every_venue_beside_its_document(town, scan, accepted_at_a_gate):
    person = town.resident()
    paper = town.code(person.numbers["identity"], "identity", "printed", life=86400)
    accepted_at_a_gate(paper)
    read = scan(town.terminal("identity-check"), paper, "identity-check", document=person.id_number[-6:])
    assert (read["reason"], read["holder"]) == ("ok", MASKED_NAME)


def test_what_a_guardian_shows_is_bound_likewise(client, town, scan, accepted_at_a_gate):
    guardian, ward = town.resident(), town.resident()
    query = {"for": town.guard(guardian, ward)}
    response = client.post("/api/v1/codes/identity/issue", query_string=query, headers=guardian.headers)
    code = response.get_json()["code"]
    accepted_at_a_gate(code)
    assert scan(town.terminal("identity-check"), code, "identity-check")["reason"] == "replayed"


def test_the_repeat_of_a_kept_verdict_is_answered_whatever_came_after(town, scan, issue, accepted_at_a_gate):
    code, window = issue(town.resident()), town.terminal("identity-check")
    scan_id = "0199a1b2-0000-7000-8000-00000000abcd"
    assert scan(window, code, "identity-check", scan_id=scan_id)["holder"] == MASKED_NAME
    accepted_at_a_gate(code)
    again = scan(window, code, "identity-check", scan_id=scan_id)
    assert (again["repeat"], again["holder"]) == (True, MASKED_NAME)


@pytest.mark.parametrize("windows", [1, 3])
def test_of_a_gate_and_windows_elsewhere_at_the_same_instant_one_reads_at_most(town, scan, issue, clients, windows):
    for _ in range(4):
        code = issue(town.resident())
        gate, desks = town.terminal("gate-entry"), [town.terminal("identity-check") for _ in range(windows)]
        tries = [(gate, "gate-entry"), *((desk, "identity-check") for desk in desks)]

        def one(n, code=code, tries=tries):
            return n, scan(tries[n][0], code, tries[n][1], at=clients[n % 4])["accepted"]

        accepted = dict(at_once(len(tries), one))
        assert accepted.pop(0), "a gate that learns nothing lets the code through"
        assert sum(accepted.values()) <= 1
        # in whatever order they came: from now on nobody at a third venue reads it
        assert scan(town.terminal("identity-check"), code, "identity-check")["reason"] == "replayed"
