"""Secrets under the master key and the two halves of signing keys, in the forms in which the table keeps them."""

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt.algorithms import ECAlgorithm

from qe_ban.keys import wrapping

MASTER, OTHER_MASTER = bytes(range(32)), bytes(32)
SECRET = b"32 bytes that nobody else knows!"
PLACE = {"kid": "0a0b0c0d", "ring": "holder"}
KEY = ec.derive_private_key(7, ec.SECP256R1())
JWK = wrapping.public_jwk(KEY.public_key(), "0a0b0c0d")


def test_a_secret_comes_back_and_looks_new_each_time():
    first, second = (wrapping.wrap(MASTER, **PLACE, secret=SECRET) for _ in range(2))
    assert first[:12] != second[:12]
    assert (
        wrapping.unwrap(MASTER, **PLACE, ciphertext=first)
        == wrapping.unwrap(MASTER, **PLACE, ciphertext=second)
        == SECRET
    )


def test_a_wrapped_secret_has_a_nonce_of_12_bytes_and_is_bound_to_ring_and_kid():
    ciphertext = wrapping.wrap(MASTER, **PLACE, secret=SECRET)
    assert len(ciphertext) == 12 + 32 + 16
    assert AESGCM(MASTER).decrypt(ciphertext[:12], ciphertext[12:], b"holder/0a0b0c0d") == SECRET


@pytest.mark.parametrize(
    "change", [{"kid": "0a0b0c0e"}, {"ring": "derive"}, {"master": OTHER_MASTER}], ids=["kid", "ring", "master"]
)
def test_under_another_master_key_kid_or_ring_a_secret_does_not_open(change):
    arguments = {"master": MASTER, **PLACE, "ciphertext": wrapping.wrap(MASTER, **PLACE, secret=SECRET)}
    with pytest.raises(wrapping.MasterKeyWrong) as error:
        wrapping.unwrap(**(arguments | change))
    assert str(error.value) == "the master key does not open the keys in the database"


def test_no_changed_byte_of_a_wrapped_secret_goes_unnoticed():
    ciphertext = wrapping.wrap(MASTER, **PLACE, secret=SECRET)
    for at in range(len(ciphertext)):
        other = ciphertext[:at] + bytes([ciphertext[at] ^ 1]) + ciphertext[at + 1 :]
        with pytest.raises(wrapping.MasterKeyWrong):
            wrapping.unwrap(MASTER, **PLACE, ciphertext=other)


def test_a_private_key_is_kept_as_pkcs_8_without_a_password():
    der = wrapping.private_bytes(KEY)
    assert der == KEY.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    assert wrapping.private_key(der).private_numbers() == KEY.private_numbers()


def test_a_private_key_of_another_kind_signs_nothing_here():
    der = ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(TypeError):
        wrapping.private_key(der)


def test_a_public_half_is_a_jwk_for_es256():
    jwk = wrapping.public_jwk(KEY.public_key(), "0a0b0c0d")
    assert jwk.keys() == {"kty", "crv", "alg", "use", "kid", "x", "y"}
    assert (jwk["kty"], jwk["crv"], jwk["alg"], jwk["use"]) == ("EC", "P-256", "ES256", "sig")
    assert jwk["kid"] == "0a0b0c0d"
    assert ECAlgorithm.from_jwk(jwk).public_numbers() == KEY.public_key().public_numbers()


def test_a_jwk_comes_back_as_the_key_also_where_a_coordinate_begins_with_zeros():
    publics = [ec.derive_private_key(number, ec.SECP256R1()).public_key() for number in range(1, 400)]
    shortest = min(min(key.public_numbers().x, key.public_numbers().y) for key in publics)
    assert shortest < 1 << 248, "some coordinate begins with a zero byte"
    for key in publics:
        jwk = wrapping.public_jwk(key, "x")
        assert len(jwk["x"]) == len(jwk["y"]) == 43
        assert wrapping.public_key(jwk).public_numbers() == key.public_numbers()
        assert wrapping.public_key({name: jwk[name] for name in ("kty", "crv", "x", "y")}) == key


OFF_THE_LAST_BITS = JWK["x"][:-1] + {"A": "B", "w": "x"}.get(JWK["x"][-1], chr(ord(JWK["x"][-1]) + 1))


@pytest.mark.parametrize(
    "change",
    [
        {"kty": "RSA"},
        {"kty": None},
        {"crv": "P-384"},
        {"crv": None},
        {"x": "A" * 43, "y": "A" * 43},  # off the curve
        {"x": JWK["y"], "y": JWK["x"]},
        {"x": JWK["x"][:42]},
        {"x": JWK["x"] + "A"},
        {"y": JWK["y"] + "="},
        {"x": 7},
        {"x": None},
        {"x": "é" * 43},
        {"x": "+" * 43},
        {"x": " " + JWK["x"][:42]},
        {"x": JWK["x"][:42] + "\n"},
        {"x": OFF_THE_LAST_BITS},  # bits that belong to no byte
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_jwk_off_the_curve_or_out_of_shape_is_no_key(change):
    assert wrapping.public_key(JWK) == KEY.public_key()
    with pytest.raises(ValueError, match=r"."):
        wrapping.public_key(JWK | change)
    for name in change:
        with pytest.raises(ValueError, match=r"."):
            wrapping.public_key({member: value for member, value in JWK.items() if member != name})


def test_a_thumbprint_is_over_the_four_members_of_the_standard_alone():
    text = f'{{"crv":"P-256","kty":"EC","x":"{JWK["x"]}","y":"{JWK["y"]}"}}'
    assert wrapping.thumbprint(JWK) == hashlib.sha256(text.encode()).digest()
    assert wrapping.thumbprint(dict(reversed(JWK.items())) | {"kid": "another"}) == wrapping.thumbprint(JWK)


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"", ""), (b"f", "Zg"), (b"fo", "Zm8"), (b"foo", "Zm9v"), (b"\xfb\xff", "-_8"), (b"\0\0\x17", "AAAX")],
)
def test_base64url_has_no_padding(data, text):
    assert wrapping.b64url(data) == text
