"""What an answer of a source means, and which scanner may ask at all (step 7)."""

from collections.abc import Collection
from datetime import datetime, timedelta

from qe_ban.codes.rules.scan_facts import ASK_AFTER, Answer, Reason, State
from qe_ban.kernel.city import LEVEL_KIND, CodeKind, Level, Purpose
from qe_ban.kernel.clock import CITY_TIME


def is_fresh(answer: Answer, now: datetime) -> bool:
    """Return whether a kept answer is of now; one from the future (a clock was wrong) is not."""
    return -timedelta(minutes=1) <= now - answer.asked_at < ASK_AFTER


def default_answer(kind: str, now: datetime) -> Answer:
    """Return what the built-in register says of somebody it has no record of."""
    if kind == CodeKind.IDENTITY.slug:
        return Answer(State.ACTIVE, now, now)
    if kind == LEVEL_KIND:
        return Answer(State.ACTIVE, now, now, detail={"level": Level.GREEN.value})
    return Answer(State.NOT_ENTITLED, now, now, reason="not_registered")


def has_level(answer: Answer) -> bool:
    """Return whether an answer of the health source says a level: a health code never passes without one."""
    return answer.detail.get("level") in tuple(Level)


def meal_day(moment: datetime) -> str:
    """Return the city's date that a meal counts for: `2026-10-02`."""
    return moment.astimezone(CITY_TIME).date().isoformat()


def may_scan(
    purpose: Purpose | None, scanner_purposes: Collection[str], kind: str, meant_for: bytes | None, mark: bytes
) -> Reason | None:
    """Return why this scanner may not scan this code (step 7), or None where it may. Reads nothing of the entitlement.

    The purpose comes first: which kinds are accepted is the purpose's to say. `mark` is the scanner's 4 bytes.
    """
    if purpose is None or purpose.slug not in scanner_purposes:
        return Reason.PURPOSE_NOT_ALLOWED
    if kind not in purpose.kinds:
        return Reason.KIND_NOT_ACCEPTED
    if meant_for is not None and meant_for != mark:
        return Reason.WRONG_SCANNER
    return None
