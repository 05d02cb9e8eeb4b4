"""Whatever the text, only the format's own refusals come out, nothing changed is accepted, and work is bounded."""

import sys

import base45
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qe_ban.codes import token
from qe_ban.codes.token import cbor
from tests.factories import qe1

ISSUER = qe1.Issuer()
KEYS = ISSUER.keys()
PHONE = qe1.new_key()
GOOD = {
    "issued": ISSUER.code(qe1.claims()),
    "printed": ISSUER.code(qe1.claims("printed")),
    "presented": ISSUER.presented(PHONE, qe1.claims("pass"), challenge=b"8 bytes!"),
}
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


def reason(code):
    """Return None when accepted; any exception but Refused fails the test."""
    try:
        token.verify(code, KEYS, token.Policy(), qe1.NOW)
    except token.Refused as refused:
        return refused.reason
    return None


@given(st.text(max_size=800))
@example("QE1:" + "\ud800" * 9)
@example("QE1:" + "\u0661" * 9)
@example("ＱＥ１:")
def test_any_text_is_refused(text):
    assert reason(text) is token.Reason.MALFORMED


@given(st.text(alphabet=ALPHABET, max_size=697))
def test_any_text_of_the_alphabet_is_refused(text):
    assert reason("QE1:" + text) is token.Reason.MALFORMED


@given(st.binary(max_size=464))
def test_any_bytes_are_refused(data):
    assert reason(qe1.text(data)) is token.Reason.MALFORMED


@given(st.binary(max_size=380))
def test_any_bytes_under_a_good_signature_are_refused(payload):
    assert reason(ISSUER.code(payload)) is token.Reason.MALFORMED
    assert reason(qe1.text(qe1.sign1(b"\xa1\x01\x26", payload, PHONE))) is token.Reason.MALFORMED


VALUES = st.recursive(
    st.integers(-(1 << 64), (1 << 64) - 1) | st.binary(max_size=40) | st.text(max_size=9) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.integers(-4, 4), inner, max_size=4),
    max_leaves=6,
)


@given(key=st.sampled_from([4, 6, 7, 8, -70001, -70101, -70150, 99]), value=VALUES, profile=st.sampled_from(list(GOOD)))
def test_any_value_of_any_claim_gives_a_verdict(key, value, profile):
    claims = qe1.claims("pass" if profile == "presented" else profile) | {key: value}
    if profile != "presented":
        reason(ISSUER.code(claims))
        return
    inner = ISSUER.sign({8: {1: qe1.cose_key(PHONE)}} | claims)
    reason(qe1.text(qe1.sign1(b"\xa1\x01\x26", qe1.cbor2.dumps({6: qe1.NOW, -70002: inner}), PHONE)))


@given(profile=st.sampled_from(list(GOOD)), data=st.data())
def test_a_mutated_code_is_never_accepted(profile, data):
    good = qe1.data_of(GOOD[profile])
    start = data.draw(st.integers(0, len(good)))
    end = data.draw(st.integers(start, min(len(good), start + 20)))
    mutation = good[:start] + data.draw(st.binary(max_size=20)) + good[end:]
    assert (reason(qe1.text(mutation)) is None) == (mutation == good)


@pytest.mark.parametrize("profile", GOOD)
def test_every_flipped_bit_is_refused(profile):
    good = qe1.data_of(GOOD[profile])
    assert reason(qe1.text(good)) is None
    number = int.from_bytes(good, "big")
    for bit in range(8 * len(good)):
        assert reason(qe1.text((number ^ 1 << bit).to_bytes(len(good), "big"))) is not None


@pytest.mark.parametrize("profile", GOOD)
def test_every_truncation_and_every_tail_is_refused(profile):
    good = GOOD[profile]
    for end in range(len(good)):
        assert reason(good[:end]) is token.Reason.MALFORMED
        assert reason(good[end + 1 :]) is token.Reason.MALFORMED
    data = qe1.data_of(good)
    for end in range(len(data)):
        assert reason(qe1.text(data[:end])) is token.Reason.MALFORMED
    for tail in (b"\x00", b"\xf6", data):
        assert reason(qe1.text(data + tail)) is token.Reason.MALFORMED


def test_every_changed_character_is_refused():
    good = GOOD["issued"]
    for at in range(len(good)):
        for character in ALPHABET[:: 1 if at > 60 else 7] + "aé\x00":
            mutation = good[:at] + character + good[at + 1 :]
            assert mutation == good or reason(mutation) is not None


def test_a_long_text_is_refused_unread():
    assert reason(GOOD["issued"] + " " * (700 - 184)) is token.Reason.MALFORMED
    assert calls(lambda: reason("QE1:" + "0" * 10_000_000)) == calls(lambda: reason("QE1:" + "0" * 697))


def calls(work):
    """Return how often Python and native functions are entered, by name."""
    counts: dict[str, int] = {}

    def count(frame, event, argument):
        name = frame.f_code.co_name if event == "call" else argument.__name__ if event == "c_call" else None
        if name is not None:
            counts[name] = counts.get(name, 0) + 1

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return counts


def signature_checks(code):
    return calls(lambda: reason(code))["verify"] - 1  # one of them is token.verify itself


@pytest.mark.parametrize(("profile", "checks"), [("issued", 1), ("printed", 1), ("presented", 2)])
def test_an_accepted_code_costs_a_check_for_each_signature(profile, checks):
    assert signature_checks(GOOD[profile]) == checks


def test_nothing_malformed_unknown_or_forged_costs_more():
    forgery = qe1.with_signature(GOOD["presented"], qe1.raw(1, 1))
    assert signature_checks(forgery) == 2
    assert signature_checks(qe1.with_signature(GOOD["issued"], bytes(64))) == 0
    assert signature_checks(qe1.Issuer(kid=b"none").code(qe1.claims())) == 0
    assert signature_checks(ISSUER.code(qe1.claims(life=301))) == 0


DEEP = b"\xa1\x00" * 180
WIDE = b"\xa1\x18\x64\x99\x01\x40" + b"\x00" * 320
MANY_KEYS = b"\xb8\x82" + b"".join(
    b"\x18" + bytes([key]) + b"\x00" if key > 23 else bytes([key, 0]) for key in range(130)
)
PROMISES = b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff" * 40


@pytest.mark.parametrize("payload", [DEEP, WIDE, MANY_KEYS, PROMISES, b"\x80" * 370, b"\xbf" * 370], ids=len)
def test_each_byte_is_passed_at_most_once(payload):
    code = ISSUER.code(payload)
    assert len(code) <= 700
    assert calls(lambda: reason(code)).get("_item", 0) <= len(payload)


@given(st.binary(max_size=300))
def test_of_any_bytes_each_is_passed_at_most_once(data):
    def read():
        with pytest.raises(token.Refused):
            cbor.read_map(data + b"\xff")

    assert calls(read).get("_item", 0) <= len(data) + 1


def test_the_library_reads_no_more_than_we_do():
    """Our alphabet is that of RFC 9285: a code survives the reference library."""
    assert qe1.text(base45.b45decode(GOOD["issued"][4:])) == GOOD["issued"]
