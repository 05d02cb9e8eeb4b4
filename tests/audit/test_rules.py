"""Leaves, roots and statements by themselves."""

import hashlib
import json
from base64 import urlsafe_b64decode
from datetime import UTC, datetime

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from qe_ban.audit.rules import merkle, statement

hashes = st.lists(st.binary(min_size=32, max_size=32), max_size=40)
KEY = ec.generate_private_key(ec.SECP256R1())


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
    assert statement.unpacked(statement.packed(ids)) == ids


def test_a_moment_is_spelled_as_postgresql_does(database):
    moment = datetime(2026, 10, 2, 8, 0, 0, 1, UTC)
    with database.engine.connect() as connection:
        told = connection.exec_driver_sql("SELECT extract(epoch FROM %s::timestamptz)::text", (moment,)).scalar_one()
    assert statement.spelled(moment) == told == "1790928000.000001"


def a_statement(**more):
    given = {"n": 7, "at": "1790928000.000000", "leaves": 2, "top": 9, "more": False}
    given |= {"root": b"r" * 32, "previous": bytes(32), "ids": b"i" * 32}
    return statement.Statement(**given | more)


def test_a_seal_is_a_jws_that_others_can_check():
    said = a_statement()
    signature = said.sign("0a0b0c0d", KEY)
    told = jwt.api_jws.decode_complete(said.jws("0a0b0c0d", signature), KEY.public_key(), algorithms=["ES256"])
    assert told["header"] == {"alg": "ES256", "kid": "0a0b0c0d", "typ": "qe-audit-seal"}
    assert json.loads(told["payload"])["root"] == (b"r" * 32).hex()
    assert said.head("0a0b0c0d", signature) == hashlib.sha256(said.jws("0a0b0c0d", signature).encode()).digest()
    assert urlsafe_b64decode(said.jws("0a0b0c0d", signature).rpartition(".")[2] + "==") == signature


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
