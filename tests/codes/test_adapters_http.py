"""The second source: a real process that answers, hangs, lies and dies."""

import json
import threading
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sqlalchemy import select

from qe_ban.codes.adapters import Person, SourceAway, http
from qe_ban.codes.adapters.http import HttpSource
from qe_ban.codes.models import AnswerOfSource
from qe_ban.codes.rules import State
from qe_ban.codes.service import hashing
from qe_ban.config import Outside
from tests.factories.codes import INSURANCE
from tests.factories.waits import HANG_TIMEOUT

REAL_TIMEOUT = http.CONNECT + http.READ
SOMEBODY = Person("resident_id", "370202199003070011", "测试甲")


class Bureau(ThreadingHTTPServer):
    """An outside system on a port of its own; `answer` is what it says next."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), BureauHandler)
        self.questions = []
        self.status, self.may_answer = 200, threading.Event()
        self.may_answer.set()
        self.answer = {"state": "active", "detail": INSURANCE, "as_of": "2026-01-01T00:00:00Z"}
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/entitlements"

    def die(self):
        self.may_answer.set()
        self.shutdown()
        self.server_close()


class BureauHandler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.questions.append((self.headers["Authorization"], json.loads(body)))
        self.server.may_answer.wait()
        answer = self.server.answer
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture(autouse=True)
def long_wait(monkeypatch):
    """Let no answer come too late because this machine is slow."""
    monkeypatch.setattr(http, "CONNECT", HANG_TIMEOUT)
    monkeypatch.setattr(http, "READ", HANG_TIMEOUT)


@pytest.fixture
def bureau():
    server = Bureau()
    yield server
    server.die()


@pytest.fixture
def app_with_source(settings, make_app, bureau):
    """Make an app for which the bureau is the source of a kind, with a clock that can be put forward."""

    def make(kind):
        ahead = timedelta(0)

        def clock():
            return datetime.now(UTC) + ahead

        def put_forward(**by):
            nonlocal ahead
            ahead += timedelta(**by)

        outside = Outside(sources={kind: bureau.url}, token="secret-of-the-bureau")
        client = make_app(clock, replace(settings, outside=outside)).test_client()
        client.put_forward, client.now = put_forward, clock
        return client

    return make


@pytest.fixture
def at_bureau(app_with_source):
    """Return an app whose medical entitlements are the bureau's."""
    return app_with_source("medical")


def medical(town, person, at):
    return town.code(person.numbers["medical"], "medical", at=at.now(), life=300)


def test_it_is_asked_who_and_for_what_kind_and_its_word_counts(town, scan, bureau, at_bureau):
    person, desk = town.resident(records=False), town.terminal("registration")
    verdict = scan(desk, medical(town, person, at_bureau), "registration", at=at_bureau)
    assert (verdict["reason"], verdict["holder"]["insured_type"]) == ("ok", INSURANCE["insured_type"])
    assert bureau.questions == [
        (
            "Bearer secret-of-the-bureau",
            {"kind": "medical", "id_type": "resident_id", "id_number": person.id_number, "name": person.name},
        )
    ]
    bureau.answer = {"state": "not_entitled", "reason": "not_insured", "as_of": "2026-01-02T00:00:00Z"}
    assert scan(desk, medical(town, person, at_bureau), "registration", at=at_bureau)["reason"] == "ok"
    assert len(bureau.questions) == 1, "an answer of a moment ago is not asked for again"
    at_bureau.put_forward(seconds=151)
    assert scan(desk, medical(town, person, at_bureau), "registration", at=at_bureau)["reason"] == "not_entitled"


def test_killed_it_leaves_stale_ok_with_its_moment_then_stale(town, scan, bureau, at_bureau):
    person, desk = town.resident(records=False), town.terminal("dispensing")
    assert scan(desk, medical(town, person, at_bureau), "dispensing", at=at_bureau)["reason"] == "ok"
    bureau.die()
    at_bureau.put_forward(seconds=151)
    code, scan_id = medical(town, person, at_bureau), str(uuid.uuid4())
    for is_repeat in (False, True):
        verdict = scan(desk, code, "dispensing", scan_id=scan_id, at=at_bureau)
        assert (verdict["accepted"], verdict["reason"], verdict["as_of"]) == (True, "stale_ok", "2026-01-01T00:00:00Z")
        assert verdict["repeat"] is is_repeat
    with town.parts.database.transaction() as session:
        hashes = hashing.answer_hashes(town.parts.rings, person.numbers["medical"], town.now)
        row = session.scalars(select(AnswerOfSource).where(AnswerOfSource.holder.in_(hashes))).one()
        row.asked_at -= timedelta(hours=25)
    late = scan(desk, medical(town, person, at_bureau), "dispensing", at=at_bureau)
    assert (late["accepted"], late["reason"], late["holder"]) == (False, "stale", {})


def test_away_and_never_asked_is_stale(town, scan, bureau, at_bureau):
    bureau.die()
    person, desk = town.resident(records=False), town.terminal("dispensing")
    assert scan(desk, medical(town, person, at_bureau), "dispensing", at=at_bureau)["reason"] == "stale"


def test_a_kept_refusal_stands_while_it_is_away(town, scan, bureau, at_bureau):
    bureau.answer = {"state": "suspended", "reason": "card_lost", "as_of": "2026-01-01T00:00:00Z"}
    person, desk = town.resident(records=False), town.terminal("dispensing")
    assert scan(desk, medical(town, person, at_bureau), "dispensing", at=at_bureau)["reason"] == "suspended"
    bureau.die()
    at_bureau.put_forward(seconds=151)
    assert scan(desk, medical(town, person, at_bureau), "dispensing", at=at_bureau)["reason"] == "suspended"


@pytest.mark.parametrize(("kind", "purpose"), [("health", "health-check"), ("dining", "meal-redemption")])
def test_a_colour_and_a_meal_are_never_given_on_a_kept_answer(town, scan, settings, make_app, bureau, kind, purpose):
    outside = Outside(sources={kind: bureau.url}, token=None)
    person, desk = town.resident(records=False), town.terminal(purpose)
    detail = {"level": "green"} if kind == "health" else {"meals": ["breakfast", "lunch", "dinner", "supper"]}
    town.keep_answer(person, kind, State.ACTIVE, detail=detail, age=timedelta(minutes=4))
    bureau.die()
    client = make_app(settings=replace(settings, outside=outside)).test_client()
    verdict = scan(desk, town.code(person.numbers[kind], kind), purpose, at=client)
    assert (verdict["reason"], verdict["accepted"]) == ("stale", False)


def test_the_wallet_shows_its_word_and_keeps_it(town, bureau, at_bureau):
    bureau.answer = {"state": "suspended", "reason": "card_lost", "as_of": "2026-01-01T00:00:00Z"}
    person = town.resident(records=False)
    cards = at_bureau.get("/api/v1/codes", headers=person.headers).get_json()["items"]
    card = next(kind for kind in cards if kind["kind"] == "medical")
    assert (card["state"], card["reason"], card["as_of"]) == ("suspended", "card_lost", "2026-01-01T00:00:00Z")
    bureau.die()
    at_bureau.put_forward(seconds=151)
    again = at_bureau.get("/api/v1/codes", headers=person.headers).get_json()["items"]
    assert next(kind for kind in again if kind["kind"] == "medical")["state"] == "suspended"


def test_issuing_asks_nobody(town, bureau, at_bureau):
    person = town.resident(records=False)
    assert at_bureau.post("/api/v1/codes/medical/issue", headers=person.headers).status_code == 200
    assert bureau.questions == []


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"not json",
        b"[]",
        b"{}",
        b"x" * 20_000,
        {"state": "perhaps", "as_of": "2026-01-01T00:00:00Z"},
        {"state": "active"},
        {"state": "active", "as_of": "yesterday"},
        {"state": "active", "as_of": "2026-01-01T00:00:00"},
        {"state": "active", "as_of": 7},
        {"state": "active", "as_of": "2026-01-01T00:00:00Z", "reason": "x" * 65},
        {"state": "active", "as_of": "2026-01-01T00:00:00Z", "detail": []},
        {"state": "active", "as_of": "2026-01-01T00:00:00Z", "detail": "text"},
        {"state": "active", "as_of": "0001-01-01T00:00:00+14:00"},
        {"state": "active", "as_of": "2026-01-01T00:00:00Z", "reason": "a\u0000b"},
        {"state": "active", "as_of": "2026-01-01T00:00:00Z", "reason": "\ud800"},
        {"state": "active", "as_of": "2026-01-01T00:00:00Z", "detail": {"insured_type": "\u202e"}},
        b"[" * 16_000,
    ],
    ids=str,
)
def test_an_answer_without_sense_is_no_answer(bureau, answer):
    bureau.answer = answer
    if answer == {"state": "active", "as_of": "2026-01-01T00:00:00Z", "detail": []}:
        assert HttpSource(bureau.url, None).ask("medical", SOMEBODY, datetime.now(UTC)).detail == {}
        return
    with pytest.raises(SourceAway):
        HttpSource(bureau.url, None).ask("medical", SOMEBODY, datetime.now(UTC))


@pytest.mark.parametrize("meals", ["lunch", None, [7], {}])
def test_meals_are_a_list_of_words(bureau, meals):
    bureau.answer = {"state": "active", "as_of": "2026-01-01T00:00:00Z", "detail": {"meals": meals}}
    with pytest.raises(SourceAway):
        HttpSource(bureau.url, None).ask("dining", SOMEBODY, datetime.now(UTC))


def test_a_kept_refusal_of_a_day_ago_is_nobodys_word_any_more(town, scan, bureau, at_bureau):
    person, desk = town.resident(records=False), town.terminal("dispensing")
    town.keep_answer(person, "medical", State.NOT_ENTITLED, age=timedelta(hours=25))
    bureau.die()
    assert scan(desk, medical(town, person, at_bureau), "dispensing", at=at_bureau)["reason"] == "stale"


def test_an_answer_from_the_future_is_not_fresh_and_is_replaced(town, scan, bureau, at_bureau):
    person, desk = town.resident(records=False), town.terminal("dispensing")
    town.keep_answer(person, "medical", State.SUSPENDED, age=-timedelta(hours=6))
    assert scan(desk, medical(town, person, at_bureau), "dispensing", at=at_bureau)["reason"] == "ok"
    assert scan(desk, medical(town, person, at_bureau), "dispensing", at=at_bureau)["reason"] == "ok"
    assert len(bureau.questions) == 1


@pytest.mark.parametrize("level", ["blue", 0, None])
def test_a_level_is_one_of_three_words(bureau, level):
    bureau.answer = {"state": "active", "as_of": "2026-01-01T00:00:00Z", "detail": {"level": level}}
    with pytest.raises(SourceAway):
        HttpSource(bureau.url, None).ask("health", SOMEBODY, datetime.now(UTC))


def test_a_source_that_hangs_is_given_up_while_it_still_hangs_and_then_left_alone(bureau, monkeypatch):
    monkeypatch.setattr(http, "READ", 0.2)
    source = HttpSource(bureau.url, None)
    bureau.may_answer.clear()
    for _ in range(3):
        with pytest.raises(SourceAway):
            source.ask("medical", SOMEBODY, datetime.now(UTC))
    with pytest.raises(SourceAway, match="circuit open"):
        source.ask("medical", SOMEBODY, datetime.now(UTC))
    assert len(bureau.questions) == 3


def test_a_moment_ahead_of_ours_is_taken_as_now(bureau):
    bureau.answer = {"state": "active", "as_of": "2999-01-01T00:00:00Z"}
    now = datetime.now(UTC)
    assert HttpSource(bureau.url, None).ask("medical", SOMEBODY, now).as_of == now


def test_nobody_is_asked_about_a_code_that_its_holder_reported_lost(town, scan, bureau, at_bureau):
    person, desk = town.resident(records=False), town.terminal("registration")
    response = at_bureau.post("/api/v1/codes/medical/suspend", headers=person.headers)
    assert response.status_code == 200, response.get_data(as_text=True)
    bureau.questions.clear()
    verdict = scan(desk, medical(town, person, at_bureau), "registration", at=at_bureau)
    assert (verdict["reason"], verdict["holder"], bureau.questions) == ("suspended", {}, [])


@pytest.mark.parametrize("purpose", ["gate-entry", "settlement"])
def test_nobody_is_asked_for_a_scanner_that_may_not_scan(town, scan, bureau, at_bureau, purpose):
    person, desk = town.resident(records=False), town.terminal("gate-entry")
    verdict = scan(desk, medical(town, person, at_bureau), purpose, at=at_bureau)
    assert verdict["reason"] in {"kind_not_accepted", "purpose_not_allowed"}
    assert bureau.questions == []


@pytest.mark.parametrize(("seconds", "reason", "level"), [(20, "ok", "green"), (200, "stale", None)])
def test_a_repeat_tells_a_level_only_while_the_sources_word_is_of_now(
    town, scan, bureau, app_with_source, seconds, reason, level
):
    at_source = app_with_source("health")
    person, desk, scan_id = town.resident(records=False), town.terminal("health-check"), str(uuid.uuid4())
    bureau.answer = {"state": "active", "detail": {"level": "green"}, "as_of": "2026-01-01T00:00:00Z"}
    code = town.code(person.numbers["health"], "health", at=at_source.now(), life=300)
    first = scan(desk, code, "health-check", scan_id=scan_id, at=at_source)
    assert (first["reason"], first["health"]["level"]) == ("ok", "green")
    bureau.answer = {"state": "active", "detail": {"level": "red"}, "as_of": "2026-01-01T00:00:00Z"}
    at_source.put_forward(seconds=seconds)
    again = scan(desk, code, "health-check", scan_id=scan_id, at=at_source)
    assert (again["reason"], again["accepted"], again["repeat"]) == (reason, reason == "ok", True)
    assert again.get("health", {}).get("level") == level
    assert len(bureau.questions) == 1, "a repeat is no new question"


def test_a_scanner_waits_for_a_source_well_under_a_second():
    assert pytest.approx(0.7) == REAL_TIMEOUT
