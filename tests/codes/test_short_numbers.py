"""Ten digits in the place of a code: three minutes, one acceptance, and no way to tell a used one from a wrong one."""

import dataclasses
import hashlib
import uuid
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from sqlalchemy import text

from qe_ban.codes import service
from qe_ban.codes.rules import is_short_number, with_check_digit
from qe_ban.codes.service import Wallet
from qe_ban.db import valkey
from qe_ban.db.limits import Limiter
from qe_ban.keys.models import Ring
from tests.codes.test_verify_races import at_once
from tests.factories.digests import plain_digest
from tests.factories.endings import end as end_rows

API = "/api/v1/codes"


class Still:
    """A clock that stands: limits are counted by the minute, and a test is to see one of them."""

    def __init__(self):
        self.now = datetime.now(UTC) + timedelta(seconds=5)

    def __call__(self):
        return self.now


@pytest.fixture
def issue_number(client):
    """Return a person's short number."""

    def call(person, kind="identity", at=client, **query):
        answer = at.post(f"{API}/{kind}/short-number", query_string=query, headers=person.headers)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        assert answer.headers["Cache-Control"] == "no-store"
        return answer.get_json()["number"]

    return call


@pytest.fixture
def type_number(client):
    """Verify a short number as a terminal; returns the answer."""

    def call(terminal, number, purpose="gate-entry", *, scan_id=None, at=client):
        body = {"scan_id": scan_id or str(uuid.uuid4()), "short_number": number, "purpose": purpose}
        return at.post(f"{API}/verify", json=body, headers=terminal.headers)

    return call


def another(number):
    """Return a number with a right check digit that stands for nothing."""
    return with_check_digit(f"{(int(number[:9]) + 1) % 10**9:09d}")


def end(town, number, ago=timedelta(seconds=1)):
    """Let a number's three minutes be over."""
    # a test before this one may have rotated the ring a moment ago
    town.parts.rings.refresh()
    macs = town.parts.rings.macs(Ring.DERIVE, "short-number", number.encode())
    query = text("UPDATE short_numbers SET expires_at = :at WHERE mac = ANY (:macs) RETURNING mac")
    with town.parts.database.transaction() as session:
        assert session.execute(query, {"at": town.now - ago, "macs": macs}).all()


def verdict_of(answer):
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return {name: value for name, value in answer.get_json().items() if name not in ("scan_id", "server_time")}


def test_the_check_digit_is_that_of_iso_7064_mod_11_10():
    assert with_check_digit("0794") == "07945"
    assert with_check_digit("00200667308") == "002006673085"


@pytest.mark.parametrize("digits", ["000000000", "123456789", "999999999", "314159265"])
def test_each_wrong_digit_is_told(digits):
    number = with_check_digit(digits)
    assert is_short_number(number)
    wrong = [
        number[:place] + digit + number[place + 1 :]
        for place in range(10)
        for digit in "0123456789"
        if digit != number[place]
    ]
    assert len(wrong) == 90
    assert not any(map(is_short_number, wrong))


@pytest.mark.parametrize("number", ["", "123", "12345678901", "１２３４５６７８９０", "12345 6789", "-123456789"])
def test_what_is_not_ten_digits_is_none(number):
    assert not is_short_number(number)


def test_a_number_is_accepted_like_the_code_it_stands_for(client, town, issue_number, type_number):
    person, window, scan_id = town.resident(), town.terminal("window-acceptance"), str(uuid.uuid4())
    before = town.now
    answer = client.post(f"{API}/identity/short-number", headers=person.headers).get_json()
    assert set(answer) == {"number", "expires_at"}
    life = datetime.fromisoformat(answer["expires_at"]) - before
    assert timedelta(seconds=178) <= life <= timedelta(seconds=182)
    verdict = type_number(window, answer["number"], "window-acceptance", scan_id=scan_id).get_json()
    assert (verdict["reason"], verdict["kind"], verdict["profile"]) == ("ok", "identity", "issued")
    assert verdict["holder"] == {"name": person.name, "id_number": person.id_number}
    rows = client.get(f"{API}/ledger", headers=person.headers).get_json()["items"]
    assert [(row["scan_id"], row["reason"], row["kind"]) for row in rows] == [(scan_id, "ok", "identity")]
    with town.parts.database.transaction() as session:
        stored_row = session.execute(text("SELECT cti, request FROM scans WHERE scan_id = :id"), {"id": scan_id}).one()
    assert len(stored_row.cti) == 16


def test_of_the_digits_only_a_keyed_hash_is_kept(town, issue_number, type_number):
    number, gate, scan_id = issue_number(town.resident()), town.terminal("gate-entry"), str(uuid.uuid4())
    type_number(gate, number, scan_id=scan_id)
    plain = [
        hashlib.sha256("\0".join(parts).encode()).digest()
        for parts in ((number, "gate-entry", ""), ("", "gate-entry", ""), ("", "gate-entry", "", number), (number,))
    ]
    with town.parts.database.transaction() as session:
        rows = session.execute(text("SELECT * FROM short_numbers")).all()
        request = session.scalar(text("SELECT request FROM scans WHERE scan_id = :id"), {"id": scan_id})
    assert rows
    assert number not in str(rows)
    assert b"QE1:" not in b"".join(row.code_sealed for row in rows)
    assert request not in plain


def test_wrong_used_and_over_are_one_answer_and_one_kind_of_record(town, issue_number, type_number):
    gate, person = town.terminal("gate-entry"), town.resident()
    used, over = issue_number(person), issue_number(person)
    assert verdict_of(type_number(gate, used))["reason"] == "ok"
    end(town, over)
    answers, ids = [], []
    for number in (another(used), used, over):
        ids.append(str(uuid.uuid4()))
        answers.append(verdict_of(type_number(gate, number, scan_id=ids[-1])))
    assert answers[0] == answers[1] == answers[2]
    assert answers[0] == {
        "accepted": False,
        "reason": "expired",
        "kind": None,
        "profile": None,
        "holder": {},
        "detail": {},
        "repeat": False,
    }
    query = text(
        "SELECT reason, kind, profile, cti, showing, holder, fields, as_of, guardian FROM scans WHERE scan_id = :i"
    )
    with town.parts.database.transaction() as session:
        rows = {tuple(map(str, session.execute(query, {"i": scan}).one())) for scan in ids}
    assert [row[-1] for row in rows] == ["False"], "one kind of record, and no guardian's"


class Overheard(psycopg.Connection):
    """A connection that remembers what was asked on it."""

    def execute(self, query, params=None, **options):
        self.queries.append((query, sorted(params or ())))
        return super().execute(query, params, **options)


@pytest.fixture
def overheard(settings):
    with Overheard.connect(settings.database_url, autocommit=True) as connection:
        connection.queries = []
        yield connection


def test_wrong_used_and_over_are_asked_for_with_the_same_statements(town, issue_number, type_number, overheard):
    gate, person, parts = town.terminal("gate-entry"), town.resident(), town.parts
    used, over = issue_number(person), issue_number(person)
    type_number(gate, used)
    end(town, over)
    heard = []
    for number in (another(used), used, over):
        overheard.queries = []
        verify_request = service.VerifyRequest(
            scanner=gate.id, scan_id=uuid.uuid4(), purpose="gate-entry", short_number=number
        )
        assert (
            service.verify_number(parts.get(Wallet), parts.limiter, overheard, verify_request, town.now).reason
            == "expired"
        )
        heard.append(overheard.queries)
    assert len(heard[0]) == 3, "looked up, judged, kept"
    assert heard[0] == heard[1] == heard[2]


def test_a_wrong_check_digit_is_malformed_and_not_looked_up(town, issue_number, overheard):
    number, gate, parts = issue_number(town.resident()), town.terminal("gate-entry"), town.parts
    wrong = number[:9] + str((int(number[9]) + 1) % 10)
    verify_request = service.VerifyRequest(
        scanner=gate.id, scan_id=uuid.uuid4(), purpose="gate-entry", short_number=wrong
    )
    assert (
        service.verify_number(parts.get(Wallet), parts.limiter, overheard, verify_request, town.now).reason
        == "malformed"
    )
    assert not [query for query, _ in overheard.queries if "short_numbers" in query]


def test_a_refusal_does_not_spend_a_number(town, issue_number, type_number):
    number, gate, desk = (
        issue_number(town.resident(), "medical"),
        town.terminal("gate-entry"),
        town.terminal("settlement"),
    )
    assert verdict_of(type_number(gate, number))["reason"] == "kind_not_accepted"
    assert verdict_of(type_number(gate, number, "settlement"))["reason"] == "purpose_not_allowed"
    assert verdict_of(type_number(desk, number, "settlement"))["reason"] == "ok"
    assert verdict_of(type_number(desk, number, "settlement"))["reason"] == "expired"


def test_a_number_is_held_to_all_that_its_code_is(client, town, issue_number, type_number):
    person, canteen = town.resident(), town.terminal("meal-redemption")
    first, second = issue_number(person, "dining"), issue_number(person, "dining")
    assert verdict_of(type_number(canteen, first, "meal-redemption"))["reason"] == "ok"
    assert verdict_of(type_number(canteen, second, "meal-redemption"))["reason"] == "used"
    number, gate = issue_number(person), town.terminal("gate-entry")
    client.post(f"{API}/identity/suspend", headers=person.headers)
    assert verdict_of(type_number(gate, number))["reason"] == "suspended"


def test_of_many_scans_at_once_one_is_accepted_and_the_others_hear_what_anybody_hears(
    town, issue_number, type_number, make_app
):
    clients = [make_app().test_client() for _ in range(4)]
    gates = [town.terminal("gate-entry") for _ in range(8)]
    for _ in range(3):
        number = issue_number(town.resident())
        answers = at_once(16, lambda n, number=number: verdict_of(type_number(gates[n % 8], number, at=clients[n % 4])))
        assert sorted(answer["reason"] for answer in answers) == ["expired"] * 15 + ["ok"]
        assert len({str(answer) for answer in answers if not answer["accepted"]}) == 1


def test_the_same_scan_at_once_gives_one_scan(client, town, issue_number, type_number, make_app):
    clients, person = [make_app().test_client() for _ in range(4)], town.resident()
    window, number, scan_id = town.terminal("window-acceptance"), issue_number(person), str(uuid.uuid4())
    answers = at_once(
        8, lambda n: verdict_of(type_number(window, number, "window-acceptance", scan_id=scan_id, at=clients[n % 4]))
    )
    assert {answer["reason"] for answer in answers} == {"ok"}
    assert [answer["holder"] for answer in answers] == [{"name": person.name, "id_number": person.id_number}] * 8
    assert sum(not answer["repeat"] for answer in answers) == 1
    assert len(client.get(f"{API}/ledger", headers=person.headers).get_json()["items"]) == 1


def test_a_repeat_gives_the_stored_verdict_for_ten_minutes_with_holder_data(town, issue_number, type_number, make_app):
    person, window, scan_id = town.resident(), town.terminal("window-acceptance"), str(uuid.uuid4())
    number = issue_number(person)
    first = verdict_of(type_number(window, number, "window-acceptance", scan_id=scan_id))
    end(town, number, timedelta(minutes=6))
    with town.parts.database.transaction() as session:
        end_rows(session, service.ENDINGS, town.now)
    again = verdict_of(type_number(window, number, "window-acceptance", scan_id=scan_id))
    assert again == first | {"repeat": True}
    end(town, number, timedelta(minutes=11))
    with town.parts.database.transaction() as session:
        end_rows(session, service.ENDINGS, town.now)
        macs = town.parts.rings.macs(Ring.DERIVE, "short-number", number.encode())
        assert not session.scalar(text("SELECT count(*) FROM short_numbers WHERE mac = ANY (:macs)"), {"macs": macs})
    late = verdict_of(type_number(window, number, "window-acceptance", scan_id=scan_id))
    assert (late["reason"], late["repeat"], late["holder"]) == ("ok", True, {})


def test_a_repeat_of_a_miss_stays_one(town, issue_number, type_number):
    number, gate, scan_id = issue_number(town.resident()), town.terminal("gate-entry"), str(uuid.uuid4())
    wrong = another(number)
    assert verdict_of(type_number(gate, wrong, scan_id=scan_id))["repeat"] is False
    assert verdict_of(type_number(gate, wrong, scan_id=scan_id))["repeat"] is True


@pytest.mark.parametrize("other", ["number", "code", "purpose"])
def test_a_scan_id_with_another_request_is_a_conflict(client, town, issue_number, type_number, issue, other):
    person, gate, scan_id = town.resident(), town.terminal("gate-entry", "admission"), str(uuid.uuid4())
    number = issue_number(person)
    type_number(gate, number, scan_id=scan_id)
    if other == "code":
        body = {"scan_id": scan_id, "code": issue(person), "purpose": "gate-entry"}
        answer = client.post(f"{API}/verify", json=body, headers=gate.headers)
    elif other == "number":
        answer = type_number(gate, issue_number(person), scan_id=scan_id)
    else:
        answer = type_number(gate, number, "admission", scan_id=scan_id)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "codes.scan_id_reused")


def test_after_ten_misses_in_a_minute_a_scanner_waits_whatever_it_types(town, issue_number, type_number, make_app):
    at = make_app(Still()).test_client()
    person, gate, other = town.resident(), town.terminal("gate-entry"), town.terminal("gate-entry")
    good, spare = issue_number(person, at=at), issue_number(person, at=at)
    scan_id = str(uuid.uuid4())
    stored_row = verdict_of(type_number(gate, good, scan_id=scan_id, at=at))
    wrong = another(spare)
    for _ in range(10):
        assert verdict_of(type_number(gate, wrong, at=at))["reason"] == "expired"
    for number in (wrong, spare, good):
        answer = type_number(gate, number, at=at)
        assert (answer.status_code, answer.get_json()["code"]) == (429, "too_many_requests")
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert verdict_of(type_number(gate, good, scan_id=scan_id, at=at)) == stored_row | {"repeat": True}, (
        "a repeat is no guess"
    )
    assert verdict_of(type_number(other, spare, at=at))["reason"] == "ok", "another scanner does not wait"


def test_what_is_no_guess_does_not_count(town, issue_number, type_number, make_app):
    at = make_app(Still()).test_client()
    person, gate = town.resident(), town.terminal("gate-entry")
    number = issue_number(person, at=at)
    for _ in range(12):
        assert (
            verdict_of(type_number(gate, number[:9] + str((int(number[9]) + 1) % 10), at=at))["reason"] == "malformed"
        )
    for _ in range(12):
        assert verdict_of(type_number(gate, issue_number(person, at=at), at=at))["reason"] == "ok"


@pytest.mark.parametrize("valkey", ["there", "away"])
def test_of_many_guesses_at_once_ten_at_most_are_looked_up(town, issue_number, type_number, make_app, settings, valkey):
    away = {} if valkey == "there" else {"redis_url": "unix:///nowhere/valkey.sock"}
    clock = Still()
    clients = [make_app(clock, dataclasses.replace(settings, **away)).test_client() for _ in range(2)]
    gate, wrong = town.terminal("gate-entry"), another(issue_number(town.resident()))
    answers = at_once(24, lambda n: type_number(gate, wrong, at=clients[n % 2]).status_code)
    assert set(answers) == {200, 429}
    assert answers.count(200) == (10 if valkey == "there" else 5)


@pytest.mark.parametrize(
    ("change", "at_fault"),
    [
        ({"short_number": "123456789"}, "short_number"),
        ({"short_number": "12345678901"}, "short_number"),
        ({"short_number": "12345 6789"}, "short_number"),
        ({"short_number": 1234567890}, "short_number"),
        ({"short_number": None}, "short_number"),
        ({"short_number": ["1234567890"]}, "short_number"),
        ({"code": "QE1:", "short_number": "1234567890"}, "short_number"),
        ({}, "code"),
    ],
    ids=str,
)
def test_a_badly_shaped_number_is_a_bad_field(client, town, change, at_fault):
    body = {"scan_id": str(uuid.uuid4()), "purpose": "gate-entry"} | change
    answer = client.post(f"{API}/verify", json=body, headers=town.terminal("gate-entry").headers)
    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]) == [at_fault]


def test_what_is_not_active_has_no_number(client, town):
    person, nobody = town.resident(), town.resident(has_real_name=False)
    client.post(f"{API}/identity/suspend", headers=person.headers)
    for caller, kind, status, code in (
        (person, "identity", 409, "codes.not_issued"),
        (nobody, "health", 409, "codes.not_issued"),
        (person, "library", 404, "codes.unknown_kind"),
    ):
        answer = client.post(f"{API}/{kind}/short-number", headers=caller.headers)
        assert (answer.status_code, answer.get_json()["code"]) == (status, code)


def test_a_guardians_number_says_that_a_guardian_shows_it(town, issue_number, type_number):
    guardian, ward = town.resident(), town.resident()
    for_, gate = town.guard(guardian, ward), town.terminal("gate-entry")
    used_number, other_number = (issue_number(guardian, **{"for": for_}) for _ in range(2))
    verdict = verdict_of(type_number(gate, used_number))
    assert (verdict["reason"], verdict["guardian"]) == ("ok", True)
    town.unguard(guardian, for_)
    assert verdict_of(type_number(gate, other_number))["reason"] == "revoked"


def test_a_revoked_scanner_learns_nothing_by_numbers(town, issue_number, type_number):
    number, gate = issue_number(town.resident()), town.terminal("gate-entry")
    with town.parts.database.transaction() as session:
        session.execute(text("UPDATE clients SET revoked_at = now() WHERE id = :id"), {"id": gate.id})
    assert type_number(gate, number).status_code == 401
    assert verdict_of(type_number(town.terminal("gate-entry"), number))["reason"] == "ok"


class Cut(psycopg.Connection):
    """A connection whose server does not answer any more."""

    def execute(self, query, params=None, **options):
        raise psycopg.OperationalError("gone")


def test_tries_that_the_database_did_not_answer_are_no_guesses(town, issue_number, type_number, settings, make_app):
    clock = Still()
    number, gate = issue_number(town.resident()), town.terminal("gate-entry")
    parts = dataclasses.replace(
        town.parts, limiter=Limiter(valkey.connect(settings.redis_url), None, clock, plain_digest)
    )
    with Cut.connect(settings.database_url, autocommit=True) as cut:
        for _ in range(12):
            verify_request = service.VerifyRequest(
                scanner=gate.id, scan_id=uuid.uuid4(), purpose="gate-entry", short_number=number
            )
            with pytest.raises(psycopg.OperationalError):
                service.verify_number(parts.get(Wallet), parts.limiter, cut, verify_request, clock())
    assert verdict_of(type_number(gate, number, at=make_app(clock).test_client()))["reason"] == "ok"


def test_repeats_of_a_scan_take_no_tries_from_its_scanner(town, issue_number, type_number, make_app):
    at = make_app(Still()).test_client()
    person, gate, scan_id = town.resident(), town.terminal("gate-entry"), str(uuid.uuid4())
    number, spare = issue_number(person, at=at), issue_number(person, at=at)
    assert verdict_of(type_number(gate, number, scan_id=scan_id, at=at))["repeat"] is False
    for _ in range(12):
        assert verdict_of(type_number(gate, number, scan_id=scan_id, at=at))["repeat"] is True
    assert verdict_of(type_number(gate, spare, at=at))["reason"] == "ok"


def test_repeats_of_a_miss_take_no_further_tries(town, issue_number, type_number, make_app):
    at = make_app(Still()).test_client()
    person, gate, scan_id = town.resident(), town.terminal("gate-entry"), str(uuid.uuid4())
    number = issue_number(person, at=at)
    wrong = another(number)
    for _ in range(13):
        assert verdict_of(type_number(gate, wrong, scan_id=scan_id, at=at))["reason"] == "expired"
    assert verdict_of(type_number(gate, number, at=at))["reason"] == "ok"
