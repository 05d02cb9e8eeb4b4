"""Pure decisions of the wallet: steps 7 to 11 of QE1 section 5, and what an answer of a source means."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from qe_ban.kernel.city import MealPeriod, Purpose
from qe_ban.kernel.clock import CITY_TIME


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


class State(StrEnum):
    """The state of an entitlement, as its source says."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    NOT_ENTITLED = "not_entitled"


class Level(StrEnum):
    """A health code's level; never a bare integer, because public interfaces disagree whether 0 is red or green."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


class Profile(StrEnum):
    """How the code came to the scanner."""

    ISSUED = "issued"
    PRINTED = "printed"
    PRESENTED = "presented"


ASK_AFTER = timedelta(seconds=30)
"""A kept answer younger than this is not asked for again."""
USABLE_FOR = timedelta(hours=24)
"""A kept answer up to this age stands in for a source that cannot be asked, where the purpose allows."""
LATE_UPLOADS = timedelta(days=7)
"""How long a use is kept after its code has ended: scans made offline come in late."""
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
    """An earlier use of a subject."""

    n: int
    scanner_id: UUID
    purpose: str
    at: datetime


@dataclass(frozen=True, slots=True)
class NewUse:
    """A use that the verdict takes; its row must be new, else another scan was faster."""

    subject: bytes
    n: int
    until: datetime


@dataclass(frozen=True, slots=True)
class Subjects:
    """What this scan would use up, as hashes; None where the purpose or the profile has no such thing."""

    once: bytes | None = None
    disclosure: bytes | None = None
    again: bytes | None = None
    meal: bytes | None = None
    document: bytes | None = None

    def all(self) -> list[bytes]:
        """Give those that there are."""
        every = (self.once, self.disclosure, self.again, self.meal, self.document)
        return [subject for subject in every if subject is not None]


@dataclass(frozen=True, slots=True)
class Case:
    """Everything about one scan of an authentic, fresh code, once its entitlement may be read.

    `answer` is None when the source never answered; `asked` tells that it is the source's word of now. `document` is
    None where none was given. `meal` is the period open now.
    """

    now: datetime
    scanner_id: UUID
    purpose: Purpose
    kind: str
    profile: Profile
    code_ends: datetime
    known: bool
    held_kind: str | None
    suspended: bool
    answer: Answer | None
    asked: bool
    consented: bool
    document: bool | None
    meal: MealPeriod | None
    subjects: Subjects
    uses: Mapping[bytes, list[Use]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision: `fields` may be disclosed, `uses` are taken with it, `ask_consent` puts a request in the wallet."""

    reason: Reason
    fields: tuple[str, ...] = ()
    uses: tuple[NewUse, ...] = ()
    detail: Mapping[str, Any] = field(default_factory=dict)
    as_of: datetime | None = None

    @property
    def accepted(self) -> bool:
        """Tell whether the code is accepted."""
        return self.reason in (Reason.OK, Reason.STALE_OK)


def default_answer(kind: str, now: datetime) -> Answer:
    """Say what the built-in register says of somebody it has no record of."""
    if kind == "identity":
        return Answer(State.ACTIVE, now, now)
    if kind == "health":
        return Answer(State.ACTIVE, now, now, detail={"level": Level.GREEN.value})
    return Answer(State.NOT_ENTITLED, now, now, reason="not_registered")


def meal_day(moment: datetime) -> str:
    """Give the city's date that a meal counts for: `2026-10-02`."""
    return moment.astimezone(CITY_TIME).date().isoformat()


def may_scan(
    purpose: Purpose | None, registered: Collection[str], kind: str, meant_for: bytes | None, mark: bytes
) -> Reason | None:
    """Say why this scanner may not scan this code (step 7), or None where it may. Reads nothing of the entitlement.

    The purpose comes first: which kinds are accepted is the purpose's to say. `mark` is the scanner's 4 bytes.
    """
    if purpose is None or purpose.slug not in registered:
        return Reason.PURPOSE_NOT_ALLOWED
    if kind not in purpose.kinds:
        return Reason.KIND_NOT_ACCEPTED
    if meant_for is not None and meant_for != mark:
        return Reason.WRONG_SCANNER
    return None


def judge(case: Case) -> Verdict:
    """Decide steps 8 to 11, and the printed code's document before a use is taken."""
    reason = _entitled(case)
    if reason is not None:
        return Verdict(reason, as_of=case.answer.as_of if case.answer else None)
    answer = case.answer
    assert answer is not None  # noqa: S101  _entitled refuses a missing answer as stale
    if case.profile is Profile.PRINTED and case.purpose.fields:
        mismatch = _document(case)
        if mismatch is not None:
            return mismatch
    taken = _uses(case)
    if isinstance(taken, Reason):
        return Verdict(taken, detail=_meal_detail(case))
    stale = not case.asked
    return Verdict(
        Reason.STALE_OK if stale else Reason.OK,
        fields=case.purpose.fields,
        uses=tuple(taken),
        detail=_meal_detail(case),
        as_of=answer.as_of if stale else None,
    )


def _entitled(case: Case) -> Reason | None:  # noqa: PLR0911  one return a reason, in the order of the format
    """Steps 8 and 9: the entitlement's state, the consent, and how old the source's word may be."""
    if not case.known:
        return Reason.REVOKED
    if case.held_kind != case.kind:
        return Reason.FORGED
    state = case.answer.state if case.answer else None
    if state is State.REVOKED:
        return Reason.REVOKED
    if case.suspended or state is State.SUSPENDED:
        return Reason.SUSPENDED
    if state is State.NOT_ENTITLED or _no_meal_now(case):
        return Reason.NOT_ENTITLED
    if case.purpose.basis == "consent" and not case.consented:
        return Reason.CONSENT_REQUIRED
    return None if _recent_enough(case) else Reason.STALE


def _recent_enough(case: Case) -> bool:
    """A colour and a right that is consumed want the source's word of now; the rest may lean on a kept answer."""
    if case.asked:
        return case.answer is not None
    strict = case.purpose.consumes is not None or "health_level" in case.purpose.fields
    return case.answer is not None and not strict and case.now - case.answer.asked_at <= USABLE_FOR


def _no_meal_now(case: Case) -> bool:
    if case.purpose.consumes != "meal" or case.answer is None:
        return False
    return case.meal is None or case.meal.slug not in case.answer.detail.get("meals", ())


def _meal_detail(case: Case) -> dict[str, Any]:
    if case.purpose.consumes != "meal" or case.meal is None:
        return {}
    return {"meal": {"period": case.meal.slug, "name": case.meal.name, "date": meal_day(case.now)}}


def _document(case: Case) -> Verdict | None:
    """Compare the document in the verifier's hand; five wrong ones lock the printed code."""
    subject = case.subjects.document
    failures = case.uses.get(subject, []) if subject else []
    if len(failures) >= DOCUMENT_TRIES or case.document is None:
        return Verdict(Reason.DOCUMENT_MISMATCH)
    if case.document or subject is None:
        return None
    return Verdict(Reason.DOCUMENT_MISMATCH, uses=(_next(subject, failures, case.code_ends + LATE_UPLOADS),))


def _uses(case: Case) -> list[NewUse] | Reason:
    """Step 10: what this scan uses up, or why that was used before."""
    taken, ends = [], case.code_ends + LATE_UPLOADS
    if case.subjects.once is not None:
        if case.uses.get(case.subjects.once):
            return Reason.REPLAYED
        taken.append(NewUse(case.subjects.once, 0, ends))
    if case.subjects.again is not None:
        before = case.uses.get(case.subjects.again, [])
        gap = timedelta(seconds=case.purpose.again_after)
        if before and case.now - max(use.at for use in before) < gap:
            return Reason.REPLAYED
        taken.append(_next(case.subjects.again, before, ends))
    if case.subjects.disclosure is not None:
        before = case.uses.get(case.subjects.disclosure, [])
        together = case.purpose.together | {case.purpose.slug}
        if any(use.scanner_id != case.scanner_id or use.purpose not in together for use in before):
            return Reason.REPLAYED
        if not any(use.purpose == case.purpose.slug for use in before):
            taken.append(_next(case.subjects.disclosure, before, ends))
    if case.subjects.meal is not None:
        if case.uses.get(case.subjects.meal):
            return Reason.USED
        taken.append(NewUse(case.subjects.meal, 0, case.now + LATE_UPLOADS))
    return taken


def _next(subject: bytes, before: list[Use], until: datetime) -> NewUse:
    """Take the next number: of two scans that saw the same uses, the primary key lets one through."""
    return NewUse(subject, max((use.n for use in before), default=-1) + 1, until)
