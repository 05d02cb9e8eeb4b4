"""The wallet over HTTP: the five kinds, issuing, pictures, suspension, the ledger's pages."""

import io
import uuid
from datetime import timedelta

import pytest
import zxingcpp
from PIL import Image
from sqlalchemy import text

from qe_ban.accounts import service as accounts
from qe_ban.codes import service as codes
from qe_ban.codes import token
from qe_ban.codes.rules import State
from qe_ban.codes.service import Wallet

API = "/api/v1/codes"


def wallet(client, person):
    answer = client.get(API, headers=person.headers)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return {card["kind"]: card for card in answer.get_json()["items"]}


def test_the_wallet_has_the_five_kinds_in_the_citys_order(client, town):
    cards = client.get(API, headers=town.resident().headers).get_json()["items"]
    assert [card["kind"] for card in cards] == ["identity", "health", "medical", "social", "dining"]
    assert {card["state"] for card in cards} == {"active"}
    assert cards[0]["display"] == {"title": "身份码", "colour": "#1f5fbf", "masked_name": "测*甲"}


def test_what_clients_poll_carries_an_etag_that_changes_with_the_state(client, town, scan, issue):
    person = town.resident()
    for path, change in (
        (API, lambda: client.post(f"{API}/identity/suspend", headers=person.headers)),
        (f"{API}/ledger", lambda: scan(town.terminal("gate-entry"), issue(person, "medical"), "gate-entry")),
    ):
        tag = client.get(path, headers=person.headers).headers["ETag"]
        again = client.get(path, headers=person.headers | {"If-None-Match": tag})
        assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
        change()
        response = client.get(path, headers=person.headers | {"If-None-Match": tag})
        assert response.status_code == 200
        assert response.headers["ETag"] != tag


def test_each_state_is_shown_with_its_reason(client, town):
    person = town.resident()
    town.record(person, "health", detail={"level": "yellow"}, expires_at=town.now + timedelta(days=1))
    town.record(person, "medical", State.NOT_ENTITLED, reason="not_insured")
    town.record(person, "social", State.SUSPENDED, reason="card_lost")
    client.post(f"{API}/dining/suspend", headers=person.headers)
    cards = wallet(client, person)
    states = {kind: (card["state"], card.get("reason")) for kind, card in cards.items()}
    assert states == {
        "identity": ("active", None),
        "health": ("active", None),
        "medical": ("not_entitled", "not_insured"),
        "social": ("suspended", "card_lost"),
        "dining": ("suspended", "held_by_resident"),
    }
    assert cards["health"]["display"]["colour"] == "#e0b000"


def test_without_a_real_name_nothing_is_held_and_it_says_so(client, town):
    nobody = town.resident(has_real_name=False)
    assert {(card["state"], card["reason"]) for card in wallet(client, nobody).values()} == {
        ("not_entitled", "real_name_required")
    }
    issued = client.post(f"{API}/issue", json={"kinds": ["identity"]}, headers=nobody.headers).get_json()
    assert issued == {"codes": [], "refused": [{"kind": "identity", "reason": "real_name_required"}]}
    problem = client.post(f"{API}/identity/issue", headers=nobody.headers)
    assert (problem.status_code, problem.get_json()["code"]) == (409, "codes.not_issued")
    assert problem.get_json()["reason"] == "real_name_required"
    assert client.post(f"{API}/identity/suspend", headers=nobody.headers).status_code == 404


def test_all_kinds_are_issued_in_one_call_and_are_true(client, town):
    person = town.resident()
    kinds = ["dining", "identity", "health", "social", "medical"]
    answer = client.post(f"{API}/issue", json={"kinds": kinds}, headers=person.headers)
    codes = answer.get_json()["codes"]
    assert [code["kind"] for code in codes] == kinds
    assert answer.headers["Cache-Control"] == "no-store"
    for code in codes:
        claims = token.parse(code["code"]).claims
        assert (claims.kind.slug, claims.profile) == (code["kind"], "issued")
        assert claims.expires_at - claims.issued_at == code["ttl"] == 60
        assert 25 <= code["refresh_after"] <= 30
        assert len(code["code"]) == 184


def test_phones_that_opened_together_come_back_in_any_of_six_seconds(town):
    person = town.resident()
    with town.parts.database.statements() as connection:
        holdings = codes.holdings(connection, town.parts.get(Wallet), person.id, town.now)
    seconds = {
        codes.issue(town.parts.get(Wallet), holdings, ["identity"], town.now).codes[0].refresh_after for _ in range(300)
    }
    assert seconds == set(range(25, 31))


def test_two_codes_of_one_person_share_nothing_but_their_kind(client, town):
    person = town.resident()
    first, second = (client.post(f"{API}/identity/issue", headers=person.headers).get_json()["code"] for _ in range(2))
    one, two = token.parse(first).claims, token.parse(second).claims
    assert one.cti != two.cti
    assert not [n for n in range(13) if one.cti[n : n + 4] in two.cti], "four equal bytes in a row are no chance"


def test_issuing_writes_nothing_to_the_database(client, town):
    person = town.resident()

    def rows():
        with town.parts.database.transaction() as session:
            tables = session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
            return {name: session.scalar(text(f'SELECT count(*) FROM "{name}"')) for name in tables}

    before = rows()
    client.post(f"{API}/issue", json={"kinds": ["identity", "medical"]}, headers=person.headers)
    assert rows() == before


@pytest.mark.parametrize("accept", ["image/png", "image/svg+xml"])
def test_a_picture_is_given_to_who_accepts_one(client, town, accept):
    answer = client.post(f"{API}/health/issue", headers=town.resident().headers | {"Accept": accept})
    assert (answer.status_code, answer.mimetype) == (200, accept)
    assert answer.headers["Cache-Control"] == "no-store"
    if accept == "image/png":
        barcode = zxingcpp.read_barcode(Image.open(io.BytesIO(answer.data)))
        assert token.parse(barcode.text).claims.kind.slug == "health"
        assert answer.data[:8] == b"\x89PNG\r\n\x1a\n"
    else:
        assert "健康码" in answer.get_data(as_text=True)


def test_a_picture_that_is_scanned_off_the_screen_is_accepted(client, town, scan):
    answer = client.post(f"{API}/identity/issue", headers=town.resident().headers | {"Accept": "image/png"})
    code = zxingcpp.read_barcode(Image.open(io.BytesIO(answer.data))).text
    assert scan(town.terminal("gate-entry"), code, "gate-entry")["reason"] == "ok"


def test_twenty_a_minute_are_enough_and_the_wait_is_told(client, town):
    person = town.resident()
    statuses = [client.post(f"{API}/issue", json={"kinds": ["identity"]}, headers=person.headers) for _ in range(41)]
    refused = [answer for answer in statuses if answer.status_code == 429]
    assert 1 <= len(refused) <= 21
    assert 1 <= int(refused[0].headers["Retry-After"]) <= 60
    assert {answer.status_code for answer in statuses} == {200, 429}


@pytest.mark.parametrize("body", [{}, {"kinds": []}, {"kinds": "identity"}, {"kinds": ["nonsense"]}, {"kinds": [1]}])
def test_kinds_are_named_from_the_five(client, town, body):
    answer = client.post(f"{API}/issue", json=body, headers=town.resident().headers)
    assert answer.status_code == 422
    assert [name.partition(".")[0] for name in answer.get_json()["errors"]] == ["kinds"]


def test_a_kind_that_the_city_has_not_is_not_found(client, town):
    for path in ("nonsense/issue", "nonsense/suspend", "nonsense/resume"):
        assert client.post(f"{API}/{path}", headers=town.resident().headers).status_code == 404


def test_showing_wants_a_step_up_and_resuming_a_fresh_one(client, town):
    person = town.resident(step_up=False)
    answer = client.get(API, headers=person.headers)
    assert (answer.status_code, answer.get_json()["code"]) == (403, "step_up_required")
    person.access = town.access(person.id, stepped_up_at=town.now - timedelta(minutes=11))
    assert client.get(API, headers=person.headers).status_code == 200
    assert client.post(f"{API}/identity/suspend", headers=person.headers).status_code == 200
    answer = client.post(f"{API}/identity/resume", headers=person.headers)
    assert (answer.status_code, answer.get_json()["code"]) == (403, "step_up_required")
    person.access = town.access(person.id)
    assert client.post(f"{API}/identity/resume", headers=person.headers).status_code == 200


def test_suspending_twice_is_harmless_and_ends_issuing(client, town):
    person = town.resident()
    for _ in range(2):
        card = client.post(f"{API}/identity/suspend", headers=person.headers).get_json()
        assert (card["kind"], card["state"], card["reason"]) == ("identity", "suspended", "held_by_resident")
    refused = client.post(f"{API}/issue", json={"kinds": ["identity"]}, headers=person.headers).get_json()["refused"]
    assert refused == [{"kind": "identity", "reason": "held_by_resident"}]


def test_resuming_what_the_source_holds_tells_that_it_is_held(client, town):
    person = town.resident()
    town.record(person, "social", State.SUSPENDED, reason="card_lost")
    client.post(f"{API}/social/suspend", headers=person.headers)
    card = client.post(f"{API}/social/resume", headers=person.headers).get_json()
    assert (card["state"], card["reason"]) == ("suspended", "card_lost")


@pytest.mark.parametrize("scan_id_text", [str.upper, str.lower, str.title])
def test_a_scan_id_is_the_same_in_capitals(client, town, scan, issue, scan_id_text):
    gate, scan_id, code = town.terminal("gate-entry"), str(uuid.uuid4()), issue(town.resident())
    first = scan(gate, code, "gate-entry", scan_id=scan_id)
    again = scan(gate, code, "gate-entry", scan_id=scan_id_text(scan_id))
    assert (first["repeat"], again["repeat"], again["scan_id"]) == (False, True, scan_id)


def test_the_ledger_is_read_page_by_page_without_gap_or_repeat(client, town, scan, issue):
    person, gate = town.resident(), town.terminal("gate-entry")
    for _ in range(7):
        scan(gate, issue(person), "gate-entry")
    ids, cursor = [], None
    while True:
        query = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = client.get(f"{API}/ledger", query_string=query, headers=person.headers).get_json()
        ids += [row["scan_id"] for row in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(ids) == len(set(ids)) == 7


@pytest.mark.parametrize("cursor", ["x", "W10", "WzEsMl0", "!!", "A" * 2000, "WyJhIiwiYiJd"])
def test_a_cursor_that_the_ledger_never_gave_is_refused(client, town, cursor):
    answer = client.get(f"{API}/ledger", query_string={"cursor": cursor}, headers=town.resident().headers)
    assert answer.status_code == 422


def test_a_scan_of_a_stranger_is_in_nobody_elses_ledger(client, town, scan, issue):
    mine, other = town.resident(), town.resident()
    scan(town.terminal("gate-entry"), issue(other), "gate-entry")
    assert client.get(f"{API}/ledger", headers=mine.headers).get_json()["items"] == []


@pytest.mark.parametrize(
    "change",
    [
        {"scan_id": None},
        {"scan_id": "not-a-uuid"},
        {"scan_id": 7},
        {"code": None},
        {"code": 7},
        {"purpose": "x" * 65},
        {"purpose": "A B"},
        {"purpose": None},
        {"document": "12345"},
        {"document": "1234567"},
        {"document": "12345\u202e"},
        {"short_number": "1234567890"},
    ],
    ids=str,
)
def test_a_badly_shaped_scan_is_a_bad_request_and_leaves_no_trace(client, town, issue, change):
    person, terminal = town.resident(), town.terminal("gate-entry")
    body = {"scan_id": str(uuid.uuid4()), "code": issue(person), "purpose": "gate-entry"} | change
    answer = client.post(f"{API}/verify", json=body, headers=terminal.headers)
    assert answer.status_code == 422
    assert set(answer.get_json()["errors"]) == set(change)
    assert client.get(f"{API}/ledger", headers=person.headers).get_json()["items"] == []


def test_every_disclosure_is_audited_without_saying_who(town, scan, issue):
    person, window = town.resident(), town.terminal("window-acceptance")
    scan(window, issue(person), "window-acceptance")
    with town.parts.database.transaction() as session:
        rows = session.execute(
            text("SELECT action, subject, details FROM audit_events WHERE actor_id = :id"), {"id": window.id}
        ).all()
    assert [row.action for row in rows] == ["codes.disclose"]
    assert rows[0].details["fields"] == ["name", "id_number"]
    assert person.id_number not in str(rows[0])
    assert str(person.id) not in str(rows[0])
    assert len(bytes.fromhex(rows[0].subject)) == 32


def test_a_revoked_scanner_is_shut_out_at_once_though_its_token_runs(town, scan, issue, client):
    terminal = town.terminal("gate-entry")
    with town.parts.database.transaction() as session:
        accounts.revoke_client(session, terminal.id, town.now)
    problem = scan(terminal, issue(town.resident()), "gate-entry", status=401)
    assert problem["code"] in ("codes.scanner_revoked", "token_invalid", "accounts.token_invalid")


def test_a_kind_that_is_asked_for_twice_is_issued_once(client, town):
    person = town.resident()
    answer = client.post(
        "/api/v1/codes/issue", json={"kinds": ["identity", "dining", "identity"]}, headers=person.headers
    )
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert [code["kind"] for code in answer.get_json()["codes"]] == ["identity", "dining"]
