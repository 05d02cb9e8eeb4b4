"""What we issue is read by an independent library and by ourselves, and what that library signs is read by us."""

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cwt import COSE, CWT, COSEKey

from qe_ban.codes import token
from qe_ban.codes.token import sign1
from qe_ban.kernel.city import CodeKind
from tests.factories import qe1

ISSUER = qe1.Issuer()
LATER = 4_102_444_800  # in 2100: the library compares exp with the machine's clock


def issued(**changes):
    arguments = {
        "kid": ISSUER.kid,
        "kind": CodeKind.HEALTH,
        "cti": qe1.CTI,
        "issued_at": LATER,
        "expires_at": LATER + 60,
    }
    return token.issue(changes.pop("key", ISSUER.private), **(arguments | changes))


def public():
    pem = ISSUER.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return COSEKey.from_pem(pem.decode(), kid=ISSUER.kid, alg="ES256")


def private(key, kid=None):
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return COSEKey.from_pem(pem.decode(), kid=kid, alg="ES256")


@pytest.mark.parametrize("kind", CodeKind)
def test_what_we_issue_verifies(kind):
    claims = token.verify(issued(kind=kind), ISSUER.keys(), token.Policy(), LATER)
    assert (claims.profile, claims.kind, claims.cti) == (token.Profile.ISSUED, kind, qe1.CTI)
    assert (claims.issued_at, claims.expires_at, claims.kid) == (LATER, LATER + 60, ISSUER.kid)


def test_sizes_are_those_of_the_format():
    assert len(issued()) == 184
    assert len(issued(scanner=b"door")) == 199
    assert len(ISSUER.code(qe1.claims("printed"))) == 192
    assert len(ISSUER.presented(qe1.new_key(), qe1.claims("pass"))) == 393


def test_a_code_for_one_scanner_names_it():
    assert token.verify(issued(scanner=b"door"), ISSUER.keys(), token.Policy(), LATER).scanner == b"door"


def test_an_independent_library_reads_what_we_issue():
    data = qe1.data_of(issued())
    assert CWT.new().decode(data, public()) == {4: LATER + 60, 6: LATER, 7: qe1.CTI, -70001: [1, 2]}
    header, other_header, _ = COSE.new(verify_kid=True).decode_with_headers(data, public())
    assert (header, other_header) == ({1: -7, 4: ISSUER.kid}, {})


@pytest.mark.parametrize("profile", ["issued", "printed"])
def test_we_read_what_an_independent_library_signs(profile):
    data = COSE.new().encode_and_sign(
        cbor2.dumps(qe1.claims(profile)), private(ISSUER.private, ISSUER.kid), protected={1: -7, 4: ISSUER.kid}
    )
    assert token.verify(qe1.text(data), ISSUER.keys(), token.Policy(), qe1.NOW).profile == profile


def test_we_read_a_showing_that_an_independent_library_signs():
    phone = qe1.new_key()
    claims = qe1.claims("pass", kind=4) | {8: {1: qe1.cose_key(phone)}}
    showing = COSE.new().encode_and_sign(
        cbor2.dumps(claims), private(ISSUER.private, ISSUER.kid), protected={1: -7, 4: ISSUER.kid}
    )
    data = COSE.new().encode_and_sign(cbor2.dumps({6: qe1.NOW, -70002: showing}), private(phone), protected={1: -7})
    result = token.verify(qe1.text(data), ISSUER.keys(), token.Policy(), qe1.NOW)
    assert (result.profile, result.kind.slug, result.shown_at) == ("presented", "social", qe1.NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"key": ec.generate_private_key(ec.SECP384R1())},
        {"kid": b"12345"},
        {"cti": bytes(15)},
        {"scanner": b"12345"},
        {"issued_at": -1},
        {"expires_at": LATER - 1},
        {"expires_at": LATER + 301},
        {"issued_at": (1 << 40) - 1, "expires_at": 1 << 40},
    ],
    ids=" ".join,
)
def test_what_no_reader_would_accept_is_not_issued(changes):
    with pytest.raises(ValueError, match=r"issued code|scanner"):
        issued(**changes)


@pytest.mark.parametrize(
    ("issued_at", "life"), [(0, 0), (0, 300), (LATER, 0), (LATER, 300), ((1 << 40) - 1, 0), ((1 << 40) - 301, 300)]
)
def test_a_code_may_live_from_0_to_300_seconds_anywhere_in_five_bytes(issued_at, life):
    code = issued(issued_at=issued_at, expires_at=issued_at + life)
    claims = token.parse(code).claims
    assert (claims.issued_at, claims.expires_at) == (issued_at, issued_at + life)


@pytest.mark.parametrize("length", [0, 1, 23, 24, 25, 200, 255])
def test_a_payload_of_any_length_is_signed_as_an_independent_library_reads_it(length):
    envelope = sign1.seal(bytes(length), ISSUER.kid, ISSUER.private)
    assert COSE.new().decode(envelope, public()) == bytes(length)
