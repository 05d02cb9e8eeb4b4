"""Public keys of clients."""

import base64

import marshmallow
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from qe_ban.web import fields
from qe_ban.web.schema import Schema


class Enrolment(Schema):
    jwk = fields.PublicJwk(required=True)


def b64(number: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes(32)).rstrip(b"=").decode()


@pytest.fixture(scope="module")
def jwk() -> dict[str, str]:
    numbers = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
    return {"kty": "EC", "crv": "P-256", "x": b64(numbers.x), "y": b64(numbers.y)}


def test_a_key_is_taken_without_its_trimmings(jwk):
    body = jwk | {"kid": "k1", "use": "sig", "alg": "ES256", "key_ops": ["verify"], "ext": True}
    assert Enrolment().load({"jwk": body}) == {"jwk": jwk}


@pytest.mark.parametrize(
    "change",
    [
        {"d": "AAAA"},
        {"k": "AAAA"},
        {"x5c": ["AAAA"]},
        {"kty": "RSA"},
        {"kty": "OKP"},
        {"crv": "P-384"},
        {"crv": ["P-256"]},
        {"alg": "none"},
        {"alg": "ES384"},
        {"alg": "ECDH-ES"},
        {"alg": None},
        {"use": "enc"},
        {"use": "SIG"},
        {"use": ["sig"]},
        {"use": None},
        {"key_ops": ["sign"]},
        {"key_ops": ["deriveKey"]},
        {"key_ops": ["verify", "deriveBits"]},
        {"key_ops": ["verify", "verify"]},
        {"key_ops": ["verify", {}]},
        {"key_ops": "verify"},
        {"key_ops": []},
        {"key_ops": None},
        {"use": "sig", "key_ops": ["encrypt"]},
        {"kid": 7},
        {"ext": "yes"},
        {"x": None},
        {"x": 1},
        {"x": ""},
        {"x": "A" * 42},
        {"x": "A" * 43 + "="},
        {"x": "+" * 43},
        {"x": "A" * 43, "y": "A" * 43},
        {"x": "_" * 42 + "8", "y": "A" * 43},
    ],
)
def test_other_keys_are_refused(jwk, change):
    with pytest.raises(marshmallow.ValidationError) as refusal:
        Enrolment().load({"jwk": jwk | change})
    assert list(refusal.value.messages) == ["jwk"]


@pytest.mark.parametrize(
    "extra", [{"use": "sig"}, {"key_ops": ["verify"]}, {"key_ops": ["sign", "verify"]}, {"ext": False}]
)
def test_what_fits_a_key_for_signatures_is_taken(jwk, extra):
    assert Enrolment().load({"jwk": jwk | extra}) == {"jwk": jwk}


@pytest.mark.parametrize("value", [None, "", [], 1, {}])
def test_what_is_no_key_is_refused(value):
    assert Enrolment().validate({"jwk": value})


def test_only_one_spelling_of_a_key_is_taken(jwk):
    # the last of 43 characters carries two spare bits
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twin = jwk["x"][:-1] + alphabet[alphabet.index(jwk["x"][-1]) | 1]
    assert Enrolment().validate({"jwk": jwk | {"x": twin}})
