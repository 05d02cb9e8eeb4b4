"""Where a firm's demand stands, and by whom it may go on to where."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from qe_ban.kernel.clock import CITY_TIME
from qe_ban.kernel.principal import PrincipalKind
from qe_ban.publishing.rules.blocks import words as blocks


class DemandState(StrEnum):
    """Where a demand stands."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    ANSWERED = "answered"
    CLOSED = "closed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


STATE_NAMES: Final = {
    DemandState.RECEIVED: "已收到",
    DemandState.ACCEPTED: "对接中",
    DemandState.ANSWERED: "已答复",
    DemandState.CLOSED: "已办结",
    DemandState.REFUSED: "不予受理",
    DemandState.WITHDRAWN: "已撤回",
}
WITHDRAWN_TITLE: Final = "（已撤回的需求）"
SIZES: Final = blocks.SIZES


class Step(StrEnum):
    """What somebody does with a demand."""

    ACCEPT = "accept"
    ANSWER = "answer"
    REFUSE = "refuse"
    CLOSE = "close"
    WITHDRAW = "withdraw"
    SETTLE = "settle"
    REOPEN = "reopen"


@dataclass(frozen=True, slots=True)
class Passage:
    """From which states a step leads, to which, and whose step it is: the firm's (a resident's) or the editors'."""

    by: PrincipalKind
    origins: frozenset[DemandState]
    to: DemandState


_STANDING: Final = frozenset(DemandState) - {DemandState.WITHDRAWN}
"""A consent can be taken back at any time, also when the demand is settled: its data stand until then."""
_WITH_ANSWER: Final = frozenset({DemandState.ANSWERED})

PASSAGES: Final[Mapping[Step, Passage]] = {
    Step.ACCEPT: Passage(PrincipalKind.STAFF, frozenset({DemandState.RECEIVED}), DemandState.ACCEPTED),
    Step.ANSWER: Passage(PrincipalKind.STAFF, frozenset({DemandState.ACCEPTED}), DemandState.ANSWERED),
    Step.REFUSE: Passage(
        PrincipalKind.STAFF, frozenset({DemandState.RECEIVED, DemandState.ACCEPTED}), DemandState.REFUSED
    ),
    Step.CLOSE: Passage(PrincipalKind.STAFF, _WITH_ANSWER, DemandState.CLOSED),
    Step.WITHDRAW: Passage(PrincipalKind.RESIDENT, _STANDING, DemandState.WITHDRAWN),
    Step.SETTLE: Passage(PrincipalKind.RESIDENT, _WITH_ANSWER, DemandState.CLOSED),
    Step.REOPEN: Passage(PrincipalKind.RESIDENT, _WITH_ANSWER, DemandState.ACCEPTED),
}

MOST_A_DAY: Final = 5
"""Demands that a resident may send on one day of the city's."""


def after(state: DemandState, step: Step) -> DemandState | None:
    """Return where a step leads from a state; None where it cannot be taken there."""
    passage = PASSAGES[step]
    return passage.to if state in passage.origins else None


def steps_of(state: DemandState, by: PrincipalKind) -> list[Step]:
    """Return what a resident, or the editors, can do with a demand in a state, in a fixed order."""
    return [step for step, passage in PASSAGES.items() if passage.by is by and state in passage.origins]


def day_of(moment: datetime) -> tuple[datetime, datetime]:
    """Return the begin (inclusive) and the end (exclusive) of the city's day in which a moment lies."""
    begin = moment.astimezone(CITY_TIME).replace(hour=0, minute=0, second=0, microsecond=0)
    return begin, begin + timedelta(days=1)
