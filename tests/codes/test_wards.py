"""A guardian acts for a ward with `?for=`: codes say so to those who may scan them, and the ledger has all of it."""

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import text, update

from qe_ban.accounts import service as accounts
from qe_ban.accounts.models import Consent, Resident
from qe_ban.accounts.service import Accounts, residents
from qe_ban.audit import service as audit
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import Principal, PrincipalKind
from tests.codes.test_verify_races import at_once
from tests.factories.wards import acts_of

API = "/api/v1/codes"
FOR_WARDS = [
    ("get", API, None),
    ("post", f"{API}/issue", {"kinds": ["identity"]}),
    ("post", f"{API}/identity/issue", None),
    ("post", f"{API}/identity/short-number", None),
    ("post", f"{API}/identity/suspend", None),
    ("post", f"{API}/identity/resume", None),
    ("get", f"{API}/ledger", None),
    ("get", f"{API}/ledger/export", None),
    ("post", f"{API}/ledger/00000000-0000-7000-8000-000000000000/dispute", {"text": "不是我本人"}),
    ("get", "/api/v1/me/disputes", None),
]
WAYS = pytest.mark.parametrize(("method", "path", "body"), FOR_WARDS, ids=lambda value: str(value)[-24:])


@pytest.fixture
def family(town):
    """Return a guardian, a ward, and what `?for=` takes."""
    guardian, ward = town.resident(), town.resident(born="20150601")
    return guardian, ward, town.guard(guardian, ward)


@pytest.fixture
def issue_for_ward(client):
    """Have a guardian's phone issue a ward's code."""

    def call(guardian, for_, kind="identity", at=client):
        answer = at.post(f"{API}/{kind}/issue", query_string={"for": for_}, headers=guardian.headers)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return answer.get_json()["code"]

    return call


def ledger(client, person, **query):
    return client.get(f"{API}/ledger", query_string={"limit": 100} | query, headers=person.headers).get_json()["items"]


def test_a_guardian_sees_the_wards_wallet_and_not_the_own(client, town, family):
    guardian, ward, for_ = family
    client.post(f"{API}/dining/suspend", headers=ward.headers)
    cards = client.get(API, query_string={"for": for_}, headers=guardian.headers).get_json()["items"]
    assert {card["kind"] for card in cards if card["state"] == "suspended"} == {"dining"}
    own = client.get(API, headers=guardian.headers).get_json()["items"]
    assert {card["state"] for card in own} == {"active"}


def test_a_code_shown_by_a_guardian_says_so_in_the_verdict_its_repeat_and_the_wards_ledger(
    client, town, scan, family, issue_for_ward
):
    guardian, ward, for_ = family
    window, scan_id, code = town.terminal("window-acceptance"), str(uuid.uuid4()), issue_for_ward(guardian, for_)
    first = scan(window, code, "window-acceptance", scan_id=scan_id)
    assert (first["reason"], first["guardian"]) == ("ok", True)
    assert first["holder"] == {"name": ward.name, "id_number": ward.id_number}
    again = scan(window, code, "window-acceptance", scan_id=scan_id)
    assert (again["repeat"], again["guardian"]) == (True, True)
    assert [(row["scan_id"], row["guardian"]) for row in ledger(client, ward)] == [(scan_id, True)]
    assert ledger(client, guardian) == []


def test_the_own_code_says_nothing_of_guardians(client, town, scan, issue, family):
    _, ward, _ = family
    assert "guardian" not in scan(town.terminal("gate-entry"), issue(ward), "gate-entry")
    assert [row["guardian"] for row in ledger(client, ward)] == [False]


def test_a_scanner_that_may_not_scan_the_code_is_not_told_who_shows_it_and_the_ledger_is(
    client, town, scan, family, issue_for_ward
):
    guardian, ward, for_ = family
    meant_for_another = {"-70101": b"\x00\x00\x00\x01"}
    others = town.code(ward.numbers["identity"], "identity", guardian=True, **meant_for_another)
    refused = [
        scan(town.terminal("gate-entry"), issue_for_ward(guardian, for_, "medical"), "gate-entry"),
        scan(town.terminal("gate-entry"), issue_for_ward(guardian, for_), "settlement"),
        scan(town.terminal("gate-entry"), others, "gate-entry"),
    ]
    reasons = ["kind_not_accepted", "purpose_not_allowed", "wrong_scanner"]
    assert [verdict["reason"] for verdict in refused] == reasons
    assert all("guardian" not in verdict for verdict in refused)
    assert [row["guardian"] for row in ledger(client, ward)] == [True, True, True]


def test_the_wards_ledger_is_complete_whoever_reads_it(client, town, scan, issue, family, issue_for_ward):
    guardian, ward, for_ = family
    other = town.guard(town.resident(), ward)
    assert other != for_
    gate, desk, window = town.terminal("gate-entry"), town.terminal("settlement"), town.terminal("window-acceptance")
    ward_codes = []
    for terminal, code, purpose in (
        (gate, issue(ward), "gate-entry"),
        (gate, issue_for_ward(guardian, for_), "gate-entry"),
        (desk, issue_for_ward(guardian, for_, "medical"), "settlement"),
        (desk, issue(ward, "medical"), "settlement"),
        (window, issue_for_ward(guardian, for_, "health"), "window-acceptance"),
        (window, town.code(ward.numbers["identity"], "identity", at=town.now - timedelta(minutes=5)), "gate-entry"),
    ):
        ward_codes.append(scan(terminal, code, purpose)["scan_id"])
    client.post(f"{API}/identity/suspend", query_string={"for": for_}, headers=guardian.headers)
    ward_codes.append(scan(gate, issue_for_ward(guardian, for_, "health"), "gate-entry")["scan_id"])
    ward_codes.append(scan(gate, town.code(ward.numbers["identity"], "identity"), "gate-entry")["scan_id"])
    rows = ledger(client, ward)
    assert [row["scan_id"] for row in rows] == ward_codes[::-1]
    assert [row["guardian"] for row in rows] == [False, True, False, True, False, True, True, False]
    assert ledger(client, guardian, **{"for": for_}) == rows
    assert ledger(client, guardian) == []


@WAYS
def test_who_does_not_act_for_a_ward_finds_none(client, town, family, method, path, body):
    guardian, ward, for_ = family
    stranger = town.resident()
    nobody = [
        (stranger, for_),
        (ward, for_),
        (guardian, str(ward.id)),
        (guardian, str(new_id())),
        (guardian, town.guard(guardian, town.resident(), state="pending")),
        (guardian, town.guard(guardian, town.resident(), state="ended")),
        (guardian, town.guard(guardian, town.resident(), ends_at=town.now - timedelta(seconds=1))),
    ]
    for caller, ward_id in nobody:
        answer = client.open(path, method=method, json=body, query_string={"for": ward_id}, headers=caller.headers)
        assert (answer.status_code, answer.get_json()["code"]) == (404, "accounts.ward_not_found")


@WAYS
@pytest.mark.parametrize("for_", ["", "x", "1", "00000000000000000000000000000000", "青", "null"])
def test_a_ward_that_is_no_id_is_a_bad_field(client, town, method, path, body, for_):
    answer = client.open(path, method=method, json=body, query_string={"for": for_}, headers=town.resident().headers)
    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]) == ["for"]


def test_with_the_end_of_a_guardianship_all_is_over_at_once_and_the_wards_own_codes_stay(
    client, town, scan, issue, family, issue_for_ward
):
    guardian, ward, for_ = family
    gate, before, own = town.terminal("gate-entry"), issue_for_ward(guardian, for_), issue(ward)
    assert scan(gate, before, "gate-entry")["reason"] == "ok"
    town.unguard(guardian, for_)
    refused = scan(gate, before, "gate-entry")
    assert (refused["accepted"], refused["reason"], refused["guardian"], refused["holder"]) == (
        False,
        "revoked",
        True,
        {},
    )
    assert scan(gate, own, "gate-entry")["reason"] == "ok"
    for method, path, body in FOR_WARDS:
        answer = client.open(path, method=method, json=body, query_string={"for": for_}, headers=guardian.headers)
        assert answer.status_code == 404, path
    assert len(ledger(client, ward)) == 3


def test_what_one_guardian_showed_before_another_ones_end_counts_no_more_but_what_comes_after_does(
    town, scan, family, issue_for_ward
):
    guardian, ward, for_ = family
    other = town.resident()
    others, gate = town.guard(other, ward), town.terminal("gate-entry")
    before = issue_for_ward(other, others)
    assert scan(gate, before, "gate-entry")["reason"] == "ok"
    town.unguard(guardian, for_)
    assert scan(gate, before, "gate-entry")["reason"] == "revoked", "the reference does not say which guardian"
    after = town.code(ward.numbers["identity"], "identity", at=town.now + timedelta(seconds=2), guardian=True)
    assert scan(gate, after, "gate-entry")["reason"] == "ok"


def test_a_guardianship_that_ends_by_its_date_ends_its_codes_without_a_worker(town, scan):
    guardian, ward = town.resident(), town.resident(born="20080601")
    town.guard(guardian, ward, ends_at=town.now - timedelta(milliseconds=1))
    code = town.code(ward.numbers["identity"], "identity", guardian=True)
    assert scan(town.terminal("gate-entry"), code, "gate-entry")["reason"] == "revoked"


def test_a_code_of_a_guardian_where_there_never_was_one_is_revoked(town, scan):
    code = town.code(town.resident().numbers["identity"], "identity", guardian=True)
    assert scan(town.terminal("gate-entry"), code, "gate-entry")["reason"] == "revoked"


def test_nothing_is_accepted_once_the_end_has_been_answered_however_many_scan_meanwhile(
    town, scan, issue_for_ward, make_app
):
    guardian, ward = town.resident(), town.resident()
    for_, gate = town.guard(guardian, ward), town.terminal("gate-entry")
    clients = [make_app().test_client() for _ in range(3)]
    code, end_moments = issue_for_ward(guardian, for_), []

    def one(n):
        if n == 0:
            town.unguard(guardian, for_)
            end_moments.append(True)
            return []
        verdicts = []
        for _ in range(12):
            late = bool(end_moments)
            verdicts.append((late, scan(gate, code, "gate-entry", at=clients[n % 3])["reason"]))
        return verdicts

    verdicts = [verdict for turns in at_once(6, one) for verdict in turns]
    assert {reason for late, reason in verdicts if late} == {"revoked"}
    assert {reason for _, reason in verdicts} <= {"ok", "revoked"}


def test_a_guardian_reports_a_wards_code_lost_and_found_and_that_is_audited(client, town, scan, issue, family):
    guardian, ward, for_ = family
    code, gate = issue(ward), town.terminal("gate-entry")
    path = f"{API}/identity"
    card = client.post(f"{path}/suspend", query_string={"for": for_}, headers=guardian.headers).get_json()
    assert (card["state"], scan(gate, code, "gate-entry")["reason"]) == ("suspended", "suspended")
    guardian.access = town.access(guardian.id, stepped_up_at=town.now - timedelta(minutes=11))
    late = client.post(f"{path}/resume", query_string={"for": for_}, headers=guardian.headers)
    assert (late.status_code, late.get_json()["code"]) == (403, "step_up_required")
    guardian.access = town.access(guardian.id)
    card = client.post(f"{path}/resume", query_string={"for": for_}, headers=guardian.headers).get_json()
    assert (card["state"], scan(gate, code, "gate-entry")["reason"]) == ("active", "ok")
    ledger(client, guardian, **{"for": for_})
    client.get(f"{API}/ledger/export", query_string={"for": for_}, headers=guardian.headers)
    events = acts_of(town.parts.database, town.parts.rings, for_, town.now + timedelta(days=1))
    assert sorted(event.action for event in events) == ["codes.resume", "codes.suspend", "ledger.export", "ledger.read"]
    assert {event.actor_id for event in events} == {guardian.id}
    assert {event.details.get("kind") for event in events} == {"identity", None}


def test_issuing_for_a_ward_writes_nothing_and_is_counted_apart(client, town, make_app, settings, family):
    guardian, _, for_ = family
    limit = settings.limits.issue_per_minute

    def statuses(times, **query):
        path = f"{API}/identity/issue"
        return {client.post(path, query_string=query, headers=guardian.headers).status_code for _ in range(times)}

    with town.parts.database.transaction() as session:
        before = session.scalar(text("SELECT count(*) FROM audit_events"))
    assert statuses(limit // 2, **{"for": for_}) == {200}
    assert statuses(limit // 2) == {200}
    with town.parts.database.transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM audit_events")) == before


def test_a_ward_without_a_phone_has_none_to_show(town, scan, family, issue_for_ward):
    guardian, ward, for_ = family
    with town.parts.database.transaction() as session:
        empty_columns = {"phone_sealed": None, "phone_index": None, "phone_index_next": None}
        session.execute(update(Resident).where(Resident.id == ward.id).values(empty_columns))
        session.add(Consent(resident_id=ward.id, purpose="visitor-registration", state="granted", granted_at=town.now))
    verdict = scan(town.terminal("visitor-registration"), issue_for_ward(guardian, for_), "visitor-registration")
    assert (verdict["reason"], verdict["holder"]) == ("ok", {"name": ward.name, "masked_phone": None})


def test_the_codes_of_a_closed_account_are_revoked_and_its_wallet_is_empty(client, town, scan, issue):
    person = town.resident()
    codes = {kind: issue(person, kind) for kind in ("identity", "medical")}
    with town.parts.database.transaction() as session:
        empty_columns = (
            "phone_sealed",
            "phone_index",
            "phone_index_next",
            "name_sealed",
            "id_number_sealed",
            "id_index",
        )
        empty_columns = dict.fromkeys((*empty_columns, "id_index_next", "verified_at")) | {
            "closed_at": town.now,
            "assurance": "none",
        }
        session.execute(update(Resident).where(Resident.id == person.id).values(empty_columns))
    assert scan(town.terminal("window-acceptance"), codes["identity"], "window-acceptance")["reason"] == "revoked"
    assert scan(town.terminal("settlement"), codes["medical"], "settlement")["reason"] == "revoked"
    answer = client.get(API, headers=person.headers)
    assert answer.status_code in (200, 401)
    if answer.status_code == 200:
        assert {card["state"] for card in answer.get_json()["items"]} == {"not_entitled"}


def test_what_a_guardian_showed_before_a_date_ended_it_counts_no_more_while_another_still_acts(town, scan):
    first, second, ward = town.resident(), town.resident(), town.resident(born="20150601")
    town.guard(first, ward, ends_at=town.now - timedelta(seconds=10))
    town.guard(second, ward)
    gate, number = town.terminal("gate-entry"), ward.numbers["identity"]
    before = town.code(number, "identity", at=town.now - timedelta(seconds=30), guardian=True)
    assert scan(gate, before, "gate-entry")["reason"] == "revoked", "the reference does not say which guardian"
    after = town.code(number, "identity", at=town.now - timedelta(seconds=2), guardian=True)
    assert scan(gate, after, "gate-entry")["reason"] == "ok", "the other one acts on"


def test_a_lost_phone_ends_what_it_shows_for_wards(client, town, scan, family, issue_for_ward):
    guardian, _, for_ = family
    code, gate = issue_for_ward(guardian, for_), town.terminal("gate-entry")
    assert scan(gate, code, "gate-entry")["reason"] == "ok"
    index = residents.id_index(town.parts.rings, "resident_id", guardian.id_number)
    with town.parts.database.transaction() as session:
        indexes = dict(zip(("id_index", "id_index_next"), index, strict=True))
        session.execute(update(Resident).where(Resident.id == guardian.id).values(indexes))
    body = {"kind": "lost_phone", "id_type": "resident_id", "id_number": guardian.id_number}
    body |= {"basis": "查验证件原件", "case_number": "QD-2026-000001"}
    answer = client.post("/api/v1/recovery/cases", json=body, headers=town.staff("clerk"))
    assert answer.status_code == 201, answer.get_json()
    assert scan(gate, code, "gate-entry")["reason"] == "revoked"


def test_what_was_shown_while_an_end_waited_for_its_turn_counts_no_more(town, scan, family, issue_for_ward):
    guardian, ward, for_ = family
    town.guard(town.resident(), ward)
    began = town.now - timedelta(seconds=3)
    code, gate = issue_for_ward(guardian, for_), town.terminal("gate-entry")
    change = audit.Change(Principal(PrincipalKind.RESIDENT, guardian.id, frozenset(), new_id()), began)
    with town.parts.database.transaction() as session:
        accounts.end_ward(town.parts.get(Accounts), session, guardianship_id=uuid.UUID(for_), change=change)
    assert scan(gate, code, "gate-entry")["reason"] == "revoked"
