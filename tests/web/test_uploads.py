"""Bodies that are files: strictly framed, spooled, and gone when the view has answered."""

import hashlib
import io

import pytest

from qe_ban.web import guard
from qe_ban.web.api import Blueprint
from qe_ban.web.refusals import Unreadable

LIMIT = 1000
URL = "/api/v1/files"


@pytest.fixture
def uploads():
    return []


@pytest.fixture
def client(edge_app, uploads):
    blp = Blueprint("files", url_prefix="/files")

    @blp.route("", methods=["POST"])
    @guard.anyone
    @blp.upload(("text/csv", "application/x-other"), limit=LIMIT)
    @blp.response(204)
    def take(upload):
        """Take a file."""
        uploads.append((upload.file.read(), upload.content_type, upload.size, upload.digest, upload.file))
        if upload.size == 13:
            raise Unreadable("不幸")

    return edge_app(blp)


def post(client, data, content_type="text/csv", **more):
    return client.post(URL, data=data, headers={"Content-Type": content_type}, **more)


def test_a_file_is_taken_and_gone_afterwards(client, uploads):
    assert post(client, b"a,b\r\n").status_code == 204
    content, kind, size, digest, file = uploads[0]
    assert (content, kind, size, digest) == (b"a,b\r\n", "text/csv", 5, hashlib.sha256(b"a,b\r\n").digest())
    assert file.closed


def test_a_file_goes_when_the_view_refuses_too(client, uploads):
    assert post(client, b"a" * 13).status_code == 400
    assert uploads[0][4].closed


@pytest.mark.parametrize("kind", ["text/csv; charset=gb18030", "TEXT/CSV; charset=UTF-8", "application/x-other"])
def test_content_types_that_are_taken(client, kind):
    assert post(client, b"a", kind).status_code == 204


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text/plain",
        "application/json",
        "multipart/form-data; boundary=x",
        "text/csv; charset=utf-16",
        "text/csv; x=y",
    ],
)
def test_other_content_types_are_415(client, uploads, kind):
    assert post(client, b"a", kind).status_code == 415
    assert uploads == []


def test_the_limit_holds_and_what_is_beyond_is_not_read(client, uploads):
    class Unread(io.BytesIO):
        def read(self, *args):
            raise AssertionError("nobody should read this")

    assert post(client, b"a" * LIMIT).status_code == 204
    answer = post(client, None, input_stream=Unread(), environ_overrides={"CONTENT_LENGTH": str(LIMIT + 1)})
    assert (answer.status_code, answer.headers["Connection"], len(uploads)) == (413, "close", 1)


@pytest.mark.parametrize("length", ["", "abc", "-1", "1.5"])
def test_a_body_of_unknown_length_is_411(client, length):
    environ = {"CONTENT_LENGTH": length, "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    assert post(client, None, input_stream=io.BytesIO(b"a"), environ_overrides=environ).status_code == 411


def test_an_empty_body_is_400(client):
    assert post(client, b"").status_code == 400


def test_a_body_that_ends_early_is_400(client, uploads):
    answer = post(client, None, input_stream=io.BytesIO(b"abc"), environ_overrides={"CONTENT_LENGTH": "5"})
    assert (answer.status_code, answer.headers["Connection"], uploads) == (400, "close", [])


def test_a_connection_goes_on_after_a_file_that_was_read(client):
    assert "Connection" not in post(client, b"a").headers


def test_the_description_says_that_the_body_is_a_file(client):
    document = client.get("/api/v1/openapi.json").get_json()
    body = document["paths"][URL]["post"]["requestBody"]
    assert body == {
        "required": True,
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}} for kind in ("text/csv", "application/x-other")
        },
    }
    assert {"411", "413", "415"} <= set(document["paths"][URL]["post"]["responses"])
