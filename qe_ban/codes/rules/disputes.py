"""Disputes of scans: their states, and until when the venue's district answers."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

ANSWER_WITHIN: Final = timedelta(days=15)
"""In calendar days: which days are worked is known to no program in time."""


class DisputeState(StrEnum):
    """Where a dispute stands."""

    OPEN = "open"
    UPHELD = "upheld"
    DISMISSED = "dismissed"


STATE_NAMES: Final[Mapping[DisputeState, str]] = {
    DisputeState.OPEN: "待答复",
    DisputeState.UPHELD: "异议成立",
    DisputeState.DISMISSED: "异议不成立",
}


def is_overdue(state: DisputeState, due_at: datetime, now: datetime) -> bool:
    """Tell whether an answer is wanted that should be there by now."""
    return state is DisputeState.OPEN and due_at <= now
