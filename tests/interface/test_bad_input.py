"""Hostile bodies and tokens at every entry point that takes them: a clear problem each, nothing done."""

import json
from datetime import timedelta

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from qe_ban.accounts.rules import STAFF_SCOPES
from qe_ban.accounts.service import Accounts, tokens
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import PrincipalKind
from qe_ban.keys.models import Ring
from tests.codes.conftest import town as town  # noqa: PLC0414  a fixture of the neighbours
from tests.interface.test_openapi import DOOR
from tests.interface.test_routes import METHODS, call

DOCUMENT = DOOR.app.test_client().get("/api/v1/openapi.json").get_json()
BODIES = [
    (method, path)
    for path, operations in DOCUMENT["paths"].items()
    for method in METHODS
    if method in operations and "requestBody" in operations[method]
]
# files have readers of their own: tests/items
JSON_BODIES = [
    (method, path)
    for method, path in BODIES
    if "application/json" in DOCUMENT["paths"][path][method]["requestBody"]["content"]
]
DEEP = b'{"a":' * 5000 + b"1" + b"}" * 5000
HOSTILE = {
    "nothing": (b"", (400, 411, 415)),
    "not JSON": (b"{", (400,)),
    "an array": (b"[]", (400, 422)),
    "null": (b"null", (400, 422)),
    "a number of 5,000 digits": (b'{"code":' + b"9" * 5000 + b"}", (400,)),
    "deep": (DEEP, (400,)),
    "duplicate keys": (b'{"code":"a","code":"b"}', (400,)),
    "NaN": (b'{"code":NaN}', (400,)),
    "infinity": (b'{"code":1e999}', (400,)),
    "a lone surrogate": (b'{"code":"\\ud800"}', (400,)),
    "NUL": (b'{"code":"a\\u0000b"}', (400,)),
    "bad UTF-8": (b'{"code":"\xff"}', (400,)),
    "GB18030": ('{"name":"测试"}'.encode("gb18030"), (400,)),
    "BOM": (b'\xef\xbb\xbf{"code":"a"}', (400,)),
    "unknown fields": (b'{"no_such_field":1}', (400, 422)),
    "wrong types": (
        json.dumps({name: {"a": [1]} for name in ("phone", "code", "name", "jwk", "kinds")}).encode(),
        (400, 422),
    ),
    "10 MB": (b'{"code":"' + b"a" * 10_000_000 + b'"}', (413,)),
}


@pytest.fixture(scope="module")
def pass_for(town):
    """A caller who is let in, for each path."""
    person, terminal = town.resident(), town.terminal("identity-check")

    def headers(method, path):
        security = DOCUMENT["paths"][path][method]["security"]
        if not security:
            return {}
        scope = security[0]["bearer"][0]
        for role, scopes in STAFF_SCOPES.items():
            if scope in scopes:
                staff = tokens.access(
                    town.parts.get(Accounts),
                    kind=PrincipalKind.STAFF,
                    subject=new_id(),
                    session=new_id(),
                    scopes=scopes,
                    roles={role.value},
                    now=town.now,
                )
                return {"Authorization": f"Bearer {staff.access}"}
        return terminal.headers if scope == "codes.verify" else person.headers

    return headers


@pytest.mark.parametrize(("method", "path"), JSON_BODIES, ids=lambda value: value)
def test_a_hostile_body_is_refused_with_a_problem(client, pass_for, method, path):
    headers = pass_for(method, path)
    for name, (body, statuses) in HOSTILE.items():
        answer = call(client, method, path, data=body, headers=headers | {"Content-Type": "application/json"})
        assert answer.status_code in statuses, (name, answer.status_code, answer.get_data(as_text=True)[:300])
        problem = answer.get_json()
        assert answer.mimetype == "application/problem+json", name
        assert problem["status"] == answer.status_code
        assert problem["request_id"] == answer.headers["X-Request-Id"]
        assert any("\u4e00" <= char <= "\u9fff" for char in problem["detail"]), "people read Chinese"


@pytest.mark.parametrize(("method", "path"), BODIES, ids=lambda value: value)
@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "multipart/form-data; boundary=x", ""])
def test_another_content_type_is_refused(client, pass_for, method, path, content_type):
    answer = call(
        client, method, path, data=b'{"a":1}', headers=pass_for(method, path) | {"Content-Type": content_type}
    )
    assert answer.status_code == 415


@pytest.mark.parametrize(("method", "path"), BODIES, ids=lambda value: value)
def test_a_chunked_body_wants_its_length(client, pass_for, method, path):
    answer = call(
        client,
        method,
        path,
        headers=pass_for(method, path) | {"Content-Type": "application/json", "Transfer-Encoding": "chunked"},
        environ_overrides={"CONTENT_LENGTH": "", "wsgi.input_terminated": True},
    )
    assert answer.status_code == 411


@pytest.mark.parametrize(
    ("method", "path"),
    [(method, path) for path, operations in DOCUMENT["paths"].items() for method in METHODS if method in operations],
    ids=lambda value: value,
)
def test_an_unknown_query_parameter_is_refused(client, pass_for, method, path):
    answer = call(client, method, path, query_string={"no_such": "1"}, headers=pass_for(method, path))
    assert answer.status_code in (400, 411, 415, 422)


def test_a_path_with_injections_is_not_found(client, pass_for, town):
    person = town.resident()
    for kind in ("identity'--", "%00", "..%2f..%2fetc", "a" * 5000, "\u202e", "identity%0d%0aSet-Cookie:x=1"):
        answer = client.post(f"/api/v1/codes/{kind}/issue", headers=person.headers)
        assert answer.status_code == 404
        assert "Set-Cookie" not in answer.headers


def test_a_resident_sees_only_the_own_ledger(client, town):
    mine, other = town.resident(), town.resident()
    assert client.get("/api/v1/codes/ledger", headers=mine.headers).get_json()["items"] == []
    assert client.get(f"/api/v1/codes/ledger?resident={other.id}", headers=mine.headers).status_code == 422


class TestTokens:
    """Tokens that are not ours, in every way that has been tried on others."""

    @pytest.fixture
    def good(self, town):
        token = town.resident().access
        return token, jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})

    def refused(self, client, token):
        answer = client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
        return answer.status_code == 401 and answer.get_json()["code"]

    def test_the_good_one_is_good(self, client, good):
        assert client.get("/api/v1/me", headers={"Authorization": f"Bearer {good[0]}"}).status_code == 200

    def test_algorithm_none(self, client, good):
        _, header, claims = good
        for name in ("none", "None", "NONE"):
            head = jwt.utils.base64url_encode(json.dumps(header | {"alg": name}).encode()).decode()
            body = jwt.utils.base64url_encode(json.dumps(claims).encode()).decode()
            assert self.refused(client, f"{head}.{body}.")

    def test_hs256_with_the_public_key(self, client, good, town):
        _, header, claims = good
        public = next(key for key in town.parts.rings.public(Ring.TOKEN)).public
        pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        for secret in (pem, pem.strip(), b""):
            head = jwt.utils.base64url_encode(json.dumps(header | {"alg": "HS256"}).encode())
            body = jwt.utils.base64url_encode(json.dumps(claims).encode())
            mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(head + b"." + body, secret)
            assert self.refused(client, b".".join((head, body, jwt.utils.base64url_encode(mac))).decode())

    @pytest.mark.parametrize(
        "change",
        [
            {"aud": "https://elsewhere.example"},
            {"iss": "https://elsewhere.example"},
            {"exp": 1},
            {"kind": "auditor"},
            {"aud": None},
            {"exp": "never"},
            {"exp": True},
        ],
        ids=str,
    )
    def test_signed_by_us_but_wrong(self, client, good, town, change):
        _, header, claims = good
        key = town.parts.rings.signing(Ring.TOKEN, town.now)
        payload = {name: value for name, value in (claims | change).items() if value is not None}
        token = jwt.encode(payload, key.private, algorithm="ES256", headers=header)
        answer = client.get("/api/v1/codes", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code in (401, 403)

    def test_kid_injection(self, client, good, town):
        _, header, claims = good
        code_key = town.parts.rings.signing(Ring.CODE, town.now)
        for kid in ("../../etc/passwd", "' OR 1=1 --", "", code_key.kid.hex(), 7):
            token = jwt.encode(claims, code_key.private, algorithm="ES256", headers={"typ": "at+jwt"})
            head = jwt.utils.base64url_encode(json.dumps(header | {"kid": kid}).encode()).decode()
            assert self.refused(client, ".".join((head, *token.split(".")[1:])))

    def test_a_changed_byte(self, client, good):
        token = good[0]
        for at in range(0, len(token), 7):
            other = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
            if at == len(token) - 1:
                continue
            assert self.refused(client, other), at

    def test_expired(self, make_app, good, town):
        later = make_app(lambda: town.now + timedelta(minutes=11)).test_client()
        assert self.refused(later, good[0])


def test_a_refusal_before_the_body_was_read_announces_that_the_connection_ends(client, town):
    scan, terminal = {"scan_id": str(new_id()), "code": "x", "purpose": "gate-entry"}, town.terminal("gate-entry")
    refused = client.post("/api/v1/codes/verify", json=scan, headers={"Authorization": "Bearer x.y.z"})
    assert (refused.status_code, refused.headers.get_all("Connection")) == (401, ["close"])
    read = client.post("/api/v1/codes/verify", json=scan, headers=terminal.headers)
    assert (read.status_code, read.headers.get_all("Connection")) == (200, [])
