"""Ids, headers and the log line of every answer."""

import json
import logging
from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
import structlog
from flask import Response
from flask.testing import FlaskClient

from qe_ban.kernel.principal import Principal, PrincipalKind
from qe_ban.web import application, guard, logs, requests
from qe_ban.web.api import Blueprint
from tests.web.conftest import NOON, RESIDENT

blp = Blueprint("edge", url_prefix="/edge")


@blp.route("/open/<name>")
@guard.anyone
@blp.response(200)
def open_to_all(name: str) -> dict[str, str]:
    return {"name": name, "address": requests.address(), "network": requests.network(), "id": requests.request_id()}


@blp.route("/mine")
@guard.requires("things.read")
@blp.response(200)
def mine() -> Response:
    return Response(b"x", headers={"Cache-Control": "private, max-age=5", "Date": "Thu, 01 Jan 1970 00:00:00 GMT"})


@blp.route("/shown", methods=["POST"])
@guard.requires("things.read", is_anonymous=True)
@blp.response(200)
def echo_id() -> dict[str, str]:
    return {"id": requests.request_id()}


@pytest.fixture
def client(edge_app) -> FlaskClient:
    return edge_app(blp)


@pytest.fixture
def read_log(capsys) -> Iterator[Callable[[], str]]:
    """What was written to the log since last asked; afterwards the process's log is as it was."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield lambda: capsys.readouterr().err
    logs.configure(json=True, access=False)
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


@pytest.mark.parametrize("path", ["/api/v1/edge/open/a", "/nothing", "/healthz", "/metrics", "/api/v1/docs"])
def test_every_answer_has_the_headers_once(client, path):
    answer = client.get(path)
    names = [name.lower() for name, _ in answer.headers]
    for name in ("x-request-id", "date", "x-content-type-options", "cache-control", "content-type"):
        assert names.count(name) == 1
    assert answer.headers["Date"] == "Fri, 02 Oct 2026 04:00:00 GMT"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_nothing_is_stored_unless_the_view_says_otherwise(client):
    assert client.get("/api/v1/edge/open/a").headers["Cache-Control"] == "no-store"
    answer = client.get("/api/v1/edge/mine", headers={"Authorization": "Bearer good"})
    assert answer.headers.get_all("Cache-Control") == ["private, max-age=5"]
    assert answer.headers.get_all("Date") == ["Thu, 01 Jan 1970 00:00:00 GMT"]


@pytest.mark.parametrize("client_id", ["a", "A-z_0.9", "x" * 64])
def test_a_clean_request_id_is_kept(client, client_id):
    answer = client.get("/api/v1/edge/open/a", headers={"X-Request-Id": client_id})
    assert answer.headers["X-Request-Id"] == answer.json["id"] == client_id


@pytest.mark.parametrize("client_id", ["", "x" * 65, "a b", "a\tb", 'a"b', "é", "a,b", "a\r\nSet-Cookie: x=1"])
def test_another_request_id_is_replaced(client, client_id):
    answer = client.get("/api/v1/edge/open/a", environ_overrides={"HTTP_X_REQUEST_ID": client_id})
    own_id = answer.headers["X-Request-Id"]
    assert own_id != client_id
    assert own_id.isalnum()
    assert "Set-Cookie" not in answer.headers


def address(client: FlaskClient, peer: str, hops: str | None = None) -> str:
    environ = {"REMOTE_ADDR": peer} | ({"HTTP_X_FORWARDED_FOR": hops} if hops is not None else {})
    return client.get("/api/v1/edge/open/a", environ_overrides=environ).json["address"]


def test_without_proxies_nothing_forwarded_is_believed(client):
    assert address(client, "192.0.2.7", "203.0.113.9") == "192.0.2.7"


def test_behind_proxies_the_nth_from_the_right_is_the_client(edge_app):
    one, two = edge_app(blp, proxies=1), edge_app(blp, proxies=2)
    assert address(one, "10.0.0.1", "6.6.6.6, 203.0.113.9") == "203.0.113.9"
    assert address(two, "10.0.0.1", "6.6.6.6, 203.0.113.9, 10.0.0.2") == "203.0.113.9"
    assert address(two, "10.0.0.1", "203.0.113.9") == "203.0.113.9"
    assert address(one, "10.0.0.1", "6.6.6.6, unknown") == "10.0.0.1"
    assert address(one, "10.0.0.1") == "10.0.0.1"


def test_addresses_have_one_spelling(edge_app):
    client = edge_app(blp, proxies=1)
    assert address(client, "::1", "[2001:DB8::1]:4711") == "2001:db8::1"
    assert address(client, "::1", "203.0.113.9:80") == "203.0.113.9"
    assert address(client, "::ffff:192.0.2.7", "") == "192.0.2.7"
    assert address(client, "::1", "fe80::1%eth0") == "fe80::1"
    assert address(client, "", "") == "unknown"


def test_limits_see_an_ipv6_client_as_its_network(client):
    environ = {"REMOTE_ADDR": "2001:db8:1:2:3:4:5:6"}
    assert client.get("/api/v1/edge/open/a", environ_overrides=environ).json["network"] == "2001:db8:1:2::/64"
    assert client.get("/api/v1/edge/open/a").json["network"] == "127.0.0.1"


@pytest.mark.parametrize("word", ["a%00b", "a%0d%0ab", "%ff", "%E2%80%AEx", "x" * 129, "a%2Fb"])
def test_words_that_no_name_has_are_404(client, word):
    assert client.get(f"/api/v1/edge/open/{word}").status_code == 404


def test_the_access_line_has_the_template_and_no_path(client, read_log):
    logs.configure(json=True)
    client.get("/api/v1/edge/open/13800000001", headers={"X-Request-Id": "r-3"})
    client.get("/api/v1/edge/mine?phone=13800000001", headers={"Authorization": "Bearer good"})
    client.get("/api/v1/edge/mine", headers={"Authorization": "Bearer good"})
    client.open("/13800000001", method='X"Y')
    text = read_log()
    lines = [json.loads(line) for line in text.splitlines()]
    access_lines = [(line["method"], line["route"], line["status"], line["principal"]) for line in lines]
    assert access_lines == [
        ("GET", "/api/v1/edge/open/<name>", 200, "-"),
        ("GET", "/api/v1/edge/mine", 422, "-"),
        ("GET", "/api/v1/edge/mine", 200, "resident:name-0001"),
        ("other", "unmatched", 404, "-"),
    ]
    assert lines[0]["request_id"] == "r-3"
    assert lines[0]["timestamp"] == "2026-10-02T04:00:00.000Z"
    assert lines[0]["ms"] > 0
    assert "13800000001" not in text
    assert "good" not in text


STAFF = UUID("01998c00-0000-7000-8000-000000000002")


@pytest.mark.parametrize("kind", [PrincipalKind.STAFF, PrincipalKind.SCANNER])
def test_staff_and_scanners_keep_their_ids_and_request_ids(client, principals, read_log, kind):
    principals["theirs"] = Principal(kind, STAFF, frozenset({"things.read"}), STAFF)
    logs.configure(json=True)
    headers = {"Authorization": "Bearer theirs", "X-Request-Id": "r-5"}
    assert client.get("/api/v1/edge/mine", headers=headers).headers["X-Request-Id"] == "r-5"
    line = json.loads(read_log())
    assert (line["principal"], line["request_id"]) == (f"{kind}:{STAFF}", "r-5")


@pytest.mark.parametrize("json_lines", [True, False])
def test_a_line_of_showing_a_code_says_nothing_of_its_caller(client, read_log, json_lines):
    logs.configure(json=json_lines)
    client.post("/api/v1/edge/shown", headers={"Authorization": "Bearer good"})
    text = read_log()
    assert "/api/v1/edge/shown" in text
    assert "resident" not in text
    assert "name-" not in text


def test_residents_calls_are_not_tied_together_by_an_id_that_their_app_sends(client, read_log):
    logs.configure(json=True)
    headers = {"Authorization": "Bearer good", "X-Request-Id": "the-phone-of-somebody"}
    answers = [client.post("/api/v1/edge/shown", headers=headers) for _ in range(2)]
    answers.append(client.get("/api/v1/edge/mine", headers=headers))
    ids = [answer.headers["X-Request-Id"] for answer in answers]
    assert len(set(ids)) == 3
    assert [json.loads(line)["request_id"] for line in read_log().splitlines()] == ids
    assert answers[0].json["id"] == ids[0]


def test_without_names_the_log_has_no_ids_of_residents(edge_settings, read_log):
    app, api = application.build(edge_settings, lambda: NOON, name="tiny")
    guard.install(app, lambda _: Principal(PrincipalKind.RESIDENT, RESIDENT, frozenset({"things.read"}), RESIDENT))
    api.register_blueprint(blp)
    logs.configure(json=True)
    app.test_client().get("/api/v1/edge/mine", headers={"Authorization": "Bearer any"})
    assert json.loads(read_log())["principal"] == "resident:-"


def test_all_logs_have_one_form(client, read_log):
    logs.configure(json=True, access=False)
    client.get("/api/v1/edge/open/a")
    structlog.get_logger("ours").warning("something", part="青岛")
    logging.getLogger("theirs").warning("of a library: %s", 1)
    logging.getLogger("theirs").info("unheard")
    first, second = (json.loads(line) for line in read_log().splitlines())
    assert (first["event"], first["level"], first["part"]) == ("something", "warning", "青岛")
    assert (second["event"], second["level"]) == ("of a library: 1", "warning")


def test_people_get_lines_to_read(client, read_log):
    logs.configure(json=False)
    client.get("/api/v1/edge/open/a", headers={"X-Request-Id": "r-4"})
    text = read_log()
    assert "GET /api/v1/edge/open/<name> 200" in text
    assert "r-4" in text
