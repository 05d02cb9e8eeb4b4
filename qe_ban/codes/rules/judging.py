"""Steps 8 to 11 of QE1 section 5: the entitlement, the consent, the age of the answer, what was used before."""

from datetime import datetime, timedelta
from typing import Any

from qe_ban.codes.rules.case import (
    DOCUMENT_TRIES,
    LATE_UPLOADS,
    SHORT_NUMBER_KEPT,
    USABLE_FOR,
    Case,
    NewUse,
    Profile,
    Reason,
    State,
    Use,
    Verdict,
)
from qe_ban.codes.rules.sources import has_level, meal_day
from qe_ban.kernel.city import LEVEL_KIND


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
    if case.over or state is State.REVOKED:
        return Reason.REVOKED
    if case.answer and not case.asked and case.now - case.answer.asked_at > USABLE_FOR:
        state = None  # too old to be anybody's word
    if case.suspended or state is State.SUSPENDED:
        return Reason.SUSPENDED
    if state is State.NOT_ENTITLED or _no_meal_now(case):
        return Reason.NOT_ENTITLED
    if case.purpose.basis == "consent" and not case.consented:
        return Reason.CONSENT_REQUIRED
    return None if _recent_enough(case) else Reason.STALE


def _recent_enough(case: Case) -> bool:
    """A colour and a right that is consumed want the source's word of now; the rest may lean on a kept answer."""
    if case.answer is None or (case.kind == LEVEL_KIND and not has_level(case.answer)):
        return False
    if case.asked:
        return True
    strict = case.purpose.consumes is not None or case.kind == LEVEL_KIND
    return not strict and case.now - case.answer.asked_at <= USABLE_FOR


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
    tried, failed = case.subjects.document, case.subjects.mismatch
    failures = case.uses.get(failed, []) if failed else []
    if len(failures) >= DOCUMENT_TRIES or case.document is None or tried is None or failed is None:
        return Verdict(Reason.DOCUMENT_MISMATCH)
    if case.document:
        return None
    ends = case.code_ends + LATE_UPLOADS
    taken = (_next(tried, case.uses.get(tried, []), ends), _next(failed, failures, ends))
    return Verdict(Reason.DOCUMENT_MISMATCH, uses=taken)


def _uses(case: Case) -> list[NewUse] | Reason:
    """Step 10: what this scan uses up, or why that was used before.

    In one order for all scans, for two that want the same rows must not wait for each other.
    """
    taken: list[NewUse] = []
    for step in (_comparison, _single, _venue, _again, _disclosure, _meals):
        uses = step(case, case.code_ends + LATE_UPLOADS)
        if isinstance(uses, Reason):
            return uses
        taken += uses
    return taken


def _comparison(case: Case, ends: datetime) -> list[NewUse] | Reason:
    """Right or wrong, one comparison with a document at a time: else many at once would all be the first."""
    subject = case.subjects.document
    if subject is None or case.document is None:
        return []
    return [_next(subject, case.uses.get(subject, []), ends)]


def _single(case: Case, ends: datetime) -> list[NewUse] | Reason:
    """What is accepted once: a short number, and a code where the purpose is single-use."""
    taken = []
    for subject, reason, until in (
        (case.subjects.short, Reason.EXPIRED, case.code_ends + SHORT_NUMBER_KEPT),
        (case.subjects.once, Reason.REPLAYED, ends),
    ):
        if subject is not None and case.uses.get(subject):
            return reason
        taken += [NewUse(subject, 0, until)] if subject is not None else []
    return taken


def _venue(case: Case, ends: datetime) -> list[NewUse] | Reason:
    """After an acceptance at one venue a code discloses only there, whatever it was accepted for."""
    subject = case.subjects.venue
    if subject is None:
        return []
    before = case.uses.get(subject, [])
    # whoever read the code at one venue must learn nothing by it at another
    if case.purpose.fields and not all(use.at_venue for use in before):
        return Reason.REPLAYED
    # the use of a disclosure names the scanner, and so the venue; each showing of a phone's pass has one of its own
    is_named = case.subjects.disclosure is not None and case.profile is not Profile.PRESENTED
    return [] if is_named or any(use.at_venue for use in before) else [_next(subject, before, ends)]


def _again(case: Case, ends: datetime) -> list[NewUse] | Reason:
    """A phone's pass waits at the venue that accepted it for this purpose."""
    subject = case.subjects.again
    if subject is None:
        return []
    before = case.uses.get(subject, [])
    if before and case.now - max(use.at for use in before) < timedelta(seconds=case.purpose.again_after):
        return Reason.REPLAYED
    return [_next(subject, before, ends)]


def _disclosure(case: Case, ends: datetime) -> list[NewUse] | Reason:
    """One code discloses for one purpose at one scanner, and for the purposes that go together with it."""
    subject = case.subjects.disclosure
    if subject is None:
        return []
    before = case.uses.get(subject, [])
    together = case.purpose.together | {case.purpose.slug}
    if any(use.scanner_id != case.scanner_id or use.purpose not in together for use in before):
        return Reason.REPLAYED
    if any(use.purpose == case.purpose.slug for use in before):
        return []
    return [_next(subject, before, ends)]


def _meals(case: Case, _ends: datetime) -> list[NewUse] | Reason:
    """The right of this period, by whatever code."""
    if any(case.uses.get(meal) for meal in case.subjects.meals):
        return Reason.USED
    return [NewUse(meal, 0, case.now + LATE_UPLOADS) for meal in case.subjects.meals]


def _next(subject: bytes, before: list[Use], until: datetime) -> NewUse:
    """Take the next number: of two scans that saw the same uses, the primary key lets one through."""
    return NewUse(subject, max((use.n for use in before), default=-1) + 1, until)
