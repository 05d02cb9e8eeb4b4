"""Reads a code's text: step 1 of QE1 section 5, with no key, no clock and no signature."""

from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec

from qe_ban.codes.token import base45, cbor, layouts, sign1
from qe_ban.codes.token.claims import Claims, Profile, Reason, Refused, Unproven
from qe_ban.kernel.city import CodeKind

PREFIX = "QE1:"
MAX_CHARACTERS = 700

EXP, IAT, CTI, CNF = 4, 6, 7, 8
QE, PASS, CHALLENGE, SCANNER = -70001, -70002, -70003, -70101
_UNKNOWN_CRITICAL = frozenset(range(-70199, -70099)) - {SCANNER}
CTI_BYTES, SCANNER_BYTES, CHALLENGE_BYTES = 16, 4, 8

ISSUED_NUMBER = 1
LONGEST_ISSUED = 300
# the members themselves: in Python 3.11 an enum's attribute costs a call each time
_PASS, _PRESENTED = Profile.PASS, Profile.PRESENTED
_NO_PROFILE = (_PASS, 0, 0)
_PROFILES = {  # by number: name, longest life in seconds, members of the claim `qe`
    ISSUED_NUMBER: (Profile.ISSUED, LONGEST_ISSUED, 2),
    2: (_PASS, 48 * 3600, 3),
    3: (Profile.PRINTED, 400 * 86400, 3),
}
_KINDS = {kind.value: kind for kind in CodeKind}
_P256 = ec.SECP256R1()
_COSE_KEY = {1, -1, -2, -3}


class ParsedCode(NamedTuple):
    """A readable code: what it says, what its issuer signed and, of a presented code, what the phone signed."""

    claims: Unproven
    issuer: sign1.Envelope
    phone: tuple[sign1.Envelope, ec.EllipticCurvePublicKey] | None


def strip_edge(text: str) -> str:
    """Return the text without CR, LF and TAB around it, as scanners and HTTP fields add them; base45 uses spaces."""
    return text.strip("\r\n\t")


def parse(text: str) -> ParsedCode:
    """Read a code; raises Refused(malformed), for whatever text."""
    if len(text) > MAX_CHARACTERS or not text.startswith(PREFIX):
        raise Refused(Reason.MALFORMED)
    try:
        data = base45.decode(text[len(PREFIX) :])
    except ValueError:
        raise Refused(Reason.MALFORMED) from None
    outer = sign1.split(data)
    if outer.kid is None:
        return _presented(outer)
    return ParsedCode(_claims(outer.kid, layouts.read_map(outer.payload)), outer, None)


def _presented(outer: sign1.Envelope) -> ParsedCode:
    showing = layouts.read_map(outer.payload)
    shown_at, pass_ = _moment(showing.get(IAT)), showing.get(PASS)
    challenge = _bytes(showing[CHALLENGE], CHALLENGE_BYTES) if CHALLENGE in showing else None
    if type(pass_) is not bytes or len(showing) != (2 if challenge is None else 3):
        raise Refused(Reason.MALFORMED)
    inner = sign1.split(pass_)
    if inner.kid is None:
        raise Refused(Reason.MALFORMED)
    content = layouts.read_map(inner.payload)
    claims = _claims(inner.kid, content, shown_at, challenge)
    return ParsedCode(claims, inner, (outer, _phone_key(content.get(CNF))))


def _claims(
    kid: bytes, content: dict[int | str, cbor.Item], shown_at: int | None = None, challenge: bytes | None = None
) -> Unproven:
    get = content.get
    expires_at, issued_at, cti = _moment(get(EXP)), _moment(get(IAT)), _bytes(get(CTI), CTI_BYTES)
    scanner = _bytes(content[SCANNER], SCANNER_BYTES) if SCANNER in content else None
    profile, longest_life, number, index = _qe(get(QE))
    is_pass = profile is _PASS
    if (
        not 0 <= expires_at - issued_at <= longest_life
        or not _UNKNOWN_CRITICAL.isdisjoint(content)
        or is_pass is (shown_at is None)  # a bare pass, or a showing of something else
        or is_pass is not (CNF in content)
    ):
        raise Refused(Reason.MALFORMED)
    if is_pass:
        profile = _PRESENTED
    kind = _KINDS.get(number)
    if kind is None:
        return Unproven(profile, None, kid, issued_at, expires_at, cti, index, scanner, shown_at, challenge)
    return Claims(profile, kind, kid, issued_at, expires_at, cti, index, scanner, shown_at, challenge)


def _qe(value: cbor.Item) -> tuple[Profile, int, int, int | None]:
    """Return the profile, its longest life, the number of the kind and the status index."""
    if type(value) is not list or not 2 <= len(value) <= 3:
        raise Refused(Reason.MALFORMED)
    profile, longest_life, members = _PROFILES.get(_unsigned_integer(value[0]), _NO_PROFILE)
    if members != len(value):
        raise Refused(Reason.MALFORMED)
    return (
        profile,
        longest_life,
        _unsigned_integer(value[1]),
        _unsigned_integer(value[2], 1 << 32) if members == 3 else None,
    )


def _phone_key(cnf: cbor.Item) -> ec.EllipticCurvePublicKey:
    """Return the key of a cnf claim: an EC2 key (RFC 9053 section 7.1.1) of just the members of QE1 section 3."""
    key = cnf.get(1) if type(cnf) is dict and len(cnf) == 1 else None
    if type(key) is not dict or key.keys() != _COSE_KEY:
        raise Refused(Reason.MALFORMED)
    x, sign = _bytes(key[-2], 32), key[-3]
    if _unsigned_integer(key[1]) != 2 or _unsigned_integer(key[-1]) != 1 or type(sign) is not bool:
        raise Refused(Reason.MALFORMED)
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(_P256, (b"\x03" if sign else b"\x02") + x)
    except ValueError:
        raise Refused(Reason.MALFORMED) from None


def _unsigned_integer(value: cbor.Item, below: int = 1 << 64) -> int:
    # the exact type: True is an int to isinstance
    if type(value) is int and 0 <= value < below:
        return value
    raise Refused(Reason.MALFORMED)


def _moment(value: cbor.Item) -> int:
    if type(value) is int and 0 <= value < 1 << 40:
        return value
    raise Refused(Reason.MALFORMED)


def _bytes(value: cbor.Item, length: int) -> bytes:
    if type(value) is bytes and len(value) == length:
        return value
    raise Refused(Reason.MALFORMED)
