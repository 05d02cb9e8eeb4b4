"""Steps 8 to 11 of QE1 section 5: the entitlement, the consent, the age of the answer, what was used before."""

from datetime import datetime, timedelta
from typing import Any

from qe_ban.codes.rules.scan_facts import (
    DOCUMENT_TRIES,
    LATE_UPLOADS,
    SHORT_NUMBER_KEPT,
    USABLE_FOR,
    NewUse,
    Profile,
    Reason,
    ScanFacts,
    State,
    Use,
    Verdict,
)
from qe_ban.codes.rules.sources import has_level, meal_day
from qe_ban.kernel.city import LEVEL_KIND


def judge(facts: ScanFacts) -> Verdict:
    """Decide steps 8 to 11, and the printed code's document before a use is taken."""
    reason = _entitlement_reason(facts)
    if reason is not None:
        return Verdict(reason, as_of=facts.answer.as_of if facts.answer else None)
    answer = facts.answer
    assert answer is not None  # noqa: S101  _entitlement_reason refuses a missing answer as stale
    if facts.profile is Profile.PRINTED and facts.purpose.fields:
        mismatch = _document(facts)
        if mismatch is not None:
            return mismatch
    uses = _uses(facts)
    if isinstance(uses, Reason):
        return Verdict(uses, detail=_meal_detail(facts))
    stale = not facts.is_current
    return Verdict(
        Reason.STALE_OK if stale else Reason.OK,
        fields=facts.purpose.fields,
        uses=tuple(uses),
        detail=_meal_detail(facts),
        as_of=answer.as_of if stale else None,
    )


def _entitlement_reason(facts: ScanFacts) -> Reason | None:  # noqa: PLR0911  one return a reason, in the order of the format
    """Return the reason of steps 8 and 9: the entitlement's state, the consent, and the age of the source's word."""
    if not facts.is_known:
        return Reason.REVOKED
    if facts.entitlement_kind != facts.kind:
        return Reason.FORGED
    state = facts.answer.state if facts.answer else None
    if facts.is_over or state is State.REVOKED:
        return Reason.REVOKED
    if facts.answer and not facts.is_current and facts.now - facts.answer.asked_at > USABLE_FOR:
        state = None  # too old to be anybody's word
    if facts.is_suspended or state is State.SUSPENDED:
        return Reason.SUSPENDED
    if state is State.NOT_ENTITLED or _has_no_meal_now(facts):
        return Reason.NOT_ENTITLED
    if facts.purpose.basis == "consent" and not facts.has_consent:
        return Reason.CONSENT_REQUIRED
    return None if _is_recent_enough(facts) else Reason.STALE


def _is_recent_enough(facts: ScanFacts) -> bool:
    """Return whether the answer is recent enough: of now for a level and a right that is consumed, else of the day.

    See D-006.
    """
    if facts.answer is None or (facts.kind == LEVEL_KIND and not has_level(facts.answer)):
        return False
    if facts.is_current:
        return True
    strict = facts.purpose.consumes is not None or facts.kind == LEVEL_KIND
    return not strict and facts.now - facts.answer.asked_at <= USABLE_FOR


def _has_no_meal_now(facts: ScanFacts) -> bool:
    if facts.purpose.consumes != "meal" or facts.answer is None:
        return False
    return facts.meal is None or facts.meal.slug not in facts.answer.detail.get("meals", ())


def _meal_detail(facts: ScanFacts) -> dict[str, Any]:
    if facts.purpose.consumes != "meal" or facts.meal is None:
        return {}
    return {"meal": {"period": facts.meal.slug, "name": facts.meal.name, "date": meal_day(facts.now)}}


def _document(facts: ScanFacts) -> Verdict | None:
    """Compare the document in the verifier's hand; five wrong ones lock the printed code."""
    comparison, mismatch = facts.subjects.document, facts.subjects.mismatch
    failures = facts.uses.get(mismatch, []) if mismatch else []
    if len(failures) >= DOCUMENT_TRIES or facts.document is None or comparison is None or mismatch is None:
        return Verdict(Reason.DOCUMENT_MISMATCH)
    if facts.document:
        return None
    ends = facts.code_ends + LATE_UPLOADS
    uses = (_next(comparison, facts.uses.get(comparison, []), ends), _next(mismatch, failures, ends))
    return Verdict(Reason.DOCUMENT_MISMATCH, uses=uses)


def _uses(facts: ScanFacts) -> list[NewUse] | Reason:
    """Return the uses that this scan takes (step 10), or the reason where one was taken before.

    In one order for all scans, for two that want the same rows must not wait for each other.
    """
    new_uses: list[NewUse] = []
    for step in (_comparison, _single, _venue, _again, _disclosure, _meals):
        uses = step(facts, facts.code_ends + LATE_UPLOADS)
        if isinstance(uses, Reason):
            return uses
        new_uses += uses
    return new_uses


def _comparison(facts: ScanFacts, ends: datetime) -> list[NewUse] | Reason:
    """Take one comparison with a document, right or wrong: else many concurrent ones would all be the first.

    See D-109.
    """
    subject = facts.subjects.document
    if subject is None or facts.document is None:
        return []
    return [_next(subject, facts.uses.get(subject, []), ends)]


def _single(facts: ScanFacts, ends: datetime) -> list[NewUse] | Reason:
    """Take what is accepted once: a short number, and a code where the purpose is single-use."""
    uses = []
    for subject, reason, until in (
        (facts.subjects.short, Reason.EXPIRED, facts.code_ends + SHORT_NUMBER_KEPT),
        (facts.subjects.once, Reason.REPLAYED, ends),
    ):
        if subject is not None and facts.uses.get(subject):
            return reason
        uses += [NewUse(subject, 0, until)] if subject is not None else []
    return uses


def _venue(facts: ScanFacts, ends: datetime) -> list[NewUse] | Reason:
    """Take the venue's use: after an acceptance at one venue a code discloses only there, whatever it was for."""
    subject = facts.subjects.venue
    if subject is None:
        return []
    before = facts.uses.get(subject, [])
    # whoever read the code at one venue must learn nothing by it at another (D-012)
    if facts.purpose.fields and not all(use.at_venue for use in before):
        return Reason.REPLAYED
    # the use of a disclosure names the scanner, and so the venue; each showing of a phone's pass has one of its own
    is_named = facts.subjects.disclosure is not None and facts.profile is not Profile.PRESENTED
    return [] if is_named or any(use.at_venue for use in before) else [_next(subject, before, ends)]


def _again(facts: ScanFacts, ends: datetime) -> list[NewUse] | Reason:
    """Take the use of a phone's pass, which waits at the venue that accepted it for this purpose."""
    subject = facts.subjects.again
    if subject is None:
        return []
    before = facts.uses.get(subject, [])
    if before and facts.now - max(use.at for use in before) < timedelta(seconds=facts.purpose.again_after):
        return Reason.REPLAYED
    return [_next(subject, before, ends)]


def _disclosure(facts: ScanFacts, ends: datetime) -> list[NewUse] | Reason:
    """Take the disclosure: one code discloses for one purpose at one scanner, and for purposes that go with it."""
    subject = facts.subjects.disclosure
    if subject is None:
        return []
    before = facts.uses.get(subject, [])
    together = facts.purpose.together | {facts.purpose.slug}
    if any(use.scanner_id != facts.scanner_id or use.purpose not in together for use in before):
        return Reason.REPLAYED
    if any(use.purpose == facts.purpose.slug for use in before):
        return []
    return [_next(subject, before, ends)]


def _meals(facts: ScanFacts, _ends: datetime) -> list[NewUse] | Reason:
    """Take the meal of this period, by whatever code."""
    if any(facts.uses.get(meal) for meal in facts.subjects.meals):
        return Reason.USED
    return [NewUse(meal, 0, facts.now + LATE_UPLOADS) for meal in facts.subjects.meals]


def _next(subject: bytes, before: list[Use], until: datetime) -> NewUse:
    """Take the next number: of two scans that saw the same uses, the primary key lets one through."""
    return NewUse(subject, max((use.n for use in before), default=-1) + 1, until)
