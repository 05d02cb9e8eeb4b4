"""Decides whether a code is authentic and fresh: steps 1 to 6 of QE1 section 5, with no network and no state."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec

from qe_ban.codes.token import sign1
from qe_ban.codes.token.claims import Claims, Profile, Reason, Refused, Unproven
from qe_ban.codes.token.parsing import ParsedCode, parse

# the members themselves: in Python 3.11 an enum's attribute costs a call each time
_ISSUED, _PASS, _PRESENTED = Profile.ISSUED, Profile.PASS, Profile.PRESENTED


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """An issuer's key, as scanners know it.

    `kid` has 4 bytes and `public_key` is on P-256 (else: ValueError). The key serves codes of its `profiles` (names out
    of issued, pass, printed; None: all) whose `issued_at` lies in `not_before`..`expires` (seconds, both inclusive),
    unless it is it `is_denied`.
    """

    kid: bytes
    public_key: ec.EllipticCurvePublicKey
    profiles: frozenset[str] | None
    not_before: int
    expires: int
    is_denied: bool = False

    def __post_init__(self) -> None:
        if len(self.kid) != sign1.KID_BYTES or not isinstance(self.public_key.curve, ec.SECP256R1):
            raise ValueError("a verification key has a kid of 4 bytes and is on P-256")

    def serves(self, claims: Unproven) -> bool:
        """Return whether the key may have signed a code that says this."""
        profile = _PASS if claims.profile is _PRESENTED else claims.profile
        return (
            not self.is_denied
            and (self.profiles is None or profile in self.profiles)
            and self.not_before <= claims.issued_at <= self.expires
        )


Keys: TypeAlias = Mapping[bytes, VerificationKey]
"""The issuer's keys by kid."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How far clocks may differ, in seconds.

    `skew` stretches a code's own times; for issued codes `issued_skew` does, where it is given (online: 5). A presented
    code's moment of showing lies within `presented_window` of now.
    """

    skew: int = 30
    issued_skew: int | None = None
    presented_window: int = 60

    def skew_for(self, claims: Unproven) -> int:
        """Return the skew of the code's own times, in seconds."""
        return self.skew if self.issued_skew is None or claims.profile is not _ISSUED else self.issued_skew


def verify(text: str, keys: Keys, policy: Policy, now: int) -> Claims:
    """Return what the code says, if it is authentic and fresh at `now` (seconds since 1970).

    Raises Refused with the first reason that applies and with what the code says, as far as it could be read; nothing
    else, whatever the text.
    """
    return check(parse(text), keys, policy, now)


def check(code: ParsedCode, keys: Keys, policy: Policy, now: int) -> Claims:
    """Check a code that is parsed already: steps 2 to 6. Returns and raises as `verify` does."""
    claims = code.claims
    key = keys.get(claims.kid)
    if key is None or not key.serves(claims):
        raise Refused(Reason.UNKNOWN_KEY, claims)
    if not sign1.holds(code.issuer, key.public_key):
        raise Refused(Reason.FORGED, claims)
    if code.phone is not None and not sign1.holds(*code.phone):
        raise Refused(Reason.FORGED, claims)
    wrong_time = _wrong_time(claims, policy, now)
    if wrong_time is not None:
        raise Refused(wrong_time, claims)
    if not isinstance(claims, Claims):
        raise Refused(Reason.UNKNOWN_KIND, claims)
    return claims


def _wrong_time(claims: Unproven, policy: Policy, now: int) -> Reason | None:
    """Return why a code is not of now: by its own times, and of a presented one by its moment of showing."""
    skew, window, shown_at = policy.skew_for(claims), policy.presented_window, claims.shown_at
    if now < claims.issued_at - skew or (shown_at is not None and shown_at > now + window):
        return Reason.NOT_YET_VALID
    if now > claims.expires_at + skew or (shown_at is not None and shown_at < now - window):
        return Reason.EXPIRED
    return None
