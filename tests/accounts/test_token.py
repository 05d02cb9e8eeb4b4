"""Foreign JWTs: bounded, strict, and by the given key only."""

import base64
import contextlib
import json

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qe_ban.accounts import token as jwts
from tests.factories.accounts import ClientKey

KEY = ClientKey()
CLAIMS = {"iss": "x", "sub": "x", "jti": "1"}


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def by_hand(header: bytes, payload: bytes):
    body = f"{b64(header)}.{b64(payload)}".encode()
    algorithm = jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256)
    return f"{body.decode()}.{b64(algorithm.sign(body, KEY.private))}"


def refused(token, key=KEY):
    with pytest.raises(jwts.ForeignTokenBroken):
        jwts.verified_claims(token, key.private.public_key())


def test_a_good_one_gives_its_claims():
    token = KEY.sign(CLAIMS)
    assert jwts.verified_claims(token, KEY.private.public_key()) == CLAIMS
    assert jwts.claimed_subject(token) == "x"


@pytest.mark.parametrize("headers", [{"kid": "other"}, {"jku": "https://x.example"}, {"jwk": ClientKey().jwk}])
def test_what_the_header_proposes_is_ignored(headers):
    assert jwts.verified_claims(KEY.sign(CLAIMS, **headers), KEY.private.public_key()) == CLAIMS
    refused(ClientKey().sign(CLAIMS, **headers))


def test_another_key_is_refused():
    refused(KEY.sign(CLAIMS), ClientKey())


def test_other_algorithms_are_refused():
    refused(jwt.encode(CLAIMS, None, "none"))
    refused(jwt.encode(CLAIMS, "k" * 32, "HS256"))
    refused(by_hand(b'{"alg":"none"}', b"{}"))
    refused(by_hand(b'{"alg":"ES384"}', b"{}"))
    refused(by_hand(b'{"alg":["ES256"]}', b"{}"))


@pytest.mark.parametrize(
    ("header", "payload"),
    [
        (b'{"alg":"ES256","crit":["x"]}', b"{}"),
        (b'{"alg":"ES256","b64":false}', b"{}"),
        (b'{"alg":"ES256"}', b"[]"),
        (b'{"alg":"ES256"}', b"5"),
        (b'{"alg":"ES256"}', b"{"),
        (b'{"alg":"ES256"}', b'{"a":NaN}'),
        (b'{"alg":"ES256"}', b'{"a":1,"a":2}'),
        (b'{"alg":"ES256"}', b'{"a":"\xff"}'),
        (b'{"alg":"ES256"}', b'{"a":' + b"[" * 1200 + b"]" * 1200 + b"}"),
        (b'{"alg":"ES256","x":' + b"[" * 400 + b"]" * 400 + b"}", b"{}"),
        (b'{"alg":"ES256"}', b'{"a":' + b"9" * 2900 + b"}"),
        (b'\xef\xbb\xbf{"alg":"ES256"}', b"{}"),
    ],
)
def test_json_that_is_not_plain_is_refused(header, payload):
    if payload.startswith(b'{"a":9'):
        assert jwts.verified_claims(by_hand(header, payload), KEY.private.public_key())
        return
    refused(by_hand(header, payload))


@pytest.mark.parametrize("change", [lambda t: t + "A", lambda t: t + ".", lambda t: " " + t, lambda t: t * 20])
def test_other_forms_are_refused(change):
    refused(change(KEY.sign(CLAIMS)))


def test_every_changed_character_is_refused():
    token = KEY.sign(CLAIMS)
    for place in range(len(token) - 1):
        refused(token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :])


@given(st.one_of(st.text(), st.binary().map(lambda data: f"{b64(data)}.{b64(data)}.{b64(data)}")))
def test_no_text_raises_anything_else(text):
    refused(text)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists))
def test_no_payload_raises_anything_else(value):
    token = by_hand(b'{"alg":"ES256"}', json.dumps({"a": value}).encode())
    with contextlib.suppress(jwts.ForeignTokenBroken):
        assert set(jwts.verified_claims(token, KEY.private.public_key())) == {"a"}
