"""Decisions about levels: their states, what a city allows, which of two levels is the graver one. Pure."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from qe_ban.health.errors import ChangeInvalid
from qe_ban.kernel.city import HealthRules, Level

LEVEL_NAMES: Final[Mapping[str, str]] = {Level.GREEN: "绿码", Level.YELLOW: "黄码", Level.RED: "红码"}
"""From the mildest to the gravest."""
CORRECT_HOW: Final = "如认为等级有误，可在“健康码—纠错”中提交说明，由未参与该等级的工作人员在时限内答复。"


class ChangeState(StrEnum):
    """Where a proposed change of levels stands."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"


class LevelState(StrEnum):
    """Where the level of one resident in a change stands."""

    WAITING = "waiting"
    IN_FORCE = "in_force"
    ENDED = "ended"
    DROPPED = "dropped"


class End(StrEnum):
    """Why a level that was in force ended."""

    EXPIRED = "expired"
    REPLACED = "replaced"
    CORRECTED = "corrected"


class SetBy(StrEnum):
    """Who says the level that is shown: two persons of staff, a rule of the built-in register, an outside source."""

    PERSON = "person"
    RULE = "rule"
    SOURCE = "source"


class CorrectionState(StrEnum):
    """Where a request for correction stands; `upheld`: the level stands, `corrected`: it was wrong and has changed."""

    OPEN = "open"
    UPHELD = "upheld"
    CORRECTED = "corrected"


CHANGE_STATE_NAMES: Final[Mapping[ChangeState, str]] = {
    ChangeState.PROPOSED: "待审批",
    ChangeState.APPROVED: "已批准",
    ChangeState.REJECTED: "已驳回",
    ChangeState.WITHDRAWN: "已撤回",
    ChangeState.LAPSED: "逾期未审批",
}
CORRECTION_STATE_NAMES: Final[Mapping[CorrectionState, str]] = {
    CorrectionState.OPEN: "待答复",
    CorrectionState.UPHELD: "维持原等级",
    CorrectionState.CORRECTED: "已更正",
}


def severity(level: str) -> int:
    """Return how grave a level is: 0 green, 1 yellow, 2 red. Never on the wire: levels are names."""
    return tuple(LEVEL_NAMES).index(level)


def check_change(city: HealthRules, *, level: str, basis: str, ends_at: datetime, now: datetime) -> None:
    """Check what is proposed against the city's file. Raises ChangeInvalid."""
    faults = {}
    terms = city.bases.get(basis)
    if terms is None:
        faults["basis"] = "没有这项依据"
    elif level not in terms.levels:
        faults["level"] = f"依据“{terms.name}”不能用于此等级"
    if not now < ends_at <= now + timedelta(days=city.max_days):
        faults["ends_at"] = f"截止时间须在此刻之后、{city.max_days} 天之内"
    if faults:
        raise ChangeInvalid(fields=faults)


def check_list(residents: Sequence[UUID], expected_count: int, holders: Collection[UUID]) -> None:
    """Check for whom a change is proposed: each known and once, as many as stated. Raises ChangeInvalid.

    `holders`: those of them who hold a health code.
    """
    counts = Counter(residents)
    duplicates = sorted(str(resident) for resident, times in counts.items() if times > 1)
    unknown = sorted(str(resident) for resident in counts if resident not in holders)
    faults = {}
    if duplicates:
        faults["residents"] = f"名单中有 {len(duplicates)} 人重复"
    elif unknown:
        faults["residents"] = f"名单中有 {len(unknown)} 个编号没有健康码"
    if expected_count != len(residents):
        faults["expected_count"] = f"所填人数与名单的 {len(residents)} 人不符"
    if faults:
        raise ChangeInvalid(fields=faults, duplicates=duplicates, unknown=unknown)
