"""What proves that a zone's demands were deleted: the numbers before and after, and a digest of what was deleted."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from qe_ban.kernel.clock import CITY_TIME, rfc3339

AT_ONCE: Final = 500
"""Demands deleted in one run; the next run goes on."""

TABLES: Final = {"demands": "企业需求", "demand_steps": "需求办理过程"}
REMAINDERS: Final = (
    "审计记录：只有编号、状态和时间，不含姓名、电话和正文",
    "页面版本：对外公示过的内容，不含企业和个人提交的内容",
    "幂等记录：只有编号、状态和请求的摘要值，24小时后自动清除",
)
_BACKUPS: Final = "数据库备份：其中的姓名、电话和正文只有密文，数据密钥已随删除销毁；备份与密钥的副本最迟于{day}清除"


def digest(ids: Iterable[UUID]) -> str:
    """Return the SHA-256 (hexadecimal) over the ids in order, each in its 36 characters and ended by a line feed.

    With the ids, which the audit events of sending keep, anybody can count it again.
    """
    hasher = hashlib.sha256()
    for one in sorted(ids):
        hasher.update(f"{one}\n".encode())
    return hasher.hexdigest()


def begin_progress(counts: Mapping[str, int], steps: int, digest_: str, now: datetime) -> dict[str, Any]:
    """Return what is noted before the first demand goes; `counts` by state."""
    before = {"demands": sum(counts.values()), "by_state": dict(counts), "demand_steps": steps}
    return {"begun_at": rfc3339(now), "before": before, "digest": digest_, "deleted": 0, "data_keys": 0}


def report(
    zone: str,
    *,
    progress: Mapping[str, Any],
    remaining: Mapping[str, int],
    times: Mapping[str, datetime],
    by: UUID,
    backups_until: datetime,
) -> dict[str, Any]:
    """Return the report of a deletion that is done.

    `remaining`: what a count of the tables gave afterwards; `backups_until`: when no copy of data or keys is left.
    """
    return {
        "zone": zone,
        "requested_by": str(by),
        **{name: rfc3339(moment) for name, moment in times.items()},
        "begun_at": progress["begun_at"],
        "tables": dict(TABLES),
        "before": progress["before"],
        "deleted": progress["deleted"],
        "digest": {"algorithm": "SHA-256", "of": "按编号排序，每个编号后接换行符", "value": progress["digest"]},
        "after": dict(remaining),
        "data_keys_destroyed": progress["data_keys"],
        "backups_until": rfc3339(backups_until),
        "kept": [*REMAINDERS, _BACKUPS.format(day=backups_until.astimezone(CITY_TIME).date())],
    }
