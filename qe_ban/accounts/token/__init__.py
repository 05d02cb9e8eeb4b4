"""The two kinds of JWT: access tokens that this system signs, and assertions and proofs that clients sign."""

from qe_ban.accounts.token.access import AccessToken, TokenBroken, expected_header, read, write
from qe_ban.accounts.token.foreign import ForeignTokenBroken, claimed_subject, verified_claims

__all__ = [
    "AccessToken",
    "ForeignTokenBroken",
    "TokenBroken",
    "claimed_subject",
    "expected_header",
    "read",
    "verified_claims",
    "write",
]
