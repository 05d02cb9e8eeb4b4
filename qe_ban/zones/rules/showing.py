"""Whether a zone shows something now, and what to call that."""

from datetime import datetime
from enum import StrEnum
from typing import Final


class ZoneState(StrEnum):
    """Whether a zone is open, will open at a known time, has ended, or nothing of it is planned."""

    OPEN = "open"
    COMING = "coming"
    ENDED = "ended"
    EMPTY = "empty"


STATE_NAMES: Final = {
    ZoneState.OPEN: "开放中",
    ZoneState.COMING: "即将开放",
    ZoneState.ENDED: "已结束",
    ZoneState.EMPTY: "筹备中",
}


def state_of(*, is_shown: bool, ended_at: datetime | None, opens_at: datetime | None) -> ZoneState:
    """Return a zone's state; `ended_at` is past, `opens_at` to come."""
    if ended_at is not None:
        return ZoneState.ENDED
    if is_shown:
        return ZoneState.OPEN
    return ZoneState.COMING if opens_at is not None else ZoneState.EMPTY
