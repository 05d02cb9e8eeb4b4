"""What alarms there are, what each says to people on duty, and when a member of staff looks at too much. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final


class AlarmKind(StrEnum):
    """What an alarm is about."""

    SCANNER_VOLUME = "scanner_volume"
    SCANNER_PURPOSES = "scanner_purposes"
    IMPLAUSIBLE_TRAVEL = "implausible_travel"
    REFERENCE_UNKNOWN = "reference_unknown"
    FORGED_CODES = "forged_codes"
    GUESSING = "guessing"
    STAFF_LOOK_UPS = "staff_look_ups"
    UNSEALED_AUDIT = "unsealed_audit"
    AUDIT_HEADS = "audit_heads"
    DISPUTE_OVERDUE = "dispute_overdue"
    RECOVERY_OBJECTION = "recovery_objection"
    CORRECTION_OVERDUE = "correction_overdue"


class AlarmState(StrEnum):
    """Whether somebody still has to look at it."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Words:
    """What an alarm means and what to do, in Chinese."""

    title: str
    advice: str


WORDS: Final[Mapping[AlarmKind, Words]] = {
    AlarmKind.SCANNER_VOLUME: Words(
        "核验终端的核验量异常",
        "该终端近一小时的核验量远超其近两周的最高值。请联系场所核实：有大型活动属正常；否则可能被用于批量采集，应先停用该终端再查。",
    ),
    AlarmKind.SCANNER_PURPOSES: Words(
        "核验终端的用途异常",
        "该终端反复尝试未登记的用途，或突然大量使用从未用过的用途。请联系场所核实，无法说明的应停用该终端。",
    ),
    AlarmKind.IMPLAUSIBLE_TRAVEL: Words(
        "同一资格短时间内在两处通过核验",
        "同一用码资格几乎同时在两个场所通过核验，码可能被转借或复制。请核对两处核验记录；必要时通知本人（监护人代为出示的，通知监护人）挂失。",
    ),
    AlarmKind.REFERENCE_UNKNOWN: Words(
        "签名有效的码查无此人",
        "出现签名有效但不对应任何资格或码种不符的码，签发密钥可能泄露，或数据库曾恢复到旧状态。请立即报告并按密钥手册处置。",
    ),
    AlarmKind.FORGED_CODES: Words(
        "伪造码",
        "出现多个签名无效或密钥不明的码。集中在一个终端的，请到场查看持码人或终端；分散在多个终端的，可能有人散发假码，请通报各场所。",
    ),
    AlarmKind.GUESSING: Words(
        "疑似猜测",
        "短数字码、证件后六位、短信验证码或工作人员密码被多次试错。请核实对象；工作人员账号请本人改密，终端请停用后检查。",
    ),
    AlarmKind.STAFF_LOOK_UPS: Words(
        "工作人员查询量异常",
        "该工作人员一小时或一天内的查询远超其平日或常人所能，或夜间查询远超以往。请由其主管逐条核对业务编号，无法说明的应停用账号。",
    ),
    AlarmKind.UNSEALED_AUDIT: Words(
        "审计记录未及时封存",
        "有审计记录超过两分钟未封存：后台任务异常，或有人绕过系统写入。请查看后台任务，并运行 qe-ban audit verify。",
    ),
    AlarmKind.AUDIT_HEADS: Words(
        "审计封存链与外存的链头不符",
        "数据库中的封存链与链头文件不一致：有人改动了其中之一，或数据库恢复到了旧状态。"
        "请保留现场，用外存的链头运行 qe-ban audit verify --heads。",
    ),
    AlarmKind.DISPUTE_OVERDUE: Words(
        "异议逾期未答复",
        "该区有居民异议超过答复期限。请督促该区尽快答复。",
    ),
    AlarmKind.RECOVERY_OBJECTION: Words(
        "本人反对账号找回",
        "账号的持有人经人脸核验反对了正在办理的找回案件，可能有人冒名办理或工作人员违规立案。"
        "请核对立案材料和经办人，查清前停用有疑问的工作人员账号。",
    ),
    AlarmKind.CORRECTION_OVERDUE: Words(
        "健康码纠错逾期未答复",
        "有居民的健康码纠错申请超过答复期限，其等级可能有误而仍受限制。请督促卫健工作人员立即答复。",
    ),
}

LOOKS: Final = (
    "residents.look_up",
    "wards.look_up",
    "accounts.read_recovery",
    "disputes.read",
    "health.read",
    "health.read_corrections",
    "demands.read",
    "audit.read",
)
"""The events by which staff see what is residents'."""

LOOKS_WINDOW: Final = timedelta(hours=1)
LOOKS_FLOOR: Final = 60
"""One a minute for a whole hour: nobody serves people at a window so fast."""
LOOKS_FACTOR: Final = 3
"""Times the own busiest hour of two weeks: a holiday's eve doubles it."""
LOOKS_MOST: Final = 240
"""In an hour, whatever somebody is used to: every fifteen seconds; nobody reads so fast."""
LOOKS_DAY: Final = timedelta(hours=24)
LOOKS_DAY_MOST: Final = 300
"""In a day, likewise: one every two minutes while a window is open. Who keeps below the hour's is here."""
NIGHT_FLOOR: Final = 5
"""Fewer at night may be one case that could not wait."""
NIGHT: Final = (22, 6)
"""From and until, hours of the city's day: no window is open."""
HABIT: Final = timedelta(days=14)

HOLDER: Final = "holder"
"""What stands in the place of a holder's hash, where that would outlive the scans that have it."""
HASH: Final = "[0-9a-f]{64}"

_PERSONAL = re.compile(r"\d{11}")


@dataclass(frozen=True, slots=True)
class Looks:
    """How much a member of staff looked at, and how much at most in an hour of the two weeks before today.

    Hours that were an alarm make no habit.
    """

    looks: int
    at_night: int
    most_before: int
    most_at_night: int


def too_many_looks(counts: Looks) -> bool:
    """Return whether somebody looks at far more than ever, or than ever at night, or than anybody can."""
    far_more = counts.looks >= LOOKS_FLOOR and counts.looks > LOOKS_FACTOR * counts.most_before
    at_night = counts.at_night >= NIGHT_FLOOR and counts.at_night > LOOKS_FACTOR * counts.most_at_night
    return far_more or at_night or counts.looks >= LOOKS_MOST


def names_somebody(text: str) -> bool:
    """Return whether a text holds what looks like the number of an identity document or a phone."""
    return _PERSONAL.search(text) is not None


def about(subject: str) -> str:
    """Return what the log and the audit keep of an alarm's subject: of a holder's hash only that it was one."""
    return HOLDER if re.fullmatch(HASH, subject) else subject
