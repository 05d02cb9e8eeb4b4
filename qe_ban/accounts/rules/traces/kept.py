"""What outlives an account: why, and how long at most."""

from datetime import timedelta
from typing import Final

from qe_ban.accounts.rules.traces.trace import Lookup, Outcome, Period, Retention, Trace

_CODES_OPEN: Final = timedelta(days=10)
"""So long a code that was shown before still says whose it is: two days of its life, its key's day, a week."""
_NUMBERS_KEPT: Final = timedelta(days=409)
"""So long a code may have to be refused by its number: 400 days of paper, a week, its key's day; it goes by days."""
_PHONES_COUNTED: Final = timedelta(days=90)
_LOG_NAMES: Final = timedelta(days=9)
"""The name of a day is found by that day's sealing key, which is destroyed a week after its end (`keys.lifecycle`)."""
_MINUTES: Final = timedelta(hours=1)
"""Of what is swept within minutes."""
_OUTBOX_TRIES: Final = timedelta(hours=2)
_COUNTED: Final = timedelta(days=1)
"""The longest window of a limit."""


def _until(period: timedelta) -> Period:
    return lambda _retention: period


def _of_records(retention: Retention) -> timedelta:
    """Return how long at most what proves something is kept: it goes at a midnight."""
    return retention.records + timedelta(days=1)


_ID, _RELATED, _HASH, _SEALED, _NEVER = Lookup
_KEPT: Final = Outcome.KEPT
_OLD_CODES: Final = "使此前亮出的码一律判为已注销；不含姓名、证件号码和手机号码"

STAYING: Final = (
    Trace(
        "scans",
        "scans",
        ("holder", "cti", "request"),
        _HASH,
        _KEPT,
        "核验记录",
        "用于处理异议和审计，含此前亮出、注销后才被扫的码；只有密钥散列值，不含姓名、证件号码和手机号码",
        lambda retention: retention.scans + _CODES_OPEN,
    ),
    Trace(
        "uses",
        "uses",
        ("subject",),
        _HASH,
        _KEPT,
        "用码的防重记录",
        "使同一个码、同一份餐不能重复使用；只有散列值",
        _until(_CODES_OPEN),
    ),
    Trace(
        "holders_over_month",
        "holders_over_month",
        ("holder", "before_sealed"),
        _HASH,
        _KEPT,
        "跨月核验的对照记录",
        "用于发现冒用，月初保存一小时；只有密钥散列值",
        _until(2 * _MINUTES),
    ),
    Trace(
        "short_numbers",
        "short_numbers",
        ("mac", "code_sealed"),
        _NEVER,
        _KEPT,
        "数字码",
        "数分钟后失效并删除；只有散列值，所代的码加密",
        _until(_MINUTES),
    ),
    Trace(
        "requests_of_scans",
        "requests_of_scans",
        ("content_sealed",),
        _SEALED,
        _KEPT,
        "扫码时提出、尚未送达的授权请求",
        "半分钟内由系统成批处理，账号已注销的即行删除；内容加密",
        _until(_MINUTES),
    ),
    Trace(
        "acts_for_wards",
        "acts_for_wards",
        ("content_sealed",),
        _SEALED,
        _KEPT,
        "当天为他人代办的操作",
        "次日记入审计，随即从此处删除；内容加密",
        _until(timedelta(days=2)),
    ),
    Trace(
        "audit_events",
        "audit_events",
        ("id", "actor_id", "subject", "details"),
        _ID,
        _KEPT,
        "审计记录",
        "法律要求留存；记有账号编号、操作、时间和办件编号，不记登记的姓名、证件号码和手机号码",
        lambda retention: retention.audit,
    ),
    Trace(
        "audit_words",
        "audit_words",
        ("digest", "text_sealed"),
        _RELATED,
        _KEPT,
        "审计记录中工作人员填写的理由和说明",
        "证明办理依据；可能提到您，单独加密保存，与审计记录同期删除",
        lambda retention: retention.audit,
    ),
    Trace(
        "alarms",
        "alarms",
        ("subject", "facts", "closing_note_sealed"),
        _HASH,
        _KEPT,
        "安全告警",
        "用于处置冒用等情况，办结后与审计记录保存同样久；只有散列值和次数，处置说明加密",
    ),
    Trace(
        "residents",
        "residents",
        ("id", "data_key"),
        _ID,
        _KEPT,
        "已注销账号的编号、建立与注销日期和已销毁密钥的编号",
        "使此前亮出的码一律判为已注销；不含个人信息",
        _of_records,
    ),
    Trace(
        "data_keys_to_destroy",
        "data_keys_to_destroy",
        ("number",),
        _RELATED,
        _KEPT,
        "待销毁密钥的编号",
        "使您的数据密钥在注销后即被销毁；销毁后删除，只有编号",
        _until(_MINUTES),
    ),
    Trace(
        "entitlements",
        "entitlements",
        ("number", "resident_id"),
        _ID,
        _KEPT,
        "各码的编号、种类、日期和停用情况",
        _OLD_CODES,
        _until(_NUMBERS_KEPT),
    ),
    Trace(
        "guardianships",
        "guardianships",
        ("id", "guardian_id", "ward_id"),
        _ID,
        _KEPT,
        "已终止的监护与代办关系",
        "证明此前的代办有据；只有双方编号、关系、依据和时间",
        _of_records,
    ),
    Trace(
        "guardianships",
        "consents",
        ("guardianship_id",),
        _RELATED,
        _KEPT,
        "已终止的监护与代办关系",
    ),
    Trace(
        "guardianships",
        "consent_events",
        ("guardianship_id",),
        _RELATED,
        _KEPT,
        "已终止的监护与代办关系",
    ),
    Trace(
        "recovery_cases",
        "recovery_cases",
        ("id", "holder_id", "claimant_id"),
        _ID,
        _KEPT,
        "已办结的账号找回案件",
        "证明办理经过；只有编号、类型、结果和时间",
        _of_records,
    ),
    Trace("recovery_cases", "proposals", ("subject", "details"), _RELATED, _KEPT, "已办结的账号找回案件"),
    Trace(
        "health_changes",
        "health_changes",
        ("digest", "reason_sealed"),
        _RELATED,
        _KEPT,
        "健康码等级变更的办理记录",
        "证明由两人办理；只有等级、人数和名单的校验值，同批人员全部注销后不再有理由",
    ),
    Trace(
        "phone_counts",
        "attempts",
        ("subject",),
        _NEVER,
        _KEPT,
        "手机号码获取验证码、常用网络及监护申请提醒的次数",
        "防止滥用，最长九十日；只有散列值",
        _until(_PHONES_COUNTED),
    ),
    Trace(
        "otp_challenges",
        "otp_challenges",
        ("phone_mac", "code_mac"),
        _HASH,
        _KEPT,
        "短信验证码",
        "数分钟后失效并删除；只有密钥散列值",
        _until(_MINUTES),
    ),
    Trace(
        "outbox",
        "outbox",
        ("payload",),
        _SEALED,
        _KEPT,
        "尚未发出的短信",
        "含本次注销的通知，发出后即删除，发不出的约一小时后放弃；内容加密",
        _until(_OUTBOX_TRIES),
    ),
    Trace(
        "revocations",
        "revocations",
        ("subject",),
        _ID,
        _KEPT,
        "已终止登录的编号",
        "使尚未到期的登录凭证不能再用",
        _until(_MINUTES),
    ),
    Trace(
        "rate_windows",
        "rate_windows",
        ("subject",),
        _HASH,
        _KEPT,
        "访问次数",
        "防止滥用；只有每个时段不同的散列值",
        _until(_COUNTED),
    ),
    Trace(
        "log",
        "",
        (),
        _HASH,
        _KEPT,
        "运行日志中当日的代号",
        "排查故障；代号每日更换，届时所用密钥销毁，此后日志不再指向任何人",
        _until(_LOG_NAMES),
    ),
    Trace(
        "closings",
        "closings",
        ("id", "resident_id", "report"),
        _ID,
        _KEPT,
        "本注销证明",
        "证明删除已完成；只有编号、条数和时间",
        _of_records,
    ),
)
"""Of several lines with one `what` the first says why and how long."""
