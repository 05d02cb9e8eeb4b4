"""Strict reading of bodies and query strings, over a real app."""

import io
import json
import time

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from qe_ban.web import fields, guard, wire
from qe_ban.web.api import Blueprint
from qe_ban.web.refusals import Unreadable
from qe_ban.web.schema import OpenSchema, Schema


class Note(Schema):
    text = fields.Text(max=70_000, required=True)
    more = fields.Anything(dump_only=False)


class Filter(Schema):
    q = fields.Text()
    limit = fields.Whole(1, 100, load_default=20)
    deep = fields.Flag()


class Grant(OpenSchema):
    grant_type = fields.Text(required=True)
    age = fields.Whole()


blp = Blueprint("notes", url_prefix="/notes")


@blp.route("", methods=["POST"])
@guard.anyone
@blp.arguments(Note)
@blp.response(200)
def write(body: dict[str, object]) -> dict[str, object]:
    return body


@blp.route("/large", methods=["POST"])
@guard.anyone
@blp.arguments(Note, limit=wire.GREATEST_LIMIT)
@blp.response(204)
def write_large(body: dict[str, object]) -> None:
    return None


@blp.route("", methods=["GET"])
@guard.anyone
@blp.query(Filter)
@blp.response(200)
def search(query: dict[str, object]) -> dict[str, object]:
    return query


@blp.route("/token", methods=["POST"])
@guard.anyone
@blp.form_or_json(Grant)
@blp.response(200)
def token(body: dict[str, object]) -> dict[str, object]:
    return body


@blp.route("/bare", methods=["GET", "POST", "DELETE"])
@guard.anyone
@blp.response(204)
def bare() -> None:
    return None


@pytest.fixture
def client(edge_app) -> FlaskClient:
    return edge_app(blp)


def post(client: FlaskClient, data: bytes, content_type: str = "application/json", path: str = "/api/v1/notes"):
    return client.post(path, data=data, content_type=content_type)


def raw(client: FlaskClient, stream: io.BytesIO, length: str, transfer: str | None = None):
    """Post with a length that need not be true: the test client would set it right."""
    environ = {"wsgi.input": stream, "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": length}
    if transfer is not None:
        environ["HTTP_TRANSFER_ENCODING"] = transfer
    return client.post("/api/v1/notes", environ_overrides=environ)


def test_a_json_object_is_read(client):
    answer = post(client, '{"text": "青岛\\u4f60"}'.encode())
    assert answer.status_code == 200
    assert answer.json == {"text": "青岛你"}
    assert "青岛你".encode() in answer.data


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "Application/JSON", 'application/json;charset="UTF-8"']
)
def test_json_content_types_are_taken(client, content_type):
    assert post(client, b'{"text": "a"}', content_type).status_code == 200


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/json; charset=gbk", "application/x-www-form-urlencoded", "application/jsonx",
     "application/json; profile=x", "multipart/form-data; boundary=a"],
)  # fmt: skip
def test_other_content_types_are_415(client, content_type):
    answer = post(client, b'{"text": "a"}', content_type)
    assert answer.status_code == 415
    assert answer.json["code"] == "unsupported_media_type"


@pytest.mark.parametrize(
    "data",
    [
        b" ",
        b"{",
        b'{"text": "a"} x',
        b'{"text": "a",}',
        b"{'text': 'a'}",
        b'\xef\xbb\xbf{"text": "a"}',
        b'{"text": "\xff"}',
        b'{"text": "\xed\xa0\x80"}',
        '{"text": "a"}'.encode("utf-16"),
        b'{"text": "a", "text": "b"}',
        b'{"text": "a", "more": {"k": 1, "k": 1}}',
        b'{"text": "a", "more": NaN}',
        b'{"text": "a", "more": -Infinity}',
        b'{"text": "a", "more": 1e999}',
        b'{"text": "a", "more": ' + b"9" * 21 + b"}",
        b'{"text": "a", "more": -' + b"9" * 5000 + b"}",
        b'{"text": "\\ud800"}',
        b'{"text": "a", "more": ["\\udc00\\ud800"]}',
        b'{"text": "a", "more": {"\\ud800": 1}}',
        b'{"text": "a\\u0000"}',
        b'{"text": "a\x00"}',
        b'{"text": "a", "more": ' + b"[" * 32 + b"]" * 32 + b"}",
        b'{"text": "a", "more": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
        b"[" * 60_000,
    ],
)
def test_unreadable_bodies_are_400(client, data):
    answer = post(client, data)
    assert answer.status_code == 400
    assert answer.json["code"] == "unreadable"


@pytest.mark.parametrize("data", [b"[]", b'"text"', b"1", b"null", b"true"])
def test_json_that_is_no_object_is_422(client, data):
    answer = post(client, data)
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == ["body"]


@pytest.mark.parametrize(
    "more",
    [[[["x"]]], {"a": "}]" * 200}, "\\u0000", 12345678901234567890, -0.5, "\U0001f600", [{"a": [1]}] * 40],
)
def test_what_is_unusual_but_right_is_read(client, more):
    answer = post(client, json.dumps({"text": "a", "more": more}).encode())
    assert answer.status_code == 200
    assert answer.json["more"] == more


def test_nesting_of_just_the_depth_allowed_is_read(client):
    data = b'{"text": "a", "more": ' + b"[" * 31 + b"]" * 31 + b"}"
    assert post(client, data).status_code == 200


def test_unknown_fields_are_named(client):
    answer = post(client, b'{"text": "a", "is_admin": true}')
    assert answer.status_code == 422
    assert answer.json["errors"] == {"is_admin": ["未知的字段"]}


def test_the_limit_of_the_route_holds(client):
    fits = json.dumps({"text": "x" * 60_000}).encode()
    assert post(client, fits).status_code == 200
    over = json.dumps({"text": "x" * 65_536}).encode()
    assert post(client, over).status_code == 413
    assert post(client, over, path="/api/v1/notes/large").status_code == 204


def test_ten_megabytes_are_413_and_not_read(client):
    class Unreadable(io.BytesIO):
        def read(self, *args: object) -> bytes:
            raise AssertionError("the body was read")

    answer = raw(client, Unreadable(), "10000000")
    assert answer.status_code == 413
    assert answer.json["code"] == "too_large"


@pytest.mark.parametrize(
    ("length", "transfer"),
    [("", "chunked"), ("-1", None), ("1e3", None), ("+5", None), ("13", "chunked"), ("\u0663", None)],
)
def test_a_body_without_a_plain_length_is_411(client, length, transfer):
    answer = raw(client, io.BytesIO(b'{"text": "a"}'), length, transfer)
    assert answer.status_code == 411
    assert answer.json["code"] == "length_required"


def test_http_2_may_bring_a_body_without_a_length(client):
    environ = {"SERVER_PROTOCOL": "HTTP/2", "CONTENT_LENGTH": "", "wsgi.input": io.BytesIO(b"{}")}
    assert client.post("/api/v1/notes", environ_overrides=environ).status_code == 411


@pytest.mark.parametrize("length", ["", "0"])
def test_an_empty_body_is_400(client, length):
    answer = raw(client, io.BytesIO(), length)
    assert (answer.status_code, answer.json["detail"]) == (400, "请求内容为空")


def test_a_body_that_ends_early_is_400(client):
    answer = raw(client, io.BytesIO(b'{"text": "a"}'), "50")
    assert (answer.status_code, answer.json["detail"]) == (400, "请求内容不完整")


def test_a_body_where_none_is_wanted_is_refused(client):
    for method in ("GET", "POST", "DELETE"):
        answer = client.open("/api/v1/notes/bare", method=method, data=b"x")
        assert (answer.status_code, answer.json["code"]) == (400, "body_not_allowed")
    assert client.post("/api/v1/notes/bare").status_code == 204


def test_unknown_query_parameters_are_422_everywhere(client):
    for method, path in (("GET", "/api/v1/notes"), ("POST", "/api/v1/notes/bare")):
        answer = client.open(f"{path}?debug=1", method=method)
        assert answer.status_code == 422
        assert list(answer.json["errors"]) == ["debug"]


def test_a_query_is_read_as_its_types(client):
    answer = client.get("/api/v1/notes?q=%E7%A4%BE%E4%BF%9D+a%26b&limit=3&deep=true")
    assert answer.json == {"q": "社保 a&b", "limit": 3, "deep": True}
    assert client.get("/api/v1/notes").json == {"limit": 20}


@pytest.mark.parametrize(
    ("query", "field"),
    [("limit=0", "limit"), ("limit=101", "limit"), ("limit=007", "limit"), ("limit=1.0", "limit"), ("limit=", "limit"),
     ("limit=%D9%A3", "limit"), ("deep=yes", "deep"), ("deep=1", "deep"), ("q=a&q=b", "q"), ("q=a%00", "q"),
     ("q=%E2%80%AE", "q"), ("limit=99999999999999999999", "limit")],
)  # fmt: skip
def test_bad_parameters_are_422(client, query, field):
    answer = client.get(f"/api/v1/notes?{query}")
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == [field]


@pytest.mark.parametrize("query", ["q", "q=%ff", "q=%ed%a0%80", "&".join(f"a{n}=1" for n in range(40))])
def test_an_unreadable_query_is_400(client, query):
    assert client.get(f"/api/v1/notes?{query}").status_code == 400


def test_a_raw_byte_in_the_query_is_400(client):
    answer = client.get("/api/v1/notes", environ_overrides={"QUERY_STRING": "q=\xe9"})
    assert answer.status_code == 400


def test_a_token_endpoint_reads_forms_and_json_and_leaves_out_the_unknown(client):
    form = post(client, b"grant_type=otp&scope=x&age=7", wire.FORM, "/api/v1/notes/token")
    assert form.json == {"grant_type": "otp", "age": 7}
    plain = post(client, b'{"grant_type": "otp", "scope": "x"}', path="/api/v1/notes/token")
    assert plain.json == {"grant_type": "otp"}


@pytest.mark.parametrize(
    ("data", "content_type", "status"),
    [(b"grant_type=a&grant_type=b", wire.FORM, 400), (b" ", wire.FORM, 400), (b"{}", wire.JSON, 400),
     (b"x", "text/plain", 415), (b"[]", wire.JSON, 400), (b"{", wire.JSON, 400), (b"grant_type=\xe9", wire.FORM, 400)],
)  # fmt: skip
def test_problems_of_a_token_endpoint_carry_the_words_of_oauth(client, data, content_type, status):
    answer = post(client, data, content_type, "/api/v1/notes/token")
    assert answer.status_code == status
    assert answer.json["error"] == "invalid_request"
    assert answer.json["error_description"].isascii()


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_unreadable(data):
    try:
        wire.loads(data)
    except Unreadable:
        return
    json.loads(data)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**20) + 1, 10**20 - 1) | st.floats(allow_nan=False)
        | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
        lambda inner: st.lists(inner) | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), inner),
        max_leaves=20,
    ).filter(lambda value: "Infinity" not in repr(value) and "inf" not in repr(value))
)  # fmt: skip
def test_what_json_writes_is_read_again(value):
    assert wire.loads(json.dumps(value).encode()) == value
    assert wire.loads(wire.dumps(value)) == value


@pytest.mark.parametrize("data", [b'"\\"' * 100_000, b'["\\' * 60_000, b"[" * 200_000, b'{"' * 100_000])
def test_hostile_nesting_is_refused_in_linear_time(data):
    began = time.process_time()
    with pytest.raises(Unreadable):
        wire.loads(data)
    assert time.process_time() - began < 1
