"""Signatures at the edges: impossible numbers are forged, twins are one code, short numbers are read."""

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from qe_ban.codes import token
from qe_ban.codes.token import sign1
from tests.factories import qe1

ISSUER = qe1.Issuer()
KEYS = ISSUER.keys()
NOW = qe1.NOW
ISSUED = ISSUER.code(qe1.claims())
PRESENTED = ISSUER.presented(qe1.new_key(), qe1.claims("pass"))
N = qe1.ORDER


def verdict(code):
    try:
        token.verify(code, KEYS, token.Policy(), NOW)
    except token.Refused as refused:
        return refused.reason.value
    return "ok"


@pytest.mark.parametrize("r", [0, 1, N - 1, N, N + 1, (1 << 256) - 1])
@pytest.mark.parametrize("s", [0, 1, N - 1, N, N + 1, (1 << 256) - 1])
def test_edge_values_of_r_and_s_are_forged(r, s):
    assert verdict(qe1.with_signature(ISSUED, qe1.raw(r, s))) == "forged"
    assert verdict(qe1.with_signature(PRESENTED, qe1.raw(r, s))) == "forged"


@pytest.mark.parametrize("code", [ISSUED, PRESENTED], ids=["issued", "presented"])
def test_a_signature_beyond_the_order_is_forged_and_a_twin_is_the_same_code(code):
    signature = qe1.data_of(code)[-64:]
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    twin = qe1.with_signature(code, qe1.raw(r, N - s))
    assert twin != code
    original, other = (token.verify(each, KEYS, token.Policy(), NOW) for each in (code, twin))
    assert other == original
    assert other.identity == original.identity
    for variant in (qe1.raw(0, s), qe1.raw(r, 0), qe1.raw(N - r, s), qe1.raw(s, r)):
        assert verdict(qe1.with_signature(code, variant)) == "forged"


def test_short_numbers_in_signatures_are_read():
    """One signature in 128 has an r or s that begins with a zero byte: DER drops it, r||s keeps it."""
    lengths = set()
    for life in range(61):
        for _ in range(100):
            code = ISSUER.code(qe1.claims(life=life))
            signature = qe1.data_of(code)[-64:]
            lengths.update((part[0] == 0, part[1] >= 0x80) for part in (signature[:32], signature[32:]) if part[0] == 0)
            if 0 in (signature[0], signature[32]):
                assert verdict(code) == "ok"
        if lengths >= {(True, True), (True, False)}:
            return
    pytest.fail("no short number in six thousand signatures")


@pytest.mark.parametrize("zeros", [0, 1, 2, 30, 31])
def test_a_number_of_any_length_is_spelled_as_the_library_spells_it(zeros):
    for first in range(1, 256):
        number = bytes(zeros) + bytes([first]) + bytes([0x58] * (31 - zeros))
        library = encode_dss_signature(int.from_bytes(number, "big"), 1)
        # a sequence of two numbers, of which the second is 02 01 01
        assert sign1._der_integer(number) == library[2:-3]
