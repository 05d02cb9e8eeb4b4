"""What is deleted when an account is closed, what is kept of it, why and until when; told in the words of residents."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from qe_ban.kernel.clock import rfc3339

DELETED: Final[Mapping[str, str]] = {
    "personal_columns": "手机号码、姓名、证件号码及其检索值",
    "refresh_families": "登录记录",
    "consents": "授权",
    "consent_events": "授权历史",
    "recovery_cases": "账号找回案件中的手机号码与办理说明",
    "source_answers": "各码的状态与详情",
    "disputes": "用码记录异议",
    "health_levels": "人工变更的健康码等级",
    "health_corrections": "健康码纠错申请",
    "resident_halls": "首页分厅与字号设置",
    "followed_halls": "关注的分厅",
    "favourite_items": "收藏的事项",
    "recent_items": "最近使用的事项",
    "demands": "企业需求",
    "demand_steps": "企业需求的办理过程",
    "idempotency_keys": "重复提交的判重记录",
}
"""The tables from which rows, or the personal columns of rows, are deleted."""

ENDED: Final[Mapping[str, str]] = {
    "sessions": "登录",
    "guardianships": "监护与代办关系",
    "recovery_cases": "在办的账号找回案件",
}
"""What ends, and of which a row without personal data stays."""


def kept(closed_at: datetime, *, scans: timedelta, audit: timedelta) -> list[dict[str, Any]]:
    """Give what outlives an account: `what`, `name`, `why`, and `until` (RFC 3339; None: without an end)."""
    return [
        _kept(
            "scans", "核验记录", "用于处理异议和审计；只有密钥散列值，不含姓名、证件号码和手机号码", closed_at + scans
        ),
        _kept(
            "audit_events", "审计记录", "法律要求留存；只有编号和操作，不含姓名、证件号码和手机号码", closed_at + audit
        ),
        _kept("residents", "已注销账号的编号与日期", "使此前亮出的码一律判为已注销；不含个人信息", None),
        _kept("entitlements", "用码资格的编号", "使此前亮出的码一律判为已注销；不含个人信息", None),
        _kept("guardianships", "已终止的监护与代办关系", "证明此前的代办有据；只有编号、关系和日期", None),
        _kept("recovery_cases", "已办结的账号找回案件", "证明办理经过；只有编号、类型和日期", None),
        _kept("closings", "本注销证明", "证明删除已完成；只有条数和日期", None),
    ]


def named(rows: Mapping[str, int], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Give counted rows as people read them: `what`, `name`, `rows`."""
    return [{"what": what, "name": names.get(what, what), "rows": count} for what, count in sorted(rows.items())]


def _kept(what: str, name: str, why: str, until: datetime | None) -> dict[str, Any]:
    return {"what": what, "name": name, "why": why, "until": rfc3339(until) if until is not None else None}
