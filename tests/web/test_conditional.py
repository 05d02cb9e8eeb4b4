"""ETags and 304."""

import pytest
from flask.testing import FlaskClient

from qe_ban.web import conditional, guard
from qe_ban.web.api import Blueprint

MADE: list[int] = []

blp = Blueprint("polled", url_prefix="/polled")


@blp.route("/hashed")
@guard.anyone
@blp.etagged
@blp.response(200)
def hashed() -> object:
    return conditional.etagged({"名": 1})


@blp.route("/versioned/<version>")
@guard.anyone
@blp.etagged
@blp.response(200)
def versioned(version: str) -> object:
    def make() -> bytes:
        MADE.append(1)
        return b"<svg/>"

    return conditional.etagged(make, version, content_type="image/svg+xml", cache_control="public, max-age=60")


@pytest.fixture
def client(edge_app) -> FlaskClient:
    MADE.clear()
    return edge_app(blp)


def test_who_has_it_already_gets_304_without_a_body(client):
    first = client.get("/api/v1/polled/hashed")
    assert first.json == {"名": 1}
    tag = first.headers["ETag"]
    assert tag.startswith('"')
    for asked in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = client.get("/api/v1/polled/hashed", headers={"If-None-Match": asked})
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == tag
        assert again.headers["Cache-Control"] == "private, no-cache"


def test_another_tag_gets_the_whole(client):
    for asked in ('"other"', "", "nonsense"):
        assert client.get("/api/v1/polled/hashed", headers={"If-None-Match": asked}).status_code == 200


def test_a_version_spares_the_making(client):
    first = client.get("/api/v1/polled/versioned/1")
    assert (first.data, first.content_type, len(MADE)) == (b"<svg/>", "image/svg+xml", 1)
    tag = first.headers["ETag"]
    assert client.get("/api/v1/polled/versioned/1", headers={"If-None-Match": tag}).status_code == 304
    assert len(MADE) == 1
    assert client.get("/api/v1/polled/versioned/2", headers={"If-None-Match": tag}).status_code == 200


def test_head_answers_as_get(client):
    tag = client.head("/api/v1/polled/hashed").headers["ETag"]
    assert client.head("/api/v1/polled/hashed", headers={"If-None-Match": tag}).status_code == 304
