"""One scan before it is judged: what was asked, what the format proves of the code, and what it would use up."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from qe_ban.codes import rules, token
from qe_ban.codes.service.typed_codes import is_keyboard_fault
from qe_ban.codes.service.wallet import Wallet, reference, verification_keys
from qe_ban.kernel.city import LEVEL_KIND, Basis, Purpose
from qe_ban.keys.models import Ring

ONLINE = token.Policy(skew=30, issued_skew=5, presented_window=60)
CLOCKS_APART = timedelta(seconds=1)
PROVEN_REASONS = frozenset({token.Reason.NOT_YET_VALID, token.Reason.EXPIRED, token.Reason.UNKNOWN_KIND})
"""Refusals that come after the signatures held: what such a code says is the issuer's word."""


KEYBOARD_FAULT = "扫码枪的键盘布局与本机不一致，读到的内容已改变：请将扫码枪和本机都设为英文（美国）键盘后重新扫码"
CONSENT_UNDER_WAY = "授权请求将在一分钟内送达居民的手机，请居民在码包中同意后再次扫码"


@dataclass(frozen=True, slots=True)
class VerifyRequest:
    """What a scanner asks: its own scan_id, the code's text or a short number, the purpose, a document's last six."""

    scanner: UUID
    scan_id: UUID
    purpose: str
    code: str = field(default="", repr=False)
    short_number: str | None = field(default=None, repr=False)
    document: str | None = field(default=None, repr=False)
    request_id: str | None = None

    def digest(self, text: str | None = None) -> bytes:
        """Return the SHA-256 by which two requests under one scan_id differ; `text` stands in the code's place."""
        text = self.code if text is None else text
        return hashlib.sha256("\0".join((text, self.purpose, self.document or "")).encode()).digest()

    def mark(self) -> bytes:
        """Return the 4 bytes by which a code names the one scanner that it is meant for: of the SHA-256 of its id."""
        return hashlib.sha256(str(self.scanner).encode()).digest()[:4]


@dataclass(frozen=True, slots=True)
class VerdictResponse:
    """What the scanner is told. Only accepting verdicts carry holder data."""

    scan_id: UUID
    accepted: bool
    reason: str
    kind: str | None
    profile: str | None
    server_time: datetime
    holder: Mapping[str, Any] = field(default_factory=dict)
    health: Mapping[str, Any] | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    as_of: datetime | None = None
    repeat: bool = False
    guardian: bool | None = None


@dataclass(frozen=True, slots=True)
class Scan:
    """A code as the format sees it. `claims` are there when proven; `refused` is the format's reason (steps 1 to 6).

    `number` is the entitlement that the sealed reference names, None where it opens to nothing; `guardian`: it says
    that a guardian shows the code. A kept scan is of this request where its digest is one of `digests`; the first of
    them is written.
    """

    request: VerifyRequest
    now: datetime
    purpose: Purpose | None
    claims: token.Unproven | None
    refused: rules.Reason | None
    number: int | None
    subjects: rules.Subjects
    digests: tuple[bytes, ...]
    guardian: bool = False

    @property
    def guardian_since(self) -> datetime | None:
        """Return from when on a guardianship's end has ended this code too; None where no guardian shows it.

        A second before its issue: the clock of who issued it may be ahead of theirs who ended the guardianship.
        """
        if not self.guardian or self.claims is None:
            return None
        return datetime.fromtimestamp(self.claims.issued_at, UTC) - CLOCKS_APART

    @property
    def kind(self) -> str | None:
        """Return the kind's slug, where it is proven and known."""
        return self.claims.kind.slug if self.claims and self.claims.kind else None

    @property
    def rests_on_consent(self) -> bool:
        """Return whether a consent decides: so it is for a purpose that the city has no more, too."""
        return self.purpose is None or self.purpose.basis is Basis.CONSENT

    def refusal(self, purposes: tuple[str, ...]) -> rules.Reason | None:
        """Return why this code is not judged for a scanner with these purposes: steps 1 to 7."""
        if self.refused is not None or self.claims is None:
            return self.refused or rules.Reason.MALFORMED
        return rules.may_scan(self.purpose, purposes, self.kind or "", self.claims.scanner, self.request.mark())


def without_level(response: VerdictResponse) -> VerdictResponse:
    """Return what a repeat says where no level can be told: an accepted health code then counts as stale.

    A gate that looks at `accepted` alone must not open for a repeat that hides a red level.
    """
    if response.kind != LEVEL_KIND or not response.accepted:
        return response
    return replace(response, accepted=False, reason=rules.Reason.STALE)


def read(wallet: Wallet, request: VerifyRequest, now: datetime) -> Scan:
    """Read a code: signatures, times and its sealed reference, without a question to the database."""
    purpose = wallet.city.purposes.get(request.purpose)
    claims: token.Unproven | None
    refused = None
    try:
        claims = token.verify(request.code, verification_keys(wallet.rings.snapshot()), ONLINE, int(now.timestamp()))
    except token.Refused as error:
        claims = error.claims if error.reason in PROVEN_REASONS else None
        refused = rules.Reason(error.reason)
    code_reference = reference(wallet.rings, claims) if claims else None
    number = code_reference.entitlement if code_reference else None
    subjects = rules.Subjects()
    if claims and refused is None and purpose is not None:
        subjects = _subjects(wallet, claims, number, purpose, now)
    shown_by_guardian = code_reference is not None and code_reference.guardian
    return Scan(request, now, purpose, claims, refused, number, subjects, (request.digest(),), shown_by_guardian)


def unread(
    wallet: Wallet, request: VerifyRequest, now: datetime, refused: rules.Reason, requests: tuple[bytes, ...]
) -> Scan:
    """Return a scan of which nothing is known but why it is refused."""
    return Scan(
        request, now, wallet.city.purposes.get(request.purpose), None, refused, None, rules.Subjects(), requests
    )


def explain(response: VerdictResponse, code: str = "") -> VerdictResponse:
    """Return a verdict with a word to the venue where one helps.

    Where the scanner's keyboard is why the code could not be read, and where the resident is asked for a consent.
    """
    if response.reason == rules.Reason.CONSENT_REQUIRED:
        return replace(response, detail={**response.detail, "consent": CONSENT_UNDER_WAY})
    if response.reason != rules.Reason.MALFORMED or not is_keyboard_fault(code):
        return response
    return replace(response, detail={**response.detail, "keyboard": KEYBOARD_FAULT})


def _subjects(
    wallet: Wallet, claims: token.Unproven, number: int | None, purpose: Purpose, now: datetime
) -> rules.Subjects:
    printed = claims.profile is token.Profile.PRINTED
    document = mismatch = None
    if printed and purpose.fields:
        document, mismatch = _hash("document", claims.cti), _hash("document-mismatch", claims.cti)
    meal = wallet.city.meal_period(now) if purpose.consumes == "meal" else None
    return rules.Subjects(
        once=_hash("once", claims.identity, purpose.slug) if purpose.single_use else None,
        # paper is one constant code for months, shown together with a document: one disclosure does not spend it
        disclosure=_hash("disclosure", claims.identity) if purpose.fields and not printed else None,
        # of a phone's pass all showings are one code: the moment of showing is the holder's to choose
        venue=_hash("venue", claims.cti) if not printed else None,
        again=_hash("again", claims.cti, purpose.slug) if claims.profile is token.Profile.PRESENTED else None,
        # keyed: an entitlement's number is small enough to be guessed from a plain hash
        # sorted: two scans that take a meal under several keys must not wait for each other
        meals=tuple(
            sorted(wallet.rings.macs(Ring.HOLDER, "meal", f"{number}/{rules.meal_day(now)}/{meal.slug}".encode()))
        )
        if meal
        else (),
        document=document,
        mismatch=mismatch,
    )


def _hash(what: str, code: bytes, purpose: str = "") -> bytes:
    return hashlib.sha256(b"\0".join((what.encode(), code, purpose.encode()))).digest()
