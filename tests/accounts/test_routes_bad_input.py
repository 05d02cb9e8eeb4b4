"""Bad input at the entry points of signing in: each gets a clear problem, and never a 500."""

from urllib.parse import urlencode

import pytest

from tests.factories.accounts import API, PersonFactory, bearer, sign_in

TOKEN = f"{API}/auth/token"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


HARD = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'{"phone":NaN}',
    b'{"phone":"a","phone":"b"}',
    b'{"phone":"\\ud800"}',
    b'{"phone":"\\u0000"}',
    b'{"phone":"\\u202e1380000000"}',
    b'{"phone":' + b"9" * 5000 + b"}",
    b'{"phone":' + b"[" * 3000 + b"]" * 3000 + b"}",
    b'{"phone":"13800000001","more":1}',
    b"\xff\xfe",
]


@pytest.mark.parametrize("path", ["/auth/otp", "/auth/token", "/auth/revoke"])
@pytest.mark.parametrize("body", HARD)
def test_hard_bodies_get_a_problem_and_never_a_500(client, path, body):
    answer = client.post(API + path, data=body, content_type="application/json")
    assert 400 <= answer.status_code < 500
    assert answer.content_type == "application/problem+json"
    assert answer.get_json()["request_id"]


@pytest.mark.parametrize("path", ["/auth/otp", "/auth/token", "/auth/revoke"])
def test_wrong_types_sizes_and_query_parameters(client, path):
    assert client.post(API + path, data="x", content_type="text/plain").status_code == 415
    assert client.post(API + path, data=b"x" * 10_000_000, content_type="application/json").status_code == 413
    chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
    answer = client.post(API + path, environ_overrides=chunked, content_type="application/json")
    assert answer.status_code == 411
    strange = client.post(f"{API}{path}?a=1", json={"phone": "13800000001"})
    oauth = path != "/auth/otp"
    assert (strange.status_code, "error" in strange.get_json()) == ((400, True) if oauth else (422, False))
    assert client.get(API + path).status_code == 405


INJECTIONS = ["' OR 1=1 --", "'; DROP TABLE staff; --", "${jndi:ldap://x}", "a%00b", "../../etc/passwd"]


@pytest.mark.parametrize("text", INJECTIONS)
def test_injection_strings_are_only_strings(client, text):
    grants = [
        {"grant_type": "otp", "phone": text, "challenge": text, "otp": text[:16]},
        {"grant_type": "password", "username": text, "password": text, "totp": text[:16]},
        {"grant_type": "refresh_token", "refresh_token": text},
        {"grant_type": text},
    ]
    for grant in grants:
        assert (
            client.post(TOKEN, data=urlencode(grant), content_type="application/x-www-form-urlencoded").status_code
            == 400
        )
    scanner = {"grant_type": "client_credentials", "client_assertion_type": JWT_BEARER, "client_assertion": text}
    assert client.post(TOKEN, data=scanner).status_code == 401
    assert client.post(f"{API}/auth/revoke", data={"token": text}).status_code == 200


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Bearer x", "Basic YTpi", "bearer a.b.c", "Bearer " + "A" * 9000, "Bearer é", "x" * 500],
)
def test_other_authorization_headers_are_401(client, authorization):
    answer = client.get(f"{API}/me", headers={"Authorization": authorization})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_no_number_comes_back_in_a_problem(client):
    person = PersonFactory()
    token = sign_in(client, person.phone)["access_token"]
    wrong = person.body() | {"id_number": PersonFactory().id_number}
    answer = client.put(f"{API}/me/real-name", json=wrong, headers=bearer(token))
    assert answer.status_code == 422
    said = answer.get_data(as_text=True)
    assert wrong["id_number"] not in said
    assert person.phone not in said
