"""ETags, 304, and writes that say what they believe to be there."""

import pytest
from flask.testing import FlaskClient

from qe_ban.web import conditional, guard
from qe_ban.web.api import Blueprint

CALLS: list[int] = []

blp = Blueprint("polled", url_prefix="/polled")


@blp.route("/hashed")
@guard.anyone
@blp.with_etag
@blp.response(200)
def read_by_hash() -> object:
    return conditional.respond({"名": 1})


@blp.route("/versioned/<version>")
@guard.anyone
@blp.with_etag
@blp.response(200)
def read_by_version(version: str) -> object:
    def make() -> bytes:
        CALLS.append(1)
        return b"<svg/>"

    return conditional.respond(make, version, content_type="image/svg+xml", cache_control="public, max-age=60")


STATE: list[str | None] = [None]


@blp.route("/kept")
@guard.anyone
@blp.with_etag
@blp.response(200)
def read_state() -> object:
    return conditional.respond({"state": STATE[0]}, state=STATE[0])


@blp.route("/kept", methods=["PUT"], endpoint="write_state")
@guard.anyone
@blp.with_precondition(creating=True)
@blp.response(200)
def write_state() -> object:
    conditional.read_precondition()(STATE[0])
    return conditional.respond_written({"state": STATE[0]}, str(STATE[0]), 201, more=True)


@pytest.fixture
def client(edge_app) -> FlaskClient:
    CALLS.clear()
    return edge_app(blp)


def test_who_has_it_already_gets_304_without_a_body(client):
    first = client.get("/api/v1/polled/hashed")
    assert first.json == {"名": 1}
    tag = first.headers["ETag"]
    assert tag.startswith('"')
    for tags in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = client.get("/api/v1/polled/hashed", headers={"If-None-Match": tags})
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == tag
        assert again.headers["Cache-Control"] == "private, no-cache"


def test_another_tag_gets_the_whole(client):
    for tags in ('"other"', "", "nonsense"):
        assert client.get("/api/v1/polled/hashed", headers={"If-None-Match": tags}).status_code == 200


def test_a_version_spares_the_making(client):
    first = client.get("/api/v1/polled/versioned/1")
    assert (first.data, first.content_type, len(CALLS)) == (b"<svg/>", "image/svg+xml", 1)
    tag = first.headers["ETag"]
    assert client.get("/api/v1/polled/versioned/1", headers={"If-None-Match": tag}).status_code == 304
    assert len(CALLS) == 1
    assert client.get("/api/v1/polled/versioned/2", headers={"If-None-Match": tag}).status_code == 200


def test_head_answers_as_get(client):
    tag = client.head("/api/v1/polled/hashed").headers["ETag"]
    assert client.head("/api/v1/polled/hashed", headers={"If-None-Match": tag}).status_code == 304


def write(client, **headers):
    answer = client.put(
        "/api/v1/polled/kept", headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    return answer.status_code, answer.headers.get("ETag")


def test_a_write_without_a_word_of_what_is_there_is_refused(client):
    STATE[0] = "7"
    for headers in ({}, {"If_None_Match": '"x"'}, {"If_None_Match": ""}):
        answer = write(client, **headers)
        assert answer == (428, None)


def test_a_write_wants_the_state_and_not_the_payload(client):
    STATE[0] = "7"
    tag = client.get("/api/v1/polled/kept").headers["ETag"]
    assert tag.startswith('"7.')
    for good in (tag, '"7"', '"7.other"', "*", f'"6.x", {tag}'):
        assert write(client, If_Match=good)[0] == 201, good
    for stale in ('"6.x"', f"W/{tag}", "", '"77.x"', '""'):
        assert write(client, If_Match=stale) == (412, '"7"'), stale


def test_making_wants_nothing_to_be_there(client):
    STATE[0] = None
    assert write(client, If_None_Match="*")[0] == 201
    assert write(client, If_Match="*") == (412, None)
    STATE[0] = "1"
    assert write(client, If_None_Match="*") == (412, '"1"')
    assert write(client, If_None_Match="*", If_Match='"1"') == (412, '"1"')


def test_what_a_write_answers_has_the_tag_that_a_read_of_it_gives(client):
    STATE[0] = "7"
    tag = client.get("/api/v1/polled/kept").headers["ETag"]
    answer = client.put("/api/v1/polled/kept", headers={"If-Match": tag})
    assert (answer.json, answer.headers["ETag"]) == ({"state": "7", "more": True}, tag)
    assert answer.headers["Cache-Control"] == "no-store"
