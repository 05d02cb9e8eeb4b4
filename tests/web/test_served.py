"""Answers that stand prepared: encodings, tags, 304, and the mark of what may be out of date."""

import gzip
from dataclasses import dataclass

import pytest
from flask import Flask

from qe_ban.web import conditional


@dataclass(frozen=True)
class Bytes:
    data: bytes
    tag: str


@dataclass(frozen=True)
class Answer:
    plain: Bytes
    gzip_body: Bytes | None
    age: int | None = None


LONG = Bytes(b'{"a":"' + b"x" * 5000 + b'"}', "plain-tag")
GZIP = Bytes(gzip.compress(LONG.data), "gzip-tag")


@pytest.fixture
def client():
    app = Flask(__name__)
    answers = {"both": Answer(LONG, GZIP), "tiny": Answer(Bytes(b"{}", "t"), None), "old": Answer(LONG, GZIP, 17)}

    @app.get("/<name>")
    def view(name):
        return conditional.respond_prepared(answers[name])

    return app.test_client()


@pytest.mark.parametrize(
    ("accept_encoding", "is_gzip"),
    [
        ("gzip", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("gzip, deflate, br, zstd", True),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", True),
        ("*", True),
        ("gzip;q=0.5, identity;q=0.5", True),
        ("gzip ; q=0.001", True),
        ("identity;q=0, gzip", True),
        ("*;q=0, gzip", True),
        (None, False),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip;q=0.000", False),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("gzip;q=0.4, identity;q=0.5", False),
        ("gzip;q=0.5, *", False),
        ("br", False),
        ("gzip;q=2", False),
        ("gzip;q=-1", False),
        ("gzip;level=9", False),
        ("gzipped", False),
        (";;,,q=1;gzip", False),
        ("gzip;q=" + "9" * 5000, False),
    ],
)
def test_the_encoding_is_the_one_that_the_client_prefers(client, accept_encoding, is_gzip):
    answer = client.get("/both", headers={} if accept_encoding is None else {"Accept-Encoding": accept_encoding})
    assert answer.headers.get("Content-Encoding") == ("gzip" if is_gzip else None)
    assert answer.headers["ETag"] == ('"gzip-tag"' if is_gzip else '"plain-tag"')
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert answer.data == (GZIP if is_gzip else LONG).data
    assert answer.headers["Content-Length"] == str(len(answer.data))
    assert answer.mimetype == "application/json"
    caching = "public, max-age=0, stale-while-revalidate=1, stale-if-error=86400"
    assert answer.headers["Cache-Control"] == caching
    assert "Age" not in answer.headers
    assert "Cache-Status" not in answer.headers


def test_what_is_tiny_is_never_gzipped(client):
    answer = client.get("/tiny", headers={"Accept-Encoding": "gzip"})
    assert (answer.data, answer.headers["Vary"]) == (b"{}", "Accept-Encoding")


@pytest.mark.parametrize("tags", ['"gzip-tag"', 'W/"gzip-tag"', '"a", "gzip-tag"', 'W/"a",W/"gzip-tag"', "*"])
def test_whoever_has_it_gets_304_with_all_that_a_cache_wants_to_know(client, tags):
    answer = client.get("/both", headers={"Accept-Encoding": "gzip", "If-None-Match": tags})
    assert (answer.status_code, answer.data) == (304, b"")
    assert answer.headers["ETag"] == '"gzip-tag"'
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert "max-age=" in answer.headers["Cache-Control"]
    assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize("tags", ['"plain-tag"', "gzip-tag-", '"gzip-ta"', '""', "", '"', 'W/"', '"x"' * 1000])
def test_whoever_has_something_else_gets_it(client, tags):
    answer = client.get("/both", headers={"Accept-Encoding": "gzip", "If-None-Match": tags})
    assert (answer.status_code, answer.data) == (200, GZIP.data)


def test_what_may_be_out_of_date_is_marked_in_both_answers(client):
    for headers, status in (({}, 200), ({"If-None-Match": '"plain-tag"'}, 304)):
        answer = client.get("/old", headers=headers)
        assert answer.status_code == status
        assert answer.headers["Cache-Status"] == "qe-ban; hit; detail=stale"
        assert answer.headers["Age"] == "17"


def test_head_tells_what_get_would(client):
    headers = {"Accept-Encoding": "gzip"}
    head, get = client.head("/both", headers=headers), client.get("/both", headers=headers)
    assert (head.status_code, head.data) == (200, b"")
    assert dict(head.headers) == dict(get.headers)
