"""The interface of venues and scanners over HTTP: shapes, rights, refusals, and what bad input may not do."""

import re
import threading
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from qe_ban.db.engine import Database
from qe_ban.kernel.ids import new_id
from qe_ban.venues.models import Enrolment, Venue
from tests.factories.venues import LAOSHAN
from tests.venues.conftest import CITY, LAOSHAN_ADMIN, READER, SCANNER, refusal_of, venue_body

NOBODYS = "0199a1b2-0000-7000-8000-000000000000"


def test_a_venue_is_made_and_read(call):
    body = venue_body()
    venue = call("POST", "", body)
    assert venue.status_code == 201
    assert {name: venue.json[name] for name in body} == body
    assert set(venue.json) == {*body, "id", "created_at", "review"}
    assert call("GET", f"/{venue.json['id']}").json == venue.json


def test_a_repeat_with_the_same_key_makes_no_second_venue(database, call):
    body, key = venue_body(), {"Idempotency-Key": str(uuid4())}
    first, second = (call("POST", "", body, headers=key) for _ in range(2))
    assert first.json == second.json
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.headers["Idempotency-Replayed"] == "true"
    refusal_of(call("POST", "", venue_body(), headers=key), 422, "idempotency_reused")
    with database.transaction() as session:
        assert session.scalar(select(func.count()).where(Venue.name == body["name"])) == 1


def test_the_same_key_at_the_same_instant_makes_one_venue(database, call):
    body, key, start = venue_body(), {"Idempotency-Key": str(uuid4())}, threading.Barrier(8)
    statuses = []

    def work():
        start.wait()
        statuses.append(call("POST", "", body, headers=key).status_code)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) <= {201, 409}
    assert 201 in statuses
    with database.transaction() as session:
        assert session.scalar(select(func.count()).where(Venue.name == body["name"])) == 1


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"district": "370205"}, "district"),
        ({"district": "37020"}, "district"),
        ({"district": "３７０２０２"}, "district"),
        ({"scene": "nowhere"}, "scene"),
        ({"name": ""}, "name"),
        ({"name": "馆" * 101}, "name"),
        ({"name": 1}, "name"),
        ({"name": None}, "name"),
        ({"name": "馆\u202eexe"}, "name"),
        ({"address": "路\r\nSet-Cookie: a=b"}, "address"),
        ({"id": NOBODYS}, "id"),
    ],
)
def test_a_venue_with_a_bad_field_is_refused_and_named(call, fields, field):
    answer = call("POST", "", venue_body(**fields))
    assert answer.status_code == 422
    assert set(answer.json["errors"]) == {field}


def test_a_name_that_looks_like_sql_is_only_a_name(call):
    body = venue_body(name="'); DROP TABLE venues; -- ${x} {{7*7}}")
    assert call("POST", "", body).json["name"] == body["name"]


def test_a_venue_is_made_in_the_own_district_only(call):
    refusal_of(call("POST", "", venue_body(district=LAOSHAN)), 403, "forbidden")
    assert call("POST", "", venue_body(district=LAOSHAN), token=CITY).status_code == 201


def test_another_districts_venue_and_scanner_are_not_there(call, venue_id, enrolment):
    scanner_id = call("POST", "/scanners/enrol", enrolment, token=None).json["scanner_id"]
    for target in (venue_id, str(uuid4()), str(new_id())):
        refusal_of(call("GET", f"/{target}", token=LAOSHAN_ADMIN), 404, "venues.not_found")
        refusal_of(call("GET", f"/{target}/scanners", token=LAOSHAN_ADMIN), 404, "venues.not_found")
        body = {"purposes": ["identity-check"]}
        refusal_of(call("POST", f"/{target}/scanners", body, token=LAOSHAN_ADMIN), 404, "venues.not_found")
    for target in (scanner_id, str(new_id())):
        answer = call("POST", f"/scanners/{target}/revoke", token=LAOSHAN_ADMIN)
        refusal_of(answer, 404, "venues.scanner_not_found")
    assert call("GET", f"/{venue_id}/scanners").json["items"][0]["revoked_at"] is None


@pytest.mark.parametrize("odd", ["1", "..", "%00", "00000000-0000-0000-0000-00000000000G", "' OR 1=1 --", "A" * 3000])
def test_an_odd_id_in_a_path_is_not_found(call, odd):
    for method, path in (("GET", f"/{odd}"), ("GET", f"/{odd}/scanners"), ("POST", f"/scanners/{odd}/revoke")):
        assert call(method, path).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("POST", "", {}),
        ("GET", f"/{NOBODYS}", None),
        ("GET", f"/{NOBODYS}/scanners", None),
        ("POST", f"/{NOBODYS}/scanners", {}),
        ("POST", f"/scanners/{NOBODYS}/revoke", None),
    ],
)
def test_staff_alone_come_in(call, method, path, body):
    for token in (None, "nobody"):
        answer = call(method, path, body, token=token)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    refusal_of(call(method, path, body, token=SCANNER), 403, "forbidden")
    if method == "POST":
        refusal_of(call(method, path, body, token=READER), 403, "forbidden")


def test_lists_come_in_pages_of_the_own_district(call):
    ids = [call("POST", "", venue_body()).json["id"] for _ in range(3)]
    first = call("GET", "?limit=2").json
    second = call("GET", f"?limit=1&cursor={first['next']}").json
    assert [venue["id"] for venue in first["items"] + second["items"]] == ids[::-1]
    theirs = call("GET", "?limit=100", token=LAOSHAN_ADMIN).json["items"]
    assert {venue["district"] for venue in theirs} <= {LAOSHAN}


@pytest.mark.parametrize(
    "query", ["?limit=0", "?limit=x", "?cursor=WyIxIl0", "?cursor=bm8", "?all=1", "?limit=1&limit=2"]
)
def test_a_bad_query_is_refused(call, venue_id, query):
    for path in ("", f"/{venue_id}/scanners"):
        assert call("GET", path + query).status_code in {400, 422}


def test_an_enrolment_code_is_shown_once_and_says_until_when(call, venue_id, clock):
    answer = call("POST", f"/{venue_id}/scanners", {"purposes": ["identity-check"], "label": "3号窗口"})
    assert answer.status_code == 201
    assert set(answer.json) == {"id", "state", "enrolment_code", "expires_at"}
    assert re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}", answer.json["enrolment_code"])
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"purposes": []},
        {"purposes": "identity-check"},
        {"purposes": ["identity-check", "identity-check"]},
        {"purposes": ["meal-redemption"]},
        {"purposes": [None]},
        {"purposes": ["identity-check"] * 40},
        {"purposes": ["identity-check"], "label": ""},
        {"purposes": ["identity-check"], "venue_id": "x"},
    ],
)
def test_a_bad_invitation_is_refused_and_makes_no_code(database, call, venue_id, body):
    assert call("POST", f"/{venue_id}/scanners", body).status_code == 422
    with database.transaction() as session:
        assert session.scalar(select(func.count()).where(Enrolment.venue_id == venue_id)) == 0


BAD_BODIES = {
    "no body": ({}, {400, 411, 415}),
    "malformed": ({"data": b'{"name": '}, {400}),
    "text": ({"data": b"{}", "content_type": "text/plain"}, {415}),
    "an array": ({"data": b"[]"}, {422}),
    "duplicate keys": ({"data": b'{"name": "a", "name": "b"}'}, {400}),
    "not a number": ({"data": b'{"name": NaN}'}, {400}),
    "many digits": ({"data": b'{"name": ' + b"9" * 5000 + b"}"}, {400}),
    "deep": ({"data": b'{"name": ' + b"[" * 5000 + b"]" * 5000 + b"}"}, {400}),
    "surrogate": ({"data": b'{"name": "\\ud800"}'}, {400}),
    "NUL": ({"data": b'{"name": "\\u0000"}'}, {400}),
    "bad UTF-8": ({"data": b'{"name": "\xff"}'}, {400}),
    "10 MB": ({"data": b'{"name": "' + b"a" * 10_000_000 + b'"}'}, {413}),
    "unknown field": ({"data": b'{"nothing": 1}'}, {422}),
}


@pytest.mark.parametrize("bad", BAD_BODIES)
@pytest.mark.parametrize("path", ["", "/{venue_id}/scanners", "/scanners/enrol"])
def test_a_bad_body_gets_a_problem_document(call, venue_id, path, bad):
    more, statuses = BAD_BODIES[bad]
    answer = call("POST", path.format(venue_id=venue_id), **{"content_type": "application/json", **more})
    assert answer.status_code in statuses, answer.text
    assert answer.content_type == "application/problem+json"


def test_with_postgresql_away_every_call_is_503_and_says_when_to_come_again(make_call, venue_id, enrolment):
    call = make_call(database=Database("postgresql://qe@127.0.0.1:1/none"))
    for answer in (
        call("GET", ""),
        call("POST", "", venue_body()),
        call("POST", f"/{venue_id}/scanners", {"purposes": ["identity-check"]}),
        call("POST", "/scanners/enrol", enrolment, token=None),
        call("POST", f"/scanners/{uuid4()}/revoke"),
    ):
        refusal_of(answer, 503, "database_unavailable")
        assert int(answer.headers["Retry-After"]) > 0
