"""What a code says, and the words in which it is refused (QE1 sections 3 to 5)."""

from enum import StrEnum
from typing import NamedTuple

from qe_ban.kernel.city import CodeKind


class Reason(StrEnum):
    """Why a code fails, in the order in which it is checked (QE1 section 5, steps 1 to 6)."""

    MALFORMED = "malformed"
    UNKNOWN_KEY = "unknown_key"
    FORGED = "forged"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    UNKNOWN_KIND = "unknown_kind"


class Profile(StrEnum):
    """How a code came to the scanner. Keys serve issued, pass and printed; a presented code holds a pass."""

    ISSUED = "issued"
    PASS = "pass"
    PRINTED = "printed"
    PRESENTED = "presented"


class Unproven(NamedTuple):
    """What a readable code says, before anybody has checked whether it is true.

    `issued_at`, `expires_at` and `shown_at` are seconds since 1970; `kind` is None for a number that we do not know.
    Of a presented code `kid`, times, `cti`, `status_index` and `scanner` are those of its pass, `shown_at` is the
    moment of showing and `challenge` the scanner's 8 bytes, if there are any. Only presented and printed codes have a
    `status_index`.
    """

    profile: Profile
    kind: CodeKind | None
    kid: bytes
    issued_at: int
    expires_at: int
    cti: bytes
    status_index: int | None
    scanner: bytes | None
    shown_at: int | None
    challenge: bytes | None

    @property
    def identity(self) -> bytes:
        """Return what replay detection keys on: the cti (16 bytes), of a presented code with the moment of showing (8).

        Never the text or the signature: every ECDSA signature has a twin.
        """
        return self.cti if self.shown_at is None else self.cti + self.shown_at.to_bytes(8, "big")


class Claims(Unproven):
    """What a code of a known kind says: proven when `verify` or `check` gives it."""

    __slots__ = ()
    kind: CodeKind


class Refused(Exception):
    """A code fails; `reason` says why.

    `claims` is what the code says, None when it cannot be read. Anybody may have written them while the reason is
    `unknown_key` or `forged`; with a later reason the signatures held.
    """

    def __init__(self, reason: Reason, claims: Unproven | None = None) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.claims = claims
