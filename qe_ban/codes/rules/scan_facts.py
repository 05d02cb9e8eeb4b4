"""The types of a decision: reasons, states, the facts of one scan, and the verdict."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from qe_ban.kernel.city import MealPeriod, Purpose


class Reason(StrEnum):
    """The one reason of a verdict, in the order in which it is looked for (QE1 section 5)."""

    MALFORMED = "malformed"
    UNKNOWN_KEY = "unknown_key"
    FORGED = "forged"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    UNKNOWN_KIND = "unknown_kind"
    KIND_NOT_ACCEPTED = "kind_not_accepted"
    PURPOSE_NOT_ALLOWED = "purpose_not_allowed"
    WRONG_SCANNER = "wrong_scanner"
    REVOKED = "revoked"
    SUSPENDED = "suspended"
    NOT_ENTITLED = "not_entitled"
    CONSENT_REQUIRED = "consent_required"
    STALE = "stale"
    DOCUMENT_MISMATCH = "document_mismatch"
    REPLAYED = "replayed"
    USED = "used"
    OK = "ok"
    STALE_OK = "stale_ok"


ACCEPTING = (Reason.OK, Reason.STALE_OK)
"""The reasons with which a code is accepted."""

REASONS_TELLING_GUARDIANS = frozenset(
    {
        Reason.REVOKED,
        Reason.SUSPENDED,
        Reason.NOT_ENTITLED,
        Reason.CONSENT_REQUIRED,
        Reason.STALE,
        Reason.DOCUMENT_MISMATCH,
        Reason.REPLAYED,
        Reason.USED,
        Reason.OK,
        Reason.STALE_OK,
    }
)
"""With these a scanner hears that a guardian shows the code: it may scan the code for this purpose (step 8 and later).

A list of what is allowed, so that a new reason discloses nothing until somebody decides that it may.
"""


class State(StrEnum):
    """The state of an entitlement, as its source says."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    NOT_ENTITLED = "not_entitled"


class SuspendedBy(StrEnum):
    """Who reported a code lost: the resident, somebody who acts for the resident, or a window."""

    RESIDENT = "resident"
    GUARDIAN = "guardian"
    WINDOW = "window"


class Profile(StrEnum):
    """How the code came to the scanner."""

    ISSUED = "issued"
    PRINTED = "printed"
    PRESENTED = "presented"


ASK_AFTER = timedelta(seconds=90)
"""A kept answer younger than this is not asked for again. Answers are kept to the minute, so that no plain id shares
its moment with a scan."""
USABLE_FOR = timedelta(hours=24)
"""A kept answer up to this age stands in for a source that cannot be asked, where the purpose allows."""
LATE_UPLOADS = timedelta(days=7)
"""How long a use is kept after its code has ended: scans made offline come in late."""
SHORT_NUMBER_KEPT = timedelta(minutes=10)
"""How long a short number is kept after its end: so long a repeat of its scan is answered with the holder's data."""
DOCUMENT_TRIES = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """What a source said: a state, why, details for the kind, the source's own moment and that of our asking."""

    state: State
    as_of: datetime
    asked_at: datetime
    reason: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Use:
    """An earlier use of a subject; `at_venue`: at the venue of the scan that is judged."""

    n: int
    scanner_id: UUID
    purpose: str
    at: datetime
    at_venue: bool = False


@dataclass(frozen=True, slots=True)
class NewUse:
    """A use that the verdict takes; its row must be new, else another scan was faster."""

    subject: bytes
    n: int
    until: datetime


@dataclass(frozen=True, slots=True)
class Subjects:
    """What this scan would use up, as hashes; None where the purpose or the profile has no such thing.

    `document` counts every comparison with a document in hand, so that they come one after the other; `mismatch` only
    those that failed. `meals` is one meal under each key that is live while keys rotate: it is taken under all of them.
    `short` is the short number that was typed in the code's place. `venue` has one use for each venue that accepted the
    code.
    """

    once: bytes | None = None
    disclosure: bytes | None = None
    again: bytes | None = None
    meals: tuple[bytes, ...] = ()
    document: bytes | None = None
    mismatch: bytes | None = None
    short: bytes | None = None
    venue: bytes | None = None

    def all(self) -> list[bytes]:
        """Return those that there are."""
        single = (self.once, self.venue, self.disclosure, self.again, self.document, self.mismatch, self.short)
        every = (*single, *self.meals)
        return [subject for subject in every if subject is not None]


@dataclass(frozen=True, slots=True)
class ScanFacts:
    """Everything about one scan of an authentic, fresh code, once its entitlement may be read.

    `answer` is None when the source never answered; `is_current`: it is the source's word of now. `document` is
    None where none was given. `meal` is the period open now. `is_over`: the account was closed, or the guardian who
    shows the code is none any more.
    """

    now: datetime
    scanner_id: UUID
    purpose: Purpose
    kind: str
    profile: Profile
    code_ends: datetime
    is_known: bool
    entitlement_kind: str | None
    is_suspended: bool
    is_over: bool
    answer: Answer | None
    is_current: bool
    has_consent: bool
    document: bool | None
    meal: MealPeriod | None
    subjects: Subjects
    uses: Mapping[bytes, list[Use]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision: `fields` may be disclosed, `uses` are taken with it."""

    reason: Reason
    fields: tuple[str, ...] = ()
    uses: tuple[NewUse, ...] = ()
    detail: Mapping[str, Any] = field(default_factory=dict)
    as_of: datetime | None = None

    @property
    def accepted(self) -> bool:
        """Return whether the code is accepted."""
        return self.reason in ACCEPTING
