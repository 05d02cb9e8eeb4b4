"""The sealed reference holds an entitlement, looks random, and opens with its own key only."""

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from qe_ban.codes import token

KEY = bytes(range(32))


@given(
    key=st.binary(min_size=32, max_size=32),
    entitlement=st.integers(0, (1 << 56) - 1),
    guardian=st.booleans(),
    random=st.binary(min_size=8, max_size=8),
)
def test_what_is_sealed_opens(key, entitlement, guardian, random):
    cti = token.seal(key, entitlement=entitlement, guardian=guardian, random=random)
    assert len(cti) == 16
    assert token.open_(key, cti) == token.Reference(version=1, guardian=guardian, entitlement=entitlement)


def test_the_block_is_laid_out_as_the_format_says():
    cti = token.seal(KEY, entitlement=0x0102030405060708 >> 8, guardian=True, random=b"8 random")
    block = Cipher(algorithms.AES(KEY), modes.ECB()).decryptor().update(cti)  # one block of AES, and nothing around it
    assert block == b"\x03" + bytes.fromhex("01020304050607") + b"8 random"
    assert token.open_(KEY, cti) == token.Reference(version=1, guardian=True, entitlement=0x01020304050607)


def test_two_codes_of_one_entitlement_have_nothing_in_common():
    references = [token.seal(KEY, entitlement=7, guardian=False, random=n.to_bytes(8, "big")) for n in range(500)]
    assert len(set(references)) == 500
    for position in range(16):
        assert len({cti[position] for cti in references}) > 180  # 220 of 256 values are to be expected


def test_another_key_opens_to_nothing_or_to_another_number():
    cti = token.seal(KEY, entitlement=7, guardian=False, random=bytes(8))
    readable = 0
    for number in range(400):
        try:
            reference = token.open_(number.to_bytes(32, "big"), cti)
        except token.ReferenceUnreadable:
            continue
        readable += 1
        assert reference.entitlement != 7
    assert readable < 20


@pytest.mark.parametrize("version", [0, 2, 127])
def test_an_unknown_version_is_unreadable(version):
    block = bytes([version << 1]) + bytes(15)
    cti = Cipher(algorithms.AES(KEY), modes.ECB()).encryptor().update(block)
    with pytest.raises(token.ReferenceUnreadable, match=f"^version {version}$"):
        token.open_(KEY, cti)


@pytest.mark.parametrize(
    ("key", "entitlement", "random"),
    [(KEY[:16], 1, bytes(8)), (KEY, -1, bytes(8)), (KEY, 1 << 56, bytes(8)), (KEY, 1, bytes(7)), (KEY, 1, bytes(9))],
)
def test_wrong_lengths_are_not_sealed(key, entitlement, random):
    with pytest.raises(ValueError, match=r"sealed reference|sealing key"):
        token.seal(key, entitlement=entitlement, guardian=False, random=random)


@pytest.mark.parametrize(("key", "cti"), [(KEY[:24], bytes(16)), (KEY, bytes(15)), (KEY, bytes(32))])
def test_wrong_lengths_are_not_opened(key, cti):
    with pytest.raises(ValueError, match=r"sealed reference|sealing key"):
        token.open_(key, cti)
