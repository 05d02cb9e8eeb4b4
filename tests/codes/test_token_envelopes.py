"""The two envelopes: whatever the length of a payload it is found, and any other spelling of an envelope is refused."""

import cbor2
import pytest

from qe_ban.codes import token
from qe_ban.codes.token import cbor, sign1
from tests.factories import qe1

ISSUER = qe1.Issuer()
PHONE = qe1.new_key()
TEXT = b"0123456789abcdef" * 20
LENGTHS = [0, 1, 22, 23, 24, 25, 254, 255, 256, 257, 320]
HEADERS = {"issuer": cbor2.dumps({1: -7, 4: ISSUER.kid}), "phone": cbor2.dumps({1: -7})}
SIGNATURE = bytes(range(64))


def envelope(content, signer="issuer", *, header=None, header_map=b"\xa0", signature=b"\x58\x40" + SIGNATURE):
    """Spell a COSE_Sign1 around what stands in the place of the payload's byte string."""
    return b"\xd2\x84" + cbor2.dumps(header or HEADERS[signer]) + header_map + content + signature


def is_refused(data):
    try:
        sign1.split(data)
    except token.Refused as refused:
        return refused.reason is token.Reason.MALFORMED
    return False


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("signer", HEADERS)
def test_a_payload_of_any_length_is_found_in_either_envelope(signer, length):
    data = envelope(cbor2.dumps(TEXT[:length]), signer)
    assert sign1.split(data) == sign1.Envelope(
        kid=ISSUER.kid if signer == "issuer" else None,
        payload=TEXT[:length],
        sig_structure=cbor2.dumps(["Signature1", HEADERS[signer], b"", TEXT[:length]]),
        signature=SIGNATURE,
    )


@pytest.mark.parametrize("length", LENGTHS)
def test_a_signature_over_a_payload_of_any_length_holds(length):
    parts = sign1.split(ISSUER.sign(TEXT[:length]))
    assert sign1.holds(parts, ISSUER.private.public_key())
    assert not sign1.holds(parts, PHONE.public_key())
    assert (
        sign1.split(sign1.seal(TEXT[: min(length, 255)], ISSUER.kid, ISSUER.private))[:3]
        == (sign1.split(ISSUER.sign(TEXT[: min(length, 255)]))[:3])
    )


@pytest.mark.parametrize("length", [24, 25, 64, 254, 255])
@pytest.mark.parametrize("signer", HEADERS)
def test_the_usual_payload_needs_no_general_reader(signer, length, monkeypatch):
    monkeypatch.delattr(cbor, "byte_string")
    assert sign1.split(envelope(cbor2.dumps(TEXT[:length]), signer)).payload == TEXT[:length]


@pytest.mark.parametrize("signer", HEADERS)
@pytest.mark.parametrize(
    "content",
    [
        "",  # nothing, and what is no byte string
        "00",
        "3f",
        "63616263",
        "83000000",
        "f6",
        "5f4161ff",  # of indefinite length
        "5c",
        "7818" + "61" * 24,  # a text, an array, a map, a tag
        "9818" + "00" * 24,
        "b818" + "00" * 24,
        "d818" + "00" * 24,
        "5803616263",  # not in the shortest form
        "5817" + "61" * 23,
        "590018" + "61" * 24,
        "5900ff" + "61" * 255,
        "5a00000100" + "61" * 256,
        "42616263",  # of another length than it says
        "44616263",
        "5818" + "61" * 23,
        "5818" + "61" * 25,
        "5901006161",
        "590100" + "61" * 255,
        "590100" + "61" * 257,
        "58",
        "59",
        "5901",
    ],
)
def test_a_payload_in_any_other_spelling_is_refused(signer, content):
    assert is_refused(envelope(bytes.fromhex(content), signer))


@pytest.mark.parametrize(
    "changes",
    [
        {"header_map": b"\xa1\x00\x00"},
        {"header_map": b"\x80"},
        {"header_map": b""},
        {"header": cbor2.dumps({4: b"1234", 1: -7})},
        {"header": cbor2.dumps({1: -7, 4: b"12345"})},
        {"header": cbor2.dumps({1: -8})},
        {"header": cbor2.dumps({1: -8, 4: b"1234"})},
        {"signature": b""},
        {"signature": SIGNATURE},
        {"signature": b"\x58\x3f" + SIGNATURE[:-1]},
        {"signature": b"\x58\x41" + SIGNATURE + b"\x00"},
        {"signature": b"\x78\x40" + SIGNATURE},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_any_other_spelling_of_an_envelope_is_refused(changes):
    content = cbor2.dumps(TEXT[:60])
    assert not is_refused(envelope(content))
    assert is_refused(envelope(content, **changes))


@pytest.mark.parametrize("signer", HEADERS)
def test_an_envelope_that_is_cut_short_anywhere_or_goes_on_is_refused(signer):
    for length in (0, 1, 23, 24, 256):
        data = envelope(cbor2.dumps(TEXT[:length]), signer)
        assert all(is_refused(data[:end]) for end in range(len(data)))
        assert is_refused(data + b"\x00")


@pytest.mark.parametrize("at", [0, 1, 9])
@pytest.mark.parametrize("length", [0, 1, 23, 24, 255, 256])
def test_the_content_of_a_byte_string_is_found_wherever_it_begins(at, length):
    data = bytes(at) + cbor2.dumps(TEXT[:length])
    start, stop = cbor.byte_string(data + b"more", at)
    assert data[start:stop] == TEXT[:length]
    assert cbor.byte_string(data, at) == (start, stop) == (len(data) - length, len(data))


@pytest.mark.parametrize("content", ["41", "4261", "5818" + "61" * 23, "58", "3f", "6161", "60", "5f"])
def test_what_is_no_whole_byte_string_is_refused(content):
    with pytest.raises(token.Refused) as refused:
        cbor.byte_string(bytes.fromhex(content), 0)
    assert refused.value.reason is token.Reason.MALFORMED
