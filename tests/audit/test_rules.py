"""Leaves, roots and statements by themselves."""

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from qe_ban.audit.rules import merkle, statement
from qe_ban.kernel.clock import CITY_TIME

hashes = st.lists(st.binary(min_size=32, max_size=32), max_size=40)
KEY = ec.generate_private_key(ec.SECP256R1())
OTHER_KEY = ec.generate_private_key(ec.SECP256R1())


def by_the_book(entries):
    """MTH of RFC 9162, 2.1.1, over entries that are hashed already."""
    if not entries:
        return hashlib.sha256().digest()
    if len(entries) == 1:
        return entries[0]
    half = 1
    while half * 2 < len(entries):
        half *= 2
    return hashlib.sha256(b"\x01" + by_the_book(entries[:half]) + by_the_book(entries[half:])).digest()


@given(hashes)
def test_a_root_is_that_of_the_standard(leaves):
    assert merkle.root(leaves) == by_the_book(leaves)


def test_a_leaf_is_salted_and_no_node():
    row = {"b": "二", "a": None}
    assert merkle.canonical(row) == '{"a":null,"b":"二"}'.encode()
    assert merkle.leaf(bytes(16), row) == hashlib.sha256(b"\x00" + bytes(16) + merkle.canonical(row)).digest()


@given(st.dictionaries(st.text("abc", min_size=1), st.none() | st.text(), max_size=5))
def test_two_rows_never_spell_alike(row):
    assert json.loads(merkle.canonical(row)) == row


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20))
def test_ids_come_back(ids):
    assert statement.unpack_ids(statement.pack_ids(ids)) == ids


def test_ids_are_packed_into_eight_bytes_each_and_an_incomplete_one_is_left_out():
    data = statement.pack_ids([1, -1, 1 << 62])
    assert data.hex() == "0000000000000001" + "ffffffffffffffff" + "4000000000000000"
    for length, ids in ((24, [1, -1, 1 << 62]), (23, [1, -1]), (16, [1, -1]), (15, [1]), (8, [1]), (7, []), (0, [])):
        assert statement.unpack_ids(data[:length]) == ids
    assert statement.digest(data) == hashlib.sha256(data).digest()


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 10, 2, 8, 0, 0, 1, UTC), "1790928000.000001"),
        (datetime(2026, 10, 2, 16, 0, 0, 1, CITY_TIME), "1790928000.000001"),
        (datetime(2026, 10, 2, 8, 0, 0, 999_999, UTC), "1790928000.999999"),
        (datetime(2026, 10, 2, 8, 0, 1, 500_000, UTC), "1790928001.500000"),
        (datetime(1970, 1, 1, tzinfo=UTC), "0.000000"),
    ],
)
def test_a_moment_is_spelled_in_seconds_with_six_decimals(moment, text):
    assert statement.epoch_text(moment) == text


def a_statement(**more):
    fields = {"n": 7, "at": "1790928000.000000", "leaves": 2, "top": 9, "more": False}
    fields |= {"root": b"r" * 32, "previous": bytes(32), "ids": b"i" * 32}
    return statement.Statement(**fields | more)


def test_a_seal_is_a_jws_that_others_can_check():
    content = a_statement()
    signature = content.sign("0a0b0c0d", KEY)
    parts = jwt.api_jws.decode_complete(content.jws("0a0b0c0d", signature), KEY.public_key(), algorithms=["ES256"])
    assert parts["header"] == {"alg": "ES256", "kid": "0a0b0c0d", "typ": "qe-audit-seal"}
    assert json.loads(parts["payload"]) == {
        "n": "7",
        "at": "1790928000.000000",
        "leaves": "2",
        "top": "9",
        "more": "no",
        "root": (b"r" * 32).hex(),
        "previous": bytes(32).hex(),
        "ids": (b"i" * 32).hex(),
    }
    assert json.loads(payload_of(a_statement(more=True).signing_input("0a0b0c0d")))["more"] == "yes"
    assert content.head("0a0b0c0d", signature) == hashlib.sha256(content.jws("0a0b0c0d", signature).encode()).digest()
    assert urlsafe_b64decode(content.jws("0a0b0c0d", signature).rpartition(".")[2] + "==") == signature


def payload_of(signing_input):
    return urlsafe_b64decode(signing_input.partition(".")[2] + "==")


def test_an_erasure_is_a_jws_of_its_own_type_that_others_can_check():
    signing_input = statement.Erasure(through=12, at="1790928000.000000").signing_input("0a0b0c0d")
    signature = statement.signature_of(signing_input, KEY)
    jws = f"{signing_input}.{urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    parts = jwt.api_jws.decode_complete(jws, KEY.public_key(), algorithms=["ES256"])
    assert parts["header"] == {"alg": "ES256", "kid": "0a0b0c0d", "typ": "qe-audit-erasure"}
    assert parts["payload"] == b'{"at":"1790928000.000000","through":"12"}'


@pytest.mark.parametrize("kid", ["", "0", "0a", "0a0"])
def test_no_part_of_a_jws_is_padded_whatever_its_length(kid):
    parts = statement.signing_input(kid, "t", {"kid": kid}).split(".")
    header, payload = f'{{"alg":"ES256","kid":"{kid}","typ":"t"}}', f'{{"kid":"{kid}"}}'
    assert parts == [jwt.utils.base64url_encode(part.encode()).decode() for part in (header, payload)]


def test_header_and_payload_have_one_spelling_so_that_a_head_can_be_computed_again():
    signing_input = a_statement().signing_input("0a0b0c0d")
    header = urlsafe_b64decode(signing_input.partition(".")[0] + "==")
    assert header == b'{"alg":"ES256","kid":"0a0b0c0d","typ":"qe-audit-seal"}'
    assert payload_of(signing_input).startswith(b'{"at":"1790928000.000000","ids":"6969')
    assert "=" not in signing_input


@given(st.integers(0, 999))
def test_a_signature_is_64_bytes_and_holds_for_its_text_and_key_alone(number):
    text = f"{number}.text"
    signature = statement.signature_of(text, KEY)
    assert len(signature) == 64
    assert statement.holds(signature, text, KEY.public_key()) is True
    reversed_pair = signature[32:] + signature[:32]
    for bad in (reversed_pair, b"", bytes(64), b"\xff" * 64, signature[:63], signature + b"\x00", b"\x00" + signature):
        assert statement.holds(bad, text, KEY.public_key()) is False
    assert statement.holds(signature, text + " ", KEY.public_key()) is False
    assert statement.holds(signature, text, OTHER_KEY.public_key()) is False


@given(
    st.sampled_from(
        [
            {"n": 8},
            {"at": "1790928000.000001"},
            {"leaves": 3},
            {"top": 8},
            {"more": True},
            {"root": bytes(32)},
            {"previous": b"p" * 32},
            {"ids": bytes(32)},
        ]
    )
)
def test_a_signature_holds_for_one_statement_only(change):
    signature = a_statement().sign("0a0b0c0d", KEY)
    assert a_statement().is_signed("0a0b0c0d", KEY.public_key(), signature)
    assert not a_statement(**change).is_signed("0a0b0c0d", KEY.public_key(), signature)
    assert not a_statement().is_signed("0a0b0c0e", KEY.public_key(), signature)
    assert not a_statement().is_signed("0a0b0c0d", KEY.public_key(), signature[:-1])
