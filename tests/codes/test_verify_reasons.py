"""Every reason of a verdict, reached over HTTP (QE1 section 5)."""

import hashlib
import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import text

from qe_ban.codes import token
from qe_ban.codes.rules import State
from qe_ban.keys import lifecycle
from qe_ban.keys.models import Ring


class Ahead:
    """A clock some seconds ahead of the machine's."""

    seconds = 0

    def __call__(self):
        return datetime.now(UTC) + timedelta(seconds=self.seconds)


def test_ok_discloses_what_the_purpose_allows_and_nothing_else(town, scan, issue):
    person, window = town.resident(), town.terminal("identity-check", "window-acceptance")
    verdict = scan(window, issue(person), "window-acceptance")
    assert (verdict["accepted"], verdict["reason"], verdict["kind"], verdict["profile"]) == (
        True,
        "ok",
        "identity",
        "issued",
    )
    assert verdict["holder"] == {"name": person.name, "id_number": person.id_number}
    assert verdict["detail"] == {}
    assert "health" not in verdict
    assert "as_of" not in verdict
    assert verdict["repeat"] is False


def test_a_purpose_without_fields_learns_nothing(town, scan, issue):
    gate = town.terminal("gate-entry")
    assert scan(gate, issue(town.resident()), "gate-entry")["holder"] == {}


@pytest.mark.parametrize("code", ["", "QE1:", "hello", "QE1:" + "A" * 2000, "QE1:%%%", "青", "QE1:\u202e"])
def test_malformed(town, scan, code):
    verdict = scan(town.terminal("identity-check"), code, "identity-check")
    assert (verdict["accepted"], verdict["reason"], verdict["kind"], verdict["profile"]) == (
        False,
        "malformed",
        None,
        None,
    )


def test_a_keyboard_wedge_may_leave_line_ends_round_the_code(town, scan, issue):
    code = issue(town.resident())
    assert scan(town.terminal("identity-check"), f"\t{code}\r\n", "identity-check")["reason"] == "ok"


def test_unknown_key(town, scan):
    person, rogue = town.resident(), ec.generate_private_key(ec.SECP256R1())
    code = town.code(person.numbers["identity"], "identity", key=(rogue, b"\x00\x00\x00\x00"))
    verdict = scan(town.terminal("identity-check"), code, "identity-check")
    assert (verdict["reason"], verdict["kind"]) == ("unknown_key", None)


def test_forged(town, scan):
    person, rogue = town.resident(), ec.generate_private_key(ec.SECP256R1())
    kid = town.parts.rings.signing(Ring.CODE, town.now).kid
    code = town.code(person.numbers["identity"], "identity", key=(rogue, kid))
    assert scan(town.terminal("identity-check"), code, "identity-check")["reason"] == "forged"


def test_a_reference_of_another_kind_is_forged(town, scan):
    person = town.resident()
    code = town.code(person.numbers["medical"], "identity")
    verdict = scan(town.terminal("identity-check"), code, "identity-check")
    assert (verdict["reason"], verdict["holder"]) == ("forged", {})


def test_not_yet_valid_beyond_the_online_skew(town, scan):
    number = town.resident().numbers["identity"]
    code = town.code(number, "identity", at=town.now + timedelta(seconds=20))
    assert scan(town.terminal("identity-check"), code, "identity-check")["reason"] == "not_yet_valid"


def test_expired_after_the_online_skew_of_five_seconds(town, scan):
    number, terminal = town.resident().numbers["identity"], town.terminal("identity-check")
    just = town.code(number, "identity", at=town.now - timedelta(seconds=62))
    late = town.code(number, "identity", at=town.now - timedelta(seconds=70))
    assert scan(terminal, just, "identity-check")["reason"] == "ok"
    assert scan(terminal, late, "identity-check")["reason"] == "expired"


def test_unknown_kind(town, scan):
    code = town.code(town.resident().numbers["identity"], 99)
    assert scan(town.terminal("identity-check"), code, "identity-check")["reason"] == "unknown_kind"


def test_kind_not_accepted(town, scan, issue):
    code = issue(town.resident(), "medical")
    verdict = scan(town.terminal("identity-check"), code, "identity-check")
    assert (verdict["reason"], verdict["kind"]) == ("kind_not_accepted", "medical")


@pytest.mark.parametrize("purpose", ["settlement", "no-such-purpose", "window-acceptance"])
def test_purpose_not_allowed(town, scan, issue, purpose):
    verdict = scan(town.terminal("identity-check"), issue(town.resident()), purpose)
    assert (verdict["reason"], verdict["holder"]) == ("purpose_not_allowed", {})


def test_wrong_scanner(town, scan):
    person, terminal = town.resident(), town.terminal("identity-check")
    code = town.code(person.numbers["identity"], "identity", **{"-70101": b"\x00\x00\x00\x01"})
    assert scan(terminal, code, "identity-check")["reason"] == "wrong_scanner"


def test_a_code_meant_for_this_scanner_is_accepted(town, scan):
    person, terminal = town.resident(), town.terminal("identity-check")
    mark = hashlib.sha256(str(terminal.id).encode()).digest()[:4]
    code = town.code(person.numbers["identity"], "identity", **{"-70101": mark})
    assert scan(terminal, code, "identity-check")["reason"] == "ok"


def test_revoked_by_the_source(town, scan):
    person = town.resident()
    town.record(person, "social", State.REVOKED)
    town.record(person, "identity", State.REVOKED, reason="deceased")
    code = town.code(person.numbers["identity"], "identity")
    assert scan(town.terminal("identity-check"), code, "identity-check")["reason"] == "revoked"


def test_a_reference_that_opens_to_nobody_is_revoked_and_alarms(town, scan, client):
    code = town.code(2**55, "identity")
    assert scan(town.terminal("identity-check"), code, "identity-check")["reason"] == "revoked"
    assert 'qe_alarms_total{alarm="reference_opens_to_nobody"}' in client.get("/metrics").get_data(as_text=True)


def test_suspended_by_the_resident_at_once(town, scan, issue, client):
    person, terminal = town.resident(), town.terminal("identity-check")
    code = issue(person)
    assert client.post("/api/v1/codes/identity/suspend", headers=person.headers).status_code == 200
    assert scan(terminal, code, "identity-check")["reason"] == "suspended"
    assert client.post("/api/v1/codes/identity/resume", headers=person.headers).status_code == 200
    assert scan(terminal, code, "identity-check")["reason"] == "ok"


def test_suspended_by_the_source(town, scan):
    person = town.resident()
    town.record(person, "social", State.SUSPENDED, reason="card_lost")
    code = town.code(person.numbers["social"], "social")
    assert scan(town.terminal("social-enquiry"), code, "social-enquiry")["reason"] == "suspended"


def test_not_entitled(town, scan):
    person = town.resident()
    town.record(person, "medical", State.NOT_ENTITLED, reason="not_insured")
    code = town.code(person.numbers["medical"], "medical")
    verdict = scan(town.terminal("registration"), code, "registration")
    assert (verdict["reason"], verdict["holder"]) == ("not_entitled", {})


def test_consent_required_then_granted(town, scan, issue, client):
    person, terminal = town.resident(born="19500901"), town.terminal("senior-discount")
    refused = scan(terminal, issue(person), "senior-discount")
    assert (refused["accepted"], refused["reason"], refused["holder"]) == (False, "consent_required", {})
    town.turn_over()
    requests = client.get("/api/v1/me/consents", headers=person.headers).get_json()["items"]
    assert [(row["purpose"], row["state"]) for row in requests] == [("senior-discount", "requested")]
    assert client.put("/api/v1/me/consents/senior-discount", headers=person.headers).status_code == 200
    acceptance = scan(terminal, issue(person), "senior-discount")
    assert (acceptance["reason"], acceptance["holder"]) == ("ok", {"age_60_or_over": True})


def test_no_moment_beside_a_plain_id_names_a_scan(town, scan, issue):
    person, terminal = town.resident(), town.terminal("senior-discount")
    scan(terminal, issue(person), "senior-discount")
    query = text("SELECT count(*) FROM consents c JOIN scans s ON s.at = c.requested_at WHERE c.resident_id = :id")
    with town.parts.database.transaction() as session:
        assert session.scalar(query, {"id": person.id}) == 0


def test_replayed_when_a_single_use_code_is_shown_twice(town, scan, issue):
    person, terminal = town.resident(), town.terminal("settlement")
    code = issue(person, "medical")
    assert scan(terminal, code, "settlement")["reason"] == "ok"
    again = scan(terminal, code, "settlement")
    assert (again["reason"], again["holder"]) == ("replayed", {})


def test_replayed_when_a_code_would_disclose_at_a_second_scanner(town, scan, issue):
    code = issue(town.resident())
    assert scan(town.terminal("identity-check"), code, "identity-check")["reason"] == "ok"
    assert scan(town.terminal("identity-check"), code, "identity-check")["reason"] == "replayed"


def test_purposes_listed_together_share_one_code_at_one_scanner_in_either_order(town, scan, issue):
    window = town.terminal("identity-check", "window-acceptance", "self-service")
    for order in (("identity-check", "window-acceptance"), ("window-acceptance", "identity-check")):
        code = issue(town.resident())
        assert [scan(window, code, purpose)["reason"] for purpose in order] == ["ok", "ok"]
        assert scan(window, code, "self-service")["reason"] == "replayed"


def test_a_gate_that_learns_nothing_does_not_spend_the_code(town, scan, issue):
    code, gate = issue(town.resident()), town.terminal("gate-entry")
    assert scan(gate, code, "gate-entry")["reason"] == "ok"
    assert scan(town.terminal("gate-entry"), code, "gate-entry")["reason"] == "ok"
    again = issue(town.resident())
    assert scan(gate, again, "gate-entry")["reason"] == "ok"
    window = town.terminal("identity-check", venue=gate.venue)
    assert scan(window, again, "identity-check")["holder"] == {"masked_name": "测*甲"}


def test_used_when_the_meal_was_taken_with_another_code(town, scan, issue):
    person, terminal = town.resident(), town.terminal("meal-redemption")
    first = scan(terminal, issue(person, "dining"), "meal-redemption")
    assert first["reason"] == "ok"
    assert first["detail"]["meal"]["period"] in {"breakfast", "lunch", "dinner", "supper"}
    assert scan(terminal, issue(person, "dining"), "meal-redemption")["reason"] == "used"


def test_health_tells_the_level_with_its_moment(town, scan, issue):
    person, desk = town.resident(), town.terminal("health-check")
    assert scan(desk, issue(person, "health"), "health-check")["health"]["level"] == "green"
    town.record(person, "health", detail={"level": "red"}, expires_at=town.now + timedelta(days=14))
    verdict = scan(desk, issue(person, "health"), "health-check")
    assert (verdict["reason"], verdict["health"]["level"]) == ("ok", "red")
    assert verdict["health"]["as_of"].endswith("Z")


def test_a_health_level_that_has_run_out_is_green_again(town, scan, issue):
    person, desk = town.resident(), town.terminal("health-check")
    town.record(person, "health", detail={"level": "red"}, expires_at=town.now - timedelta(seconds=1))
    assert scan(desk, issue(person, "health"), "health-check")["health"]["level"] == "green"


def test_a_new_key_signs_soon_while_the_old_one_verifies_on_and_a_denied_one_is_refused(town, scan, make_app):
    person, terminal, clock = town.resident(), town.terminal("identity-check"), Ahead()
    workers = [make_app(clock).test_client() for _ in range(2)]
    kid = town.parts.rings.signing(Ring.CODE, town.now).kid

    def issued_by(worker):
        return worker.post("/api/v1/codes/identity/issue", headers=person.headers).get_json()["code"]

    def verify_at(code):
        return [scan(terminal, code, "identity-check", at=worker)["reason"] for worker in workers]

    before = issued_by(workers[0])
    assert verify_at(before) == ["ok", "ok"]
    with town.parts.database.transaction() as session:
        new = lifecycle.rotate(session, town.parts.settings.master_key, Ring.CODE, town.now)
    time.sleep(2.1)  # the polling interval: this is what is under test
    clock.seconds = 9
    after = issued_by(workers[0])
    assert token.parse(after).claims.kid.hex() == new
    assert verify_at(after) == verify_at(before) == ["ok", "ok"]
    with town.parts.database.transaction() as session:
        lifecycle.deny(session, kid.hex(), clock() + timedelta(seconds=1))
        # for the tests that look back: a key as old as the one that is gone now
        lifecycle.rotate(session, town.parts.settings.master_key, Ring.CODE, town.now - timedelta(minutes=30))
    time.sleep(2.1)
    assert verify_at(before) == ["unknown_key", "unknown_key"]
    assert verify_at(after) == ["ok", "ok"]


def test_every_scan_is_in_the_residents_ledger_refused_ones_too(town, scan, issue, client):
    person, window = town.resident(), town.terminal("identity-check")
    scan(window, issue(person), "identity-check")
    scan(window, issue(person, "medical"), "identity-check")
    scan(
        window, town.code(person.numbers["identity"], "identity", at=town.now - timedelta(minutes=5)), "identity-check"
    )
    rows = client.get("/api/v1/codes/ledger", headers=person.headers).get_json()["items"]
    assert [row["reason"] for row in rows] == ["expired", "kind_not_accepted", "ok"]
    assert rows[2]["fields"] == ["masked_name"]
    assert rows[2]["venue"] == {
        "name": "办事大厅",
        "district": "市南区",
        "address": "香港中路11号",
        "scanner": "1号",
    }
    assert (rows[2]["scene_name"], rows[2]["purpose_name"]) == ("政务服务", "核对身份")


def test_nothing_of_the_entitlement_is_told_before_the_scanner_may(town, scan):
    person = town.resident()
    client_suspended = town.code(person.numbers["medical"], "medical")
    town.record(person, "medical", State.SUSPENDED)
    verdict = scan(town.terminal("identity-check"), client_suspended, "settlement")
    assert verdict["reason"] == "purpose_not_allowed"


def test_a_scan_id_is_the_scanners_own(town, scan, issue):
    scan_id = str(uuid.uuid4())
    for _ in range(2):
        verdict = scan(town.terminal("identity-check"), issue(town.resident()), "identity-check", scan_id=scan_id)
        assert (verdict["reason"], verdict["repeat"]) == ("ok", False)
