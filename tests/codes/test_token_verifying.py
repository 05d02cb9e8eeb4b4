"""Steps 1 to 6 in their order: what is reported, when codes begin and end, and which keys and signatures count."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from qe_ban.codes import token
from qe_ban.codes.token import Reason
from qe_ban.kernel.city import CodeKind
from tests.factories import qe1

ISSUER = qe1.Issuer()
KEYS = ISSUER.keys()
PHONE = qe1.new_key()
NOW = qe1.NOW
ISSUED = ISSUER.code(qe1.claims(kind=2))
PRINTED = ISSUER.code(qe1.claims("printed", kind=3, life=90 * 86400, index=7))
PRESENTED = ISSUER.presented(PHONE, qe1.claims("pass", kind=5, iat=NOW - 600, life=3600))
CODES = {"issued": ISSUED, "printed": PRINTED, "presented": PRESENTED}


def verdict(code, now=NOW, keys=KEYS, policy=None):
    try:
        token.verify(code, keys, policy or token.Policy(), now)
    except token.Refused as refused:
        return refused.reason.value
    return "ok"


def test_an_issued_code_gives_its_claims():
    assert token.verify(ISSUED, KEYS, token.Policy(), NOW) == token.Claims(
        profile=token.Profile.ISSUED,
        kind=CodeKind.HEALTH,
        kid=ISSUER.kid,
        issued_at=NOW,
        expires_at=NOW + 60,
        cti=qe1.CTI,
        status_index=None,
        scanner=None,
        shown_at=None,
        challenge=None,
    )


def test_a_printed_code_gives_its_status_index():
    claims = token.verify(PRINTED, KEYS, token.Policy(), NOW)
    assert (claims.profile, claims.kind.slug, claims.status_index) == ("printed", "medical", 7)


def test_a_presented_code_gives_the_claims_of_its_pass_and_the_moment_of_showing():
    code = ISSUER.presented(
        PHONE, qe1.claims("pass", kind=5, iat=NOW - 600, life=3600) | {-70101: b"door"}, NOW - 1, challenge=b"8 bytes!"
    )
    claims = token.verify(code, KEYS, token.Policy(), NOW)
    assert (claims.profile, claims.kind.slug, claims.kid) == ("presented", "dining", ISSUER.kid)
    assert (claims.issued_at, claims.expires_at, claims.shown_at) == (NOW - 600, NOW + 3000, NOW - 1)
    assert (claims.cti, claims.status_index) == (qe1.CTI, 99_999)
    assert (claims.scanner, claims.challenge) == (b"door", b"8 bytes!")


def test_claims_are_frozen():
    claims = token.verify(ISSUED, KEYS, token.Policy(), NOW)
    with pytest.raises(AttributeError):
        claims.kind = CodeKind.DINING


def test_a_code_is_identified_by_its_cti_and_the_moment_of_showing():
    first, later = (
        token.verify(ISSUER.presented(PHONE, qe1.claims("pass"), shown_at), KEYS, token.Policy(), NOW).identity
        for shown_at in (NOW, NOW + 1)
    )
    assert token.verify(ISSUED, KEYS, token.Policy(), NOW).identity == qe1.CTI
    assert first != later
    assert first[:16] == later[:16] == qe1.CTI


@pytest.mark.parametrize(
    ("now", "want"),
    [(NOW - 31, "not_yet_valid"), (NOW - 30, "ok"), (NOW + 90, "ok"), (NOW + 91, "expired")],
)
def test_skew_stretches_both_ends_inclusively(now, want):
    assert verdict(ISSUED, now) == want


@pytest.mark.parametrize(
    ("profile", "now", "want"),
    [
        ("issued", NOW - 6, "not_yet_valid"),
        ("issued", NOW - 5, "ok"),
        ("issued", NOW + 65, "ok"),
        ("issued", NOW + 66, "expired"),
        ("printed", NOW - 30, "ok"),
        ("printed", NOW - 31, "not_yet_valid"),
    ],
)
def test_issued_codes_have_a_skew_of_their_own_online(profile, now, want):
    assert verdict(CODES[profile], now, policy=token.Policy(issued_skew=5)) == want


@pytest.mark.parametrize(
    ("now", "want"), [(NOW - 61, "not_yet_valid"), (NOW - 60, "ok"), (NOW + 60, "ok"), (NOW + 61, "expired")]
)
def test_the_moment_of_showing_lies_within_the_window_and_skew_does_not_add(now, want):
    assert verdict(PRESENTED, now) == want


@pytest.mark.parametrize(
    ("iat", "shown_at", "want"),
    [
        (NOW + 31, NOW - 61, "not_yet_valid"),
        (NOW - 3600 - 31, NOW + 61, "not_yet_valid"),
        (NOW - 3600 - 31, NOW, "expired"),
        (NOW - 3600 - 30, NOW, "ok"),
    ],
)
def test_of_a_presented_code_not_yet_valid_comes_before_expired(iat, shown_at, want):
    assert verdict(ISSUER.presented(PHONE, qe1.claims("pass", iat=iat, life=3600), shown_at)) == want


@pytest.mark.parametrize(
    ("profile", "profiles", "want"),
    [
        ("issued", {"issued"}, "ok"),
        ("issued", {"pass", "printed"}, "unknown_key"),
        ("issued", set(), "unknown_key"),
        ("printed", {"printed"}, "ok"),
        ("printed", {"issued", "pass"}, "unknown_key"),
        ("presented", {"pass"}, "ok"),
        ("presented", {"issued", "printed", "presented"}, "unknown_key"),
    ],
)
def test_a_key_serves_its_profiles_only(profile, profiles, want):
    assert verdict(CODES[profile], keys=ISSUER.keys(profiles=frozenset(profiles))) == want


@pytest.mark.parametrize(
    ("changes", "want"),
    [
        ({"not_before": NOW, "expires": NOW}, "ok"),
        ({"not_before": NOW + 1}, "unknown_key"),
        ({"expires": NOW - 1}, "unknown_key"),
        ({"is_denied": True}, "unknown_key"),
    ],
)
def test_a_key_signs_within_its_time_unless_denied(changes, want):
    assert verdict(ISSUED, keys=ISSUER.keys(**changes)) == want


@pytest.mark.parametrize(("profile", "life"), [("issued", 300), ("printed", 400 * 86400), ("pass", 48 * 3600)])
@pytest.mark.parametrize("more", [0, 1])
def test_each_profile_has_its_longest_life(profile, life, more):
    claims = qe1.claims(profile, life=life + more)
    code = ISSUER.presented(PHONE, claims) if profile == "pass" else ISSUER.code(claims)
    assert verdict(code) == ("malformed" if more else "ok")


@pytest.mark.parametrize(
    ("change", "want"),
    [
        ({4: NOW - 1}, "malformed"),
        ({4: NOW}, "ok"),
        ({4: 1 << 40, 6: (1 << 40) - 9}, "malformed"),
        ({4: (1 << 40) - 1, 6: (1 << 40) - 9}, "not_yet_valid"),
        ({4: 9, 6: 0}, "expired"),
        ({6: True}, "malformed"),
        ({6: -1}, "malformed"),
        ({7: "0123456789abcdef"}, "malformed"),
        ({7: None}, "malformed"),
        ({8: {}}, "malformed"),
        ({8: None}, "malformed"),
        ({-70001: None}, "malformed"),
        ({-70001: [1]}, "malformed"),
        ({-70001: [1, 1, 1, 1]}, "malformed"),
        ({-70001: [1, -1]}, "malformed"),
        ({-70001: [1, True]}, "malformed"),
        ({-70001: [True, 1]}, "malformed"),
        ({-70001: [4, 1]}, "malformed"),
        ({-70001: [3, 1, -1]}, "malformed"),
        ({-70001: [3, 1, True]}, "malformed"),
        ({-70001: {1: 1}}, "malformed"),
        ({-70001: [1, 0]}, "unknown_kind"),
        ({-70001: [1, 6]}, "unknown_kind"),
        ({-70001: [1, (1 << 64) - 1]}, "unknown_kind"),
        ({-70101: b"door"}, "ok"),
        ({-70101: "door"}, "malformed"),
        ({-70101: None}, "malformed"),
        ({-70100: 0}, "malformed"),
        ({-70199: 0}, "malformed"),
        ({-70099: 0, -70200: 0, "-70150": 0, 1: "issuer", "x": [{}]}, "ok"),
    ],
    ids=str,
)
def test_claims_are_of_their_types_and_sizes(change, want):
    assert verdict(ISSUER.code(qe1.claims() | change)) == want


@pytest.mark.parametrize(
    "cnf",
    [
        None,
        {},
        {1: None},
        {2: qe1.cose_key(PHONE)},
        {1: qe1.cose_key(PHONE), 2: 0},
        {True: qe1.cose_key(PHONE)},
        {1: qe1.cose_key(PHONE) | {3: -7}},
        {1: qe1.cose_key(PHONE) | {1: 1}},
        {1: qe1.cose_key(PHONE) | {-1: True}},
        {1: qe1.cose_key(PHONE) | {-1: 2}},
        {1: qe1.cose_key(PHONE) | {-2: bytes(31)}},
        {1: qe1.cose_key(PHONE) | {-2: b"\xff" * 32}},
        {1: qe1.cose_key(PHONE) | {-3: 1}},
        {1: qe1.cose_key(PHONE) | {-3: bytes(32)}},
    ],
    ids=lambda cnf: type(cnf).__name__,
)
def test_a_pass_has_a_key_in_the_one_form(cnf):
    showing = qe1.cbor2.dumps({6: NOW, -70002: ISSUER.sign(qe1.claims("pass") | {8: cnf})})
    assert verdict(qe1.text(qe1.sign1(b"\xa1\x01\x26", showing, PHONE))) == "malformed"


@pytest.mark.parametrize("want", [reason.value for reason in Reason])
def test_the_first_reason_that_applies_is_given(want):
    """Everything from `want` on is wrong with the code."""
    start = list(Reason).index(Reason(want))
    claims = qe1.claims(kind=99, iat=NOW + 3600 if want == "not_yet_valid" else NOW - 3600 if start < 5 else NOW)
    code = ISSUER.code(claims)
    if start <= 2:
        code = qe1.with_signature(code, bytes(64))
    if start == 0:
        code += "%"
    assert verdict(code, keys={} if start <= 1 else KEYS) == want


def test_a_code_that_is_parsed_already_is_checked_alike():
    code = token.parse(PRESENTED)
    assert token.check(code, KEYS, token.Policy(), NOW) == token.verify(PRESENTED, KEYS, token.Policy(), NOW)
    assert code.claims.shown_at == NOW


@pytest.mark.parametrize(
    "changes", [{"kid": b"123"}, {"public_key": ec.generate_private_key(ec.SECP384R1()).public_key()}]
)
def test_a_key_of_another_shape_is_no_verification_key(changes):
    with pytest.raises(ValueError, match="P-256"):
        replace(ISSUER.verification_key(), **changes)


@pytest.mark.parametrize("edge", ["{}", "\r\n{}\r\n", "\t{}\t", "{}\n"])
def test_the_edge_strips_line_ends_and_tabs(edge):
    assert token.strip_edge(edge.format(ISSUED)) == ISSUED


@pytest.mark.parametrize("edge", [" {}", "{} ", "{}\x00", "\ufeff{}", "{}\n", "\x0b{}"])
def test_nothing_around_a_code_is_read_and_spaces_are_never_stripped(edge):
    text = edge.format(ISSUED)
    assert verdict(text) == "malformed"
    assert token.strip_edge(" a \n") == " a "


@pytest.mark.parametrize("text", ["QE1:X", "XQE1:AX", "QE1:NRT", "r n t", "\\QE1:\\"])
def test_no_letter_at_an_edge_is_stripped(text):
    assert token.strip_edge(f"\t{text}\r\n") == text
