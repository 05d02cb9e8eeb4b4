"""Enrolling and revoking scanners over HTTP: who gets in, what is refused, how guessing ends."""

import dataclasses
import hmac
import json

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from qe_ban.config import Limits
from qe_ban.kernel.ids import new_id
from qe_ban.keys import wrapping
from qe_ban.venues.models import Scanner
from tests.factories.venues import ScannerKey
from tests.venues.conftest import refusal_of


def hs256(claims, key):
    """Forge a JWT whose secret is the public key: PyJWT's own `encode` rightly refuses to."""
    public = key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signing_input = ".".join(
        wrapping.b64url(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims)
    )
    return f"{signing_input}.{wrapping.b64url(hmac.digest(public, signing_input.encode(), 'sha256'))}"


def test_a_scanner_enrols_and_learns_its_place(call, venue_id, enrolment):
    answer = call("POST", "/scanners/enrol", enrolment, token=None)
    assert answer.status_code == 201
    assert set(answer.json) == {"scanner_id", "venue", "scene", "purposes", "trust_roots"}
    assert answer.json["venue"]["id"] == venue_id
    assert (answer.json["scene"], answer.json["purposes"]) == ("government", ["identity-check"])
    assert [root["crv"] for root in answer.json["trust_roots"]] == ["P-256", "P-256"]
    assert "Date" in answer.headers
    (row,) = call("GET", f"/{venue_id}/scanners").json["items"]
    assert (row["id"], row["label"]) == (answer.json["scanner_id"], "1号窗口")


def test_a_code_of_no_use_is_refused_in_one_and_the_same_way(call, prove, enrolment):
    call("POST", "/scanners/enrol", enrolment, token=None)
    problems = []
    for code in (enrolment["enrolment_code"], "0000-0000-0000-0000", "' OR ''='", "x" * 64):
        key = ScannerKey()
        body = {**enrolment, "enrolment_code": code, "jwk": key.jwk, "proof": prove(key)}
        problem = refusal_of(call("POST", "/scanners/enrol", body, token=None), 422, "venues.enrolment_code_invalid")
        problems.append({name: value for name, value in problem.items() if name != "request_id"})
    assert all(problem == problems[0] for problem in problems)


def test_a_key_that_is_enrolled_is_refused(call, venue_id, prove, enrolment):
    key = ScannerKey()
    body = {**enrolment, "jwk": key.jwk, "proof": prove(key)}
    assert call("POST", "/scanners/enrol", body, token=None).status_code == 201
    another = call("POST", f"/{venue_id}/scanners", {"purposes": ["identity-check"]}).json["enrolment_code"]
    again = {**body, "enrolment_code": another, "proof": prove(key)}
    refusal_of(call("POST", "/scanners/enrol", again, token=None), 409, "accounts.client_exists")


def test_a_proof_that_proves_nothing_is_refused_and_the_code_stays(call, prove, collaborators, enrolment):
    key = ScannerKey()
    good = prove(key)
    claims = jwt.decode(good, options={"verify_signature": False})
    for proof in (
        prove(ScannerKey()),
        prove(key, aud="https://elsewhere.test"),
        prove(key, aud=[collaborators.issuer, "https://elsewhere.test"]),
        prove(key, nonce="made-up"),
        prove(key, nonce=None),
        jwt.encode(claims, None, algorithm="none"),
        hs256(claims, key),
        good[:-4],
        "a.b.c",
        "x",
    ):
        body = {**enrolment, "jwk": key.jwk, "proof": proof}
        refusal_of(call("POST", "/scanners/enrol", body, token=None), 422, "accounts.proof_invalid")
    assert call("POST", "/scanners/enrol", {**enrolment, "jwk": key.jwk, "proof": good}, token=None).status_code == 201


def test_a_proof_is_taken_once(call, venue_id, enrolment):
    assert call("POST", "/scanners/enrol", enrolment, token=None).status_code == 201
    another = call("POST", f"/{venue_id}/scanners", {"purposes": ["identity-check"]}).json["enrolment_code"]
    again = {**enrolment, "enrolment_code": another}
    refusal_of(call("POST", "/scanners/enrol", again, token=None), 422, "accounts.proof_invalid")


def test_a_private_key_is_refused_and_never_echoed(call, enrolment):
    private = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I"
    answer = call("POST", "/scanners/enrol", {**enrolment, "jwk": {**enrolment["jwk"], "d": private}}, token=None)
    assert answer.status_code == 422
    assert private not in answer.text


@pytest.mark.parametrize("members", [{"use": "enc"}, {"key_ops": ["deriveKey"]}, {"alg": "ECDH-ES"}])
def test_a_key_that_says_it_is_for_something_else_is_refused_and_the_code_stays(call, enrolment, members):
    answer = call("POST", "/scanners/enrol", {**enrolment, "jwk": enrolment["jwk"] | members}, token=None)
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["jwk"])
    assert call("POST", "/scanners/enrol", enrolment, token=None).status_code == 201


def test_guessing_codes_is_limited_by_address(make_call, settings, enrolment):
    call = make_call(settings=dataclasses.replace(settings, limits=Limits(tries_per_address=4), proxies=1))
    here, there = ({"X-Forwarded-For": f"10.{new_id().int % 250}.{n}.{new_id().int % 250}"} for n in (1, 2))
    guess = {**enrolment, "enrolment_code": "0000-0000-0000-0000"}
    answers = [call("POST", "/scanners/enrol", guess, token=None, headers=here) for _ in range(6)]
    assert answers[0].status_code == 422
    refusal_of(answers[-1], 429, "too_many_requests")
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert call("POST", "/scanners/enrol", enrolment, token=None, headers=there).status_code == 201


def test_a_scanner_is_revoked_at_once_and_a_repeat_is_harmless(database, call, collaborators, enrolment):
    scanner_id = call("POST", "/scanners/enrol", enrolment, token=None).json["scanner_id"]
    assert scanner_id not in {str(subject) for subject in collaborators.revocations.get()}
    for _ in range(2):
        answer = call("POST", f"/scanners/{scanner_id}/revoke")
        assert (answer.status_code, answer.data) == (204, b"")
    assert scanner_id in {str(subject) for subject in collaborators.revocations.get()}
    with database.transaction() as session:
        assert session.get_one(Scanner, scanner_id).revoked_at is not None
