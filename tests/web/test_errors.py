"""Every failure is a problem document."""

from uuid import UUID

import pytest
import structlog
from flask.testing import FlaskClient

from qe_ban.config import Mode
from qe_ban.kernel.errors import AuthenticationRequired, Conflict, Invalid, NotFound, TooMany, Unavailable
from qe_ban.web import fields, guard
from qe_ban.web.api import Blueprint
from qe_ban.web.schema import OpenSchema

SECRET = "13800000001"  # what no log may hold


class CodeSuspended(Conflict):
    code = "codes.suspended"
    detail = "此码已挂失"


class GrantInvalid(AuthenticationRequired):
    code = "auth.grant_invalid"
    detail = "验证码有误"
    oauth_error = "invalid_grant"


class ClientInvalid(AuthenticationRequired):
    code = "auth.client_invalid"
    oauth_error = "invalid_client"


FAILURES = {
    "conflict": CodeSuspended(kind="dining", status=1, case=UUID(int=1)),
    "invalid": Invalid("证件号码有误", fields={"id_number": "请逐位核对"}),
    "missing": NotFound(),
    "often": TooMany(37),
    "away": Unavailable(),
    "grant": GrantInvalid(),
    "client": ClientInvalid(),
}

blp = Blueprint("failing", url_prefix="/failing")


@blp.route("/<name>")
@guard.anyone
@blp.response(204)
def fail(name: str) -> None:
    if name == "crash":
        try:
            int(SECRET + "x")
        except ValueError as error:
            raise RuntimeError(f"cannot read {SECRET}") from error
    raise FAILURES[name]


class Nothing(OpenSchema):
    name = fields.Text()


@blp.route("/token", methods=["POST"])
@guard.anyone
@blp.form_or_json(Nothing)
@blp.response(204)
def token(body: dict[str, str]) -> None:
    if body["name"] == "crash":
        raise RuntimeError(SECRET)
    raise FAILURES[body["name"]]


@pytest.fixture
def client(edge_app) -> FlaskClient:
    return edge_app(blp)


def test_a_refusal_is_a_problem_with_a_stable_code(client):
    answer = client.get("/api/v1/failing/conflict", headers={"X-Request-Id": "r-1"})
    assert answer.status_code == 409
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json == {
        "type": "urn:qe-ban:problem:codes.suspended",
        "title": "状态冲突",
        "status": 409,
        "detail": "此码已挂失",
        "code": "codes.suspended",
        "kind": "dining",
        "case": "00000000-0000-0000-0000-000000000001",
        "request_id": "r-1",
    }


def test_fields_at_fault_are_named(client):
    answer = client.get("/api/v1/failing/invalid")
    assert answer.status_code == 422
    assert answer.json["errors"] == {"id_number": ["请逐位核对"]}


def test_later_is_said_in_seconds(client):
    often, away = client.get("/api/v1/failing/often"), client.get("/api/v1/failing/away")
    assert (often.status_code, often.headers["Retry-After"]) == (429, "37")
    assert (away.status_code, away.headers["Retry-After"]) == (503, "2")


def test_oauth_errors_have_their_own_words(client):
    grant, unknown = client.get("/api/v1/failing/grant"), client.get("/api/v1/failing/client")
    assert (grant.status_code, grant.json["error"]) == (400, "invalid_grant")
    assert grant.json["error_description"] == "auth.grant_invalid"
    assert grant.json["detail"] == "验证码有误"
    assert (unknown.status_code, unknown.json["error"]) == (401, "invalid_client")
    assert "WWW-Authenticate" in unknown.headers


@pytest.mark.parametrize(
    ("name", "status", "error"),
    [("grant", 400, "invalid_grant"), ("often", 429, "invalid_request"), ("away", 503, "temporarily_unavailable"),
     ("invalid", 400, "invalid_request"), ("crash", 500, "server_error")],
)  # fmt: skip
def test_every_problem_of_a_token_endpoint_has_an_oauth_word(client, name, status, error):
    answer = client.post("/api/v1/failing/token", data={"name": name})
    assert (answer.status_code, answer.json["error"]) == (status, error)


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/api/v1/nothing", "/api/v1/failing/missing", "//api/v1/docs", "/%00"]
)
def test_what_is_not_there_is_a_problem_for_browsers_too(client, path):
    answer = client.get(path, headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json["code"] == "not_found"


@pytest.mark.parametrize("method", ["POST", "DELETE", "PATCH", "TRACE", "FOO"])
def test_other_methods_are_405_with_allow(client, method):
    answer = client.open("/api/v1/failing/conflict", method=method)
    assert (answer.status_code, answer.json["code"]) == (405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_options_say_what_is_allowed_and_nothing_else(client):
    answer = client.options("/api/v1/failing/conflict")
    assert (answer.status_code, answer.data) == (204, b"")
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
    assert "Content-Type" not in answer.headers


def test_head_is_get_without_the_body(client):
    answer = client.head("/api/v1/failing/conflict")
    assert (answer.status_code, answer.data) == (409, b"")


def test_the_unexpected_is_500_and_tells_nothing(client):
    with structlog.testing.capture_logs() as lines:
        answer = client.get("/api/v1/failing/crash", headers={"X-Request-Id": "r-2"})
    assert (answer.status_code, answer.json["code"], answer.json["request_id"]) == (500, "internal_error", "r-2")
    assert SECRET.encode() not in answer.data
    assert b"RuntimeError" not in answer.data
    (line,) = lines
    assert (line["log_level"], line["request_id"], line["route"]) == ("error", "r-2", "/api/v1/failing/<name>")
    assert line["exception"] == "builtins.RuntimeError <- builtins.ValueError"
    assert any(frame.endswith(" fail") for frame in line["traceback"])
    assert SECRET not in str(line)


def test_the_sandbox_logs_what_broke(edge_app):
    client = edge_app(blp, mode=Mode.SANDBOX)
    with structlog.testing.capture_logs() as lines:
        answer = client.get("/api/v1/failing/crash")
    assert SECRET.encode() not in answer.data
    assert f"cannot read {SECRET}" in lines[0]["exception"]
