"""Disputes of scans and appeals of what was dismissed: their states, and until when who answers."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from qe_ban.kernel.clock import end_of_day

ANSWER_WITHIN: Final = timedelta(days=15)
"""In calendar days: which days are worked is known to no program in time. The city has as long for an appeal."""
APPEAL_WITHIN: Final = timedelta(days=30)
"""After a dismissal, once."""


class DisputeState(StrEnum):
    """Where a dispute stands."""

    OPEN = "open"
    UPHELD = "upheld"
    DISMISSED = "dismissed"
    APPEALED = "appealed"
    APPEAL_UPHELD = "appeal_upheld"
    APPEAL_DISMISSED = "appeal_dismissed"


ANSWER_STATES: Final = (DisputeState.OPEN, DisputeState.UPHELD, DisputeState.DISMISSED)
"""What the district's answer can be, and the city's to an appeal."""
STATE_NAMES: Final[Mapping[DisputeState, str]] = {
    DisputeState.OPEN: "待答复",
    DisputeState.UPHELD: "异议成立",
    DisputeState.DISMISSED: "异议不成立",
    DisputeState.APPEALED: "申诉待市级答复",
    DisputeState.APPEAL_UPHELD: "申诉成立",
    DisputeState.APPEAL_DISMISSED: "申诉不成立",
}
_APPEALS: Final[Mapping[str, DisputeState]] = {
    DisputeState.OPEN: DisputeState.APPEALED,
    DisputeState.UPHELD: DisputeState.APPEAL_UPHELD,
    DisputeState.DISMISSED: DisputeState.APPEAL_DISMISSED,
}


def state_of(answer: str, appeal: str | None) -> DisputeState:
    """Return where a dispute stands, of the district's answer and of the appeal, where there is one."""
    return DisputeState(answer) if appeal is None else _APPEALS[appeal]


def columns_of(state: DisputeState) -> tuple[str, str | None]:
    """Return the district's answer and the appeal's state that stand for a state."""
    appeal = next((word for word, outcome in _APPEALS.items() if outcome is state), None)
    return (state.value, None) if appeal is None else (DisputeState.DISMISSED.value, str(appeal))


def last_second_of_day(moment: datetime) -> datetime:
    """Return the last second of the city's day in which a moment lies."""
    return end_of_day(moment) - timedelta(seconds=1)


def hour_of(moment: datetime) -> datetime:
    """Return the hour in which a moment lies: as much of a scan's moment as whoever answers its dispute reads."""
    return moment.replace(minute=0, second=0, microsecond=0)


def answer_due(moment: datetime) -> datetime:
    """Return until when a dispute or an appeal of this moment is to be answered: the end of the fifteenth day."""
    return last_second_of_day(moment + ANSWER_WITHIN)


def is_overdue(state: DisputeState, due_at: datetime, now: datetime) -> bool:
    """Return whether an answer is wanted that should be there by now; of an appeal `due_at` is the appeal's."""
    return state in (DisputeState.OPEN, DisputeState.APPEALED) and due_at <= now


def appeal_until(state: DisputeState, answered_at: datetime | None) -> datetime | None:
    """Return until when a dismissal can be appealed; None where there is nothing to appeal."""
    return answered_at + APPEAL_WITHIN if state is DisputeState.DISMISSED and answered_at is not None else None
