"""A refusal names its reason and holds what the code says, as far as it could be read."""

import pytest

from qe_ban.codes import token
from qe_ban.codes.token import Reason
from tests.factories import qe1

ISSUER = qe1.Issuer()
KEYS = ISSUER.keys()
PHONE = qe1.new_key()
NOW = qe1.NOW
ISSUED = ISSUER.code(qe1.claims(kind=2))
PRESENTED = ISSUER.presented(PHONE, qe1.claims("pass", kind=5, iat=NOW - 600, life=3600))
FOREIGN_SIGNATURE = qe1.raw(1, 1)
FOREIGN_PASS = qe1.Issuer().presented(PHONE, qe1.claims("pass"))  # a pass of another issuer with the same kid


@pytest.mark.parametrize(
    ("code", "now", "keys", "want"),
    [
        (ISSUED, NOW, {}, Reason.UNKNOWN_KEY),
        (qe1.with_signature(ISSUED, FOREIGN_SIGNATURE), NOW, KEYS, Reason.FORGED),
        (qe1.with_signature(PRESENTED, FOREIGN_SIGNATURE), NOW, KEYS, Reason.FORGED),
        (FOREIGN_PASS, NOW, KEYS, Reason.FORGED),
        (ISSUED, NOW - 1000, KEYS, Reason.NOT_YET_VALID),
        (ISSUED, NOW + 1000, KEYS, Reason.EXPIRED),
        (ISSUER.code(qe1.claims(kind=99)), NOW, KEYS, Reason.UNKNOWN_KIND),
    ],
    ids=["key", "issuer's", "phone's", "pass", "early", "late", "kind"],
)
def test_a_refusal_tells_why_and_what_was_read(code, now, keys, want):
    with pytest.raises(token.Refused, match=f"^{want.value}$") as refused:
        token.verify(code, keys, token.Policy(), now)
    assert refused.value.reason is want
    assert refused.value.claims == token.parse(code).claims


def test_what_a_refused_code_says_is_what_it_would_say_were_it_accepted():
    with pytest.raises(token.Refused) as refused:
        token.verify(ISSUED, KEYS, token.Policy(), NOW + 1000)
    assert refused.value.claims == token.verify(ISSUED, KEYS, token.Policy(), NOW)


@pytest.mark.parametrize("profile", ["issued", "printed", "pass"])
def test_a_code_of_an_unknown_kind_says_all_but_its_kind(profile):
    def code(kind):
        claims = qe1.claims(profile, kind=kind) | {-70101: b"door"}
        return ISSUER.presented(PHONE, claims, challenge=b"8 bytes!") if profile == "pass" else ISSUER.code(claims)

    identity = token.verify(code(5), KEYS, token.Policy(), NOW)
    with pytest.raises(token.Refused) as refused:
        token.verify(code(6), KEYS, token.Policy(), NOW)
    assert refused.value.reason is Reason.UNKNOWN_KIND
    assert refused.value.claims == identity._replace(kind=None)


@pytest.mark.parametrize(
    "text",
    ["", "QE1:", "QE1:\n", "QE2:" + ISSUED[4:], ISSUED[:-1], "x" * 701],
    ids=["nothing", "prefix", "newline", "another format", "cut", "long"],
)
def test_of_what_cannot_be_read_nothing_is_told(text):
    with pytest.raises(token.Refused, match=r"^malformed$") as refused:
        token.verify(text, KEYS, token.Policy(), NOW)
    assert (refused.value.reason, refused.value.claims) == (Reason.MALFORMED, None)


def test_a_code_of_700_characters_is_read_and_a_longer_one_is_not():
    codes = [ISSUER.code(qe1.claims() | {"more": bytes(size)}) for size in range(280, 340)]
    codes = {len(code): code for code in codes}
    assert token.parse(codes[700]).claims.cti == qe1.CTI
    assert max(length for length in codes if is_readable(codes[length])) == 700


def is_readable(code):
    try:
        token.parse(code)
    except token.Refused:
        return False
    return True
