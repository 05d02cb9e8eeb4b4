import re
import time
from datetime import UTC, datetime
from uuid import uuid4

import jwt
import pytest

from tests.factories.accounts import (
    API,
    FACE_PROOF,
    ClientKey,
    StaffFactory,
    bearer,
    random_phone,
    sign_in,
    sign_in_named,
    sign_in_staff,
    step_up,
    together,
)

OTP, TOKEN = f"{API}/auth/otp", f"{API}/auth/token"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def test_asking_for_a_password_answers_202_alike_for_known_and_unknown_phones(client):
    known, unknown = random_phone(), random_phone()
    sign_in(client, known)
    for phone in (known, unknown):
        answer = client.post(OTP, json={"phone": phone})
        assert answer.status_code == 202
        assert set(answer.get_json()) == {"challenge", "expires_in", "retry_after", "otp"}
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("phone", ["+86 138-0000-0001", "008613800000001", "138 0000 0001"])
def test_a_phone_may_be_typed_as_people_do(client, phone):
    assert client.post(OTP, json={"phone": phone}).status_code == 202


@pytest.mark.parametrize(
    "phone",
    ["", "12800000001", "1380000000", "１３８００００００００１", "' OR 1=1 --", "13800000001\r\nX: y", 13800000001],
)
def test_what_is_no_phone_is_422_and_is_not_repeated(client, phone):
    answer = client.post(OTP, json={"phone": phone})
    assert answer.status_code == 422
    assert "phone" in answer.get_json()["errors"]
    assert not phone or str(phone) not in answer.get_data(as_text=True)


def test_signing_in_by_form_and_by_json_are_the_same(client):
    for send in ("data", "json"):
        phone = random_phone()
        asked = client.post(OTP, json={"phone": phone}).get_json()
        body = {"grant_type": "otp", "phone": phone, "challenge": asked["challenge"], "otp": asked["otp"], "x": "y"}
        answer = client.post(TOKEN, **{send: body})
        assert answer.status_code == 200
        tokens = answer.get_json()
        assert tokens["token_type"] == "Bearer"
        assert tokens["expires_in"] == 600
        assert tokens["scope"] == "auth.step_up me.read me.real_name me.recovery"
        assert len(tokens["refresh_token"]) == 43


def refusal(answer, status, error):
    problem = answer.get_json()
    assert (answer.status_code, problem.get("error")) == (status, error), problem
    assert answer.content_type == "application/problem+json"
    assert problem["error_description"].isascii()
    assert problem["code"].startswith(("accounts.", "invalid", "unreadable", "too_many"))
    return problem


def test_a_wrong_password_is_invalid_grant_and_counts(client):
    phone = random_phone()
    asked = client.post(OTP, json={"phone": phone}).get_json()
    wrong = f"{(int(asked['otp']) + 1) % 1_000_000:06d}"
    grant = {"grant_type": "otp", "phone": phone, "challenge": asked["challenge"]}
    for _ in range(5):
        refusal(client.post(TOKEN, json=grant | {"otp": wrong}), 400, "invalid_grant")
    refusal(client.post(TOKEN, json=grant | {"otp": asked["otp"]}), 400, "invalid_grant")


def test_two_redemptions_at_once_over_http_give_one_token(app):
    phone = random_phone()
    asked = app.test_client().post(OTP, json={"phone": phone}).get_json()
    grant = {"grant_type": "otp", "phone": phone, "challenge": asked["challenge"], "otp": asked["otp"]}
    answers = together(4, lambda _: app.test_client().post(TOKEN, json=grant).status_code)
    assert sorted(answers) == [200, 400, 400, 400]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"grant_type": "otp"},
        {"grant_type": "otp", "phone": "13800000001", "challenge": "x"},
        {"grant_type": 5},
        {"grant_type": "refresh_token"},
        {"grant_type": "otp", "phone": "13800000001", "challenge": "x", "otp": 123456},
        {"grant_type": "password", "username": "x", "password": "y" * 129, "totp": "1"},
        {"grant_type": "client_credentials", "client_assertion_type": "x", "client_assertion": "y"},
    ],
)
def test_a_grant_without_what_it_needs_is_invalid_request(client, body):
    problem = refusal(client.post(TOKEN, json=body), 400, "invalid_request")
    assert problem["errors"]


def test_another_grant_is_unsupported(client):
    refusal(client.post(TOKEN, data={"grant_type": "authorization_code"}), 400, "unsupported_grant_type")


def test_refreshing_rotates_and_reuse_after_the_successors_use_ends_all(client):
    first = sign_in(client, random_phone())
    again = {"grant_type": "refresh_token"}
    second = client.post(TOKEN, data=again | {"refresh_token": first["refresh_token"]}).get_json()
    third = client.post(TOKEN, data=again | {"refresh_token": second["refresh_token"]}).get_json()
    reused = client.post(TOKEN, data=again | {"refresh_token": first["refresh_token"]})
    assert refusal(reused, 400, "invalid_grant")["code"] == "accounts.refresh_reused"
    refusal(client.post(TOKEN, data=again | {"refresh_token": third["refresh_token"]}), 400, "invalid_grant")
    assert client.get(f"{API}/me", headers=bearer(third["access_token"])).status_code == 401


def test_two_refreshes_at_once_give_the_same_successor(app, client):
    body = {"grant_type": "refresh_token", "refresh_token": sign_in(client, random_phone())["refresh_token"]}
    answers = together(4, lambda _: app.test_client().post(TOKEN, json=body).get_json()["refresh_token"])
    assert len(set(answers)) == 1


def test_staff_sign_in_by_password_and_dynamic_code(client, database, rings):
    now = datetime.now(UTC)
    staff = StaffFactory()
    staff.create(database, rings, now)
    me = client.get(f"{API}/me", headers=bearer(sign_in_staff(client, staff, now))).get_json()
    assert (me["kind"], me["username"], me["roles"]) == ("staff", staff.username, ["city_admin"])
    assert me["place"] == {"district": None, "hall": None, "zone": None, "department": None}
    refusal(client.post(TOKEN, json=staff.grant(now)), 400, "invalid_grant")


def test_guessing_staff_secrets_is_locked_with_retry_after(client):
    body = StaffFactory().grant(datetime.now(UTC))
    for _ in range(5):
        refusal(client.post(TOKEN, json=body), 400, "invalid_grant")
    answer = client.post(TOKEN, json=body)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 900
    assert "15分钟" in answer.get_json()["detail"]


@pytest.fixture
def scanner(database, settings):
    key, now = ClientKey(), datetime.now(UTC)
    client_id = key.register(database, now)

    def grant(**changed):
        assertion = key.assertion(client_id, settings.issuer, datetime.now(UTC), **changed)
        return {
            "grant_type": "client_credentials",
            "client_assertion_type": JWT_BEARER,
            "client_assertion": assertion,
        }

    return grant


def test_a_scanner_signs_in_by_assertion_and_gets_no_refresh_token(client, scanner):
    answer = client.post(TOKEN, data=scanner()).get_json()
    assert answer["scope"] == "codes.verify"
    assert "refresh_token" not in answer
    assert client.get(f"{API}/me", headers=bearer(answer["access_token"])).status_code == 403


def test_a_replayed_assertion_is_invalid_client(client, scanner):
    body = scanner()
    assert client.post(TOKEN, data=body).status_code == 200
    answer = client.post(TOKEN, data=body)
    assert refusal(answer, 401, "invalid_client")["code"] == "accounts.assertion_replayed"
    assert "WWW-Authenticate" in answer.headers


@pytest.mark.parametrize("encoding", ["data", "json"])
def test_a_client_id_beside_the_assertion_is_its_client(client, scanner, encoding):
    def ask(named):
        body = scanner()
        subject = jwt.decode(body["client_assertion"], options={"verify_signature": False})["sub"]
        return client.post(TOKEN, **{encoding: body | {"client_id": named(subject)}})

    others = jwt.decode(scanner()["client_assertion"], options={"verify_signature": False})["sub"][:-1] + "z"
    for named in (others, str(uuid4()), "x", " ", "客户端", "9" * 5000):
        answer = ask(lambda _, named=named: named)
        assert refusal(answer, 401, "invalid_client")["code"] == "accounts.assertion_refused"
    assert refusal(ask(lambda own: own.upper()), 401, "invalid_client")
    assert refusal(ask(lambda own: f"{own} "), 401, "invalid_client")
    assert ask(lambda own: own).status_code == 200
    # a parameter without a value is one that was left out (RFC 6749, 3.2)
    assert ask(lambda _: "").status_code == 200


def test_a_refused_client_id_does_not_use_up_the_assertion(client, scanner):
    body = scanner()
    refusal(client.post(TOKEN, data=body | {"client_id": str(uuid4())}), 401, "invalid_client")
    assert client.post(TOKEN, data=body).status_code == 200


def test_the_audience_is_the_issuer_and_never_the_host_that_was_called(client, scanner):
    body = scanner(aud="https://attacker.example")
    answer = client.post(TOKEN, data=body, headers={"Host": "attacker.example"})
    refusal(answer, 401, "invalid_client")


def test_a_scanner_with_a_wrong_clock_learns_the_servers_time(client, scanner):
    seconds = int(time.time())
    answer = client.post(TOKEN, data=scanner(iat=seconds - 900, exp=seconds - 600))
    problem = refusal(answer, 401, "invalid_client")
    assert problem["code"] == "accounts.assertion_clock"
    assert re.search(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", problem["detail"])
    assert problem["server_time"].endswith("Z")


def test_step_up_gives_a_new_token_and_says_that_it_is_the_sandboxs(client, person):
    tokens = sign_in_named(client, person)
    answer = client.post(
        f"{API}/auth/step-up",
        json={"method": "face", "proof": "sandbox"},
        headers=bearer(tokens["access_token"]),
    ).get_json()
    assert answer["method"] == "sandbox"
    assert "codes.issue" in answer["scope"].split()
    assert "refresh_token" not in answer


def test_a_new_account_is_told_to_give_a_real_name_before_the_face_check(client):
    headers = bearer(sign_in(client, random_phone())["access_token"])
    answer = client.post(f"{API}/auth/step-up", json={"method": "face", "proof": FACE_PROOF}, headers=headers)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "accounts.real_name_required")


def test_a_wrong_proof_is_422(client, person):
    token = sign_in_named(client, person)["access_token"]
    answer = client.post(f"{API}/auth/step-up", json={"method": "face", "proof": "x"}, headers=bearer(token))
    assert (answer.status_code, answer.get_json()["code"]) == (422, "accounts.face_refused")


def test_revoking_ends_the_sign_in_at_once_and_answers_200_to_anything(client, person):
    tokens = sign_in_named(client, person)
    stepped = step_up(client, tokens["access_token"])
    for body in ({"token": tokens["refresh_token"], "token_type_hint": "refresh_token"}, {"token": "nothing"}):
        answer = client.post(f"{API}/auth/revoke", data=body)
        assert (answer.status_code, answer.get_data()) == (200, b"")
    for token in (tokens["access_token"], stepped):
        answer = client.get(f"{API}/me", headers=bearer(token))
        assert answer.status_code == 401
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_metadata_names_the_configured_issuer_whatever_host_is_called(client, settings):
    answer = client.get(f"{API}/auth/metadata", headers={"Host": "attacker.example"}).get_json()
    assert answer["issuer"] == settings.issuer
    assert answer["token_endpoint"] == f"{settings.issuer}{API}/auth/token"
    assert "attacker" not in str(answer)


def test_nonces_differ(client):
    nonces = {client.get(f"{API}/auth/nonce").get_json()["nonce"] for _ in range(5)}
    assert len(nonces) == 5
