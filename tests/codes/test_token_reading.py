"""The strict reader: base45 and CBOR as QE1 allows them, and the layouts read at fixed offsets like all others."""

import base45 as reference_base45
import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qe_ban.codes import token
from qe_ban.codes.token import base45, cbor, layouts
from tests.factories import qe1

INTEGERS = st.integers(-(1 << 64), (1 << 64) - 1)
EDGES = st.sampled_from(
    [edge + step for edge in (0, 24, 1 << 8, 1 << 16, 1 << 32, (1 << 64) - 2) for step in (-1, 0, 1)]
)
KEYS = INTEGERS | EDGES | st.text(max_size=9)
LONG = st.sampled_from([23, 24, 255, 256])
ITEMS = st.recursive(
    INTEGERS
    | EDGES
    | st.binary(max_size=9)
    | st.text(max_size=9)
    | st.booleans()
    | st.none()
    | st.builds(bytes, LONG)
    | st.builds("字".__mul__, LONG)
    | st.builds([None].__mul__, LONG)
    | st.builds(lambda size: dict.fromkeys(range(size)), LONG),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
ISSUER = qe1.Issuer()


@given(st.binary(max_size=600))
def test_base45_is_that_of_the_reference_library(data):
    text = reference_base45.b45encode(data).decode()
    assert base45.encode(data) == text
    assert base45.decode(text) == data


@given(st.text(alphabet=base45.ALPHABET, max_size=30))
def test_base45_agrees_with_the_reference_library_on_every_text_of_the_alphabet(text):
    try:
        reference = reference_base45.b45decode(text)
    except ValueError:
        with pytest.raises(ValueError, match=r"base45|overflows"):
            base45.decode(text)
    else:
        assert base45.decode(text) == reference


@pytest.mark.parametrize(
    "text", ["A", "AAAA", ":::", "GGX", "::", "V5", "abc", "AA\n", "\nAAA", "ÄAA", "AA\ud800", "AA\x00"]
)
def test_base45_refuses(text):
    with pytest.raises(ValueError, match=r"base45|overflows|ascii"):
        base45.decode(text)


def depth(item):
    inner = [*item.values()] if isinstance(item, dict) else item if isinstance(item, list) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


def exact(item):
    """Return the item with its types, because True == 1."""
    if isinstance(item, dict):
        return {(type(key), key): exact(value) for key, value in item.items()}
    return [exact(value) for value in item] if isinstance(item, list) else (type(item), item)


@given(st.dictionaries(KEYS, ITEMS, max_size=8))
def test_the_reader_gives_what_a_general_encoder_wrote(item):
    data = cbor2.dumps(item)
    if depth(item) > 8:
        with pytest.raises(token.Refused):
            cbor.read_map(data)
    else:
        assert exact(cbor.read_map(data)) == exact(item)


@given(st.dictionaries(KEYS, ITEMS, min_size=1, max_size=4), st.data())
def test_what_is_cut_short_or_goes_on_is_refused(item, data):
    content = cbor2.dumps(item)
    end = data.draw(st.integers(0, len(content) - 1))
    for bad in (content[:end], content + b"\x00"):
        with pytest.raises(token.Refused):
            cbor.read_map(bad)


@given(st.binary(max_size=200))
def test_whatever_the_reader_takes_a_general_encoder_writes_back_alike(data):
    try:
        item = cbor.read_map(data)
    except token.Refused:
        return
    assert cbor2.dumps(item) == data


@pytest.mark.parametrize(
    "payload",
    [
        "bf0001ff",  # indefinite lengths: map, array, bytes, text
        "a1009f01ff",
        "a1005f4101ff",
        "a1007f6161ff",
        "a100f90000",  # floats
        "a100fa00000000",
        "a100fb0000000000000000",
        "a100f7",  # undefined, other simple values, false in two bytes
        "a100e0",
        "a100f814",
        "a100f8ff",
        "a100ff",  # a lone break
        "a1001c",  # reserved, whatever follows
        *("a100" + f"{info:02x}" + "ff" * (1 << info - 24) for info in range(28, 32)),
        *("a100" + f"{info:02x}" + "ff" * (1 << info - 56) for info in range(60, 64)),
        "a1001b00000000ffffffff",  # not the shortest form
        "a10019000f",
        "a1001817",
        "a1003a0000ffff",
        "a100580100",
        "b80100f6",
        "a20000" + "0001",  # keys: twice, of a wrong type
        "a2616100616101",
        "a1f500",
        "a1410000",
        "a18000",
        "a1a000",
        "a1c100",  # tags
        "a100c0",
        "a100c000",
        "a1c000",
        "a100c24100",
        "a1009b00000000ffffffff",  # promises more than there is
        "a100bb7fffffffffffffff",
        "a1005b7fffffffffffffff",
        "a10082" + "00",
        "a10062ff61",  # not UTF-8
        "a10063eda080",
        "80",  # not a map
        "00",
        "",
        "a0" + "00",
    ],
)
def test_the_reader_refuses(payload):
    with pytest.raises(token.Refused) as refused:
        cbor.read_map(bytes.fromhex(payload))
    assert refused.value.reason is token.Reason.MALFORMED


@pytest.mark.parametrize(
    ("payload", "item"),
    [("a10040", b""), ("a10060", ""), ("a10080", []), ("a100a0", {}), ("a10000", 0), ("a10020", -1), ("a100f4", False)],
)
def test_the_first_value_of_each_type_is_read_as_of_its_type(payload, item):
    assert exact(cbor.read_map(bytes.fromhex(payload))) == exact({0: item})


def payloads():
    claims = [qe1.claims(), qe1.claims("issued", 23), qe1.claims("issued", 24), qe1.claims(iat=65_535, life=0)]
    claims += [qe1.claims(iat=65_535, life=1), qe1.claims("printed"), qe1.claims("pass")]
    key = qe1.cose_key(ISSUER.private)
    passes = [
        qe1.claims("pass", index=index) | {8: {1: key | {-3: sign}}} for index in (65_535, 65_536) for sign in (True, 1)
    ]
    code = ISSUER.sign(passes[2])
    showings = [{6: qe1.NOW, -70002: code}, {6: 65_535, -70002: code}, {6: qe1.NOW, -70002: code + b"\x00"}]
    return [cbor2.dumps(item) for item in claims + passes + showings]


def fixed_payloads():
    """Return every layout with a number in each of its places, as its fixed five bytes write it, shortest or not."""
    key = qe1.cose_key(ISSUER.private)
    large = 1 << 16
    pass_claims = qe1.claims("pass", iat=large, life=0, index=large) | {8: {1: key | {-3: True}}}
    layouts_and_places = {
        cbor2.dumps(qe1.claims(iat=large, life=0)): 2,
        cbor2.dumps(pass_claims): 3,
        cbor2.dumps({6: large, -70002: ISSUER.sign(qe1.claims("pass", index=large) | {8: {1: key | {-3: True}}})}): 1,
    }
    number = b"\x1a" + large.to_bytes(4, "big")
    for payload, count in layouts_and_places.items():
        places = [at for at in range(len(payload)) if payload[at : at + 5] == number][:count]
        assert len(places) == count
        yield from ((payload, at + 1) for at in places)


@pytest.mark.parametrize(("payload", "at"), [*fixed_payloads()], ids=lambda value: str(value)[:2])
def test_a_number_that_is_not_in_shortest_form_is_refused_in_each_place_of_a_layout(payload, at):
    for number in (*range(0, 1 << 16, 251), 23, 24, 255, 256, (1 << 16) - 1, 1 << 16, (1 << 16) + 1):
        mutation = payload[:at] + number.to_bytes(4, "big") + payload[at + 4 :]
        assert outcome(layouts.read_map, mutation) == outcome(cbor.read_map, mutation)
        assert (outcome(cbor.read_map, mutation) is token.Reason.MALFORMED) == (number < 1 << 16)


@pytest.mark.parametrize("payload", payloads(), ids=lambda payload: f"{len(payload)} bytes")
def test_the_layouts_read_like_the_general_reader_whatever_byte_is_changed(payload):
    for at in range(len(payload)):
        for change in (0, 1, 2, 0x18, 0x1B, 0x20, 0x80, 0xFF):
            mutation = payload[:at] + bytes([payload[at] ^ change]) + payload[at + 1 :]
            assert outcome(layouts.read_map, mutation) == outcome(cbor.read_map, mutation)


def usual_payloads():
    """Return what issuers and phones write, with the least numbers and the greatest kind that a layout has room for."""
    key = qe1.cose_key(ISSUER.private)
    for sign in (True, False):
        for least, kind in ((1 << 16, 0), (qe1.NOW, 23)):
            yield cbor2.dumps(qe1.claims(iat=least, life=0, kind=kind))
            a_pass = qe1.claims("pass", iat=least, life=0, kind=kind, index=least) | {8: {1: key | {-3: sign}}}
            yield cbor2.dumps(a_pass)
            yield cbor2.dumps({6: least, -70002: ISSUER.sign(a_pass)})


@pytest.mark.parametrize("payload", [*usual_payloads()], ids=lambda payload: f"{len(payload)} bytes")
def test_the_usual_payloads_need_no_general_reader(payload, monkeypatch):
    content = exact(cbor.read_map(payload))
    monkeypatch.delattr(cbor, "read_map")
    assert exact(layouts.read_map(payload)) == content


@pytest.mark.parametrize("payload", [*usual_payloads()], ids=lambda payload: f"{len(payload)} bytes")
def test_where_a_number_gets_a_length_the_layouts_read_like_the_general_reader(payload):
    for at in range(len(payload)):
        for byte in (0x17, 0x18, 0x19, 0x37, 0x38):
            mutation = payload[:at] + bytes([byte]) + payload[at + 1 :]
            assert outcome(layouts.read_map, mutation) == outcome(cbor.read_map, mutation)


def outcome(read, payload):
    try:
        return exact(read(payload))
    except token.Refused as refused:
        return refused.reason
