"""Who is let in, over a tiny app."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from qe_ban.kernel.principal import Principal, PrincipalKind
from qe_ban.web import guard
from qe_ban.web.api import Blueprint

NOON = datetime(2026, 10, 2, 4, 0, 0, tzinfo=UTC)

blp = Blueprint("things", url_prefix="/things")


@blp.route("/read")
@guard.requires("things.read")
@blp.response(200)
def read() -> dict[str, str]:
    return {"caller": str(guard.principal().id)}


@blp.route("/session")
@guard.requires("things.read", step_up=guard.SESSION)
@blp.response(200)
def session() -> dict[str, str]:
    return {}


@blp.route("/fresh")
@guard.requires("things.read", step_up=timedelta(minutes=10))
@blp.response(200)
def fresh() -> dict[str, str]:
    return {}


@blp.route("/open")
@guard.anyone
@blp.response(200)
def open_to_all() -> dict[str, str]:
    return {}


@pytest.fixture
def client(edge_app) -> FlaskClient:
    return edge_app(blp)


def get(client: FlaskClient, path: str, authorization: str | None = "Bearer good"):
    headers = {} if authorization is None else {"Authorization": authorization}
    return client.get(f"/api/v1/things{path}", headers=headers)


def caller(scopes: set[str], minutes_ago: float | None = None) -> Principal:
    stepped_up_at = None if minutes_ago is None else NOON - timedelta(minutes=minutes_ago)
    return Principal(PrincipalKind.RESIDENT, UUID(int=5), frozenset(scopes), UUID(int=6), stepped_up_at)


def test_a_known_caller_with_the_scope_is_let_in(client):
    answer = get(client, "/read")
    assert answer.json == {"caller": "01998c00-0000-7000-8000-000000000001"}
    assert get(client, "/read", "bearer good").status_code == 200


def test_no_token_is_401_with_a_bare_challenge(client):
    answer = get(client, "/read", None)
    assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "authorization",
    ["Bearer bad", "Bearer", "Bearer ", "Bearer a b", "Basic good", "good", "Bearer good,Bearer good",
     "Bearer " + "x" * 5000, "Bearer good\x00", "Bearer é", 'Bearer "good"'],
)  # fmt: skip
def test_a_bad_token_is_401_and_said_so(client, authorization):
    answer = client.get("/api/v1/things/read", environ_overrides={"HTTP_AUTHORIZATION": authorization})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_a_token_in_the_query_is_none(client):
    assert client.get("/api/v1/things/read?access_token=good").status_code == 422


def test_a_missing_scope_is_403(client, principals):
    principals["other"] = caller({"things.write"})
    answer = get(client, "/read", "Bearer other")
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="insufficient_scope", scope="things.read"'


@pytest.mark.parametrize(
    ("minutes_ago", "session", "fresh"), [(None, 403, 403), (0, 200, 200), (10, 200, 200), (10.1, 200, 403)]
)
def test_step_up_is_by_session_or_by_age(client, principals, minutes_ago, session, fresh):
    principals["p"] = caller({"things.read"}, minutes_ago)
    assert get(client, "/session", "Bearer p").status_code == session
    answer = get(client, "/fresh", "Bearer p")
    assert answer.status_code == fresh
    if fresh == 403:
        assert answer.json["code"] == "step_up_required"
        assert "max_age=600" in answer.headers["WWW-Authenticate"]


def test_anyone_is_anyone(client):
    assert get(client, "/open", None).status_code == 200
    assert get(client, "/open", "Bearer bad").status_code == 200


def test_an_open_view_knows_no_caller(client):
    with client.application.test_request_context(), pytest.raises(LookupError):
        guard.principal()


def test_a_view_says_what_it_asks():
    assert guard.of(open_to_all) == guard.Guard(None)
    assert guard.of(read) == guard.Guard("things.read")
    assert guard.of(test_anyone_is_anyone) is None


def test_a_view_without_a_guard_cannot_be_served():
    blueprint = Blueprint("bad")
    with pytest.raises(TypeError, match=r"bad\.view declares no guard"):

        @blueprint.route("")
        @blueprint.response(200)
        def view() -> None:
            return None


def test_every_view_of_the_edge_declares_its_guard(client):
    views = client.application.view_functions
    assert views
    assert [name for name, view in views.items() if guard.of(view) is None] == []
