"""What is deleted when an account is closed, what is kept of it, why and until when; told in the words of residents."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from qe_ban.accounts.rules.traces import TRACES, Outcome, Retention, names_of
from qe_ban.kernel.clock import end_of_day, rfc3339

DELETED: Final = names_of(Outcome.DELETED)
"""The tables from which rows, or the personal columns of rows, are deleted."""

ENDED: Final = names_of(Outcome.ENDED)
"""What ends, and of which a row without personal data stays."""

_BACKUPS: Final = (
    "用于灾难恢复；备份和数据库日志中还有注销前的数据，数据库文件中已删除的行在系统整理前也还在，"
    "姓名、证件号码、手机号码和文字为密文"
)
_BACKUPS_NOISE: Final = _BACKUPS + "，其数据密钥随注销销毁，密钥的副本同期删除"

_SWEPT_WITHIN: Final = timedelta(hours=1)
"""What is over is deleted within minutes; and a closing is checked, and recorded, a quarter of an hour later."""


def kept(closed_at: datetime, retention: Retention, *, has_data_key: bool) -> list[dict[str, Any]]:
    """Return what outlives an account: `what`, `name`, `why`, and `until` (RFC 3339; None: without an end).

    `until` is the end of a day of the city: by then it is gone. `has_data_key`: the account has one, which the closing
    destroys.
    """
    lines: dict[str, dict[str, Any]] = {}
    for trace in TRACES:
        if trace.outcome is Outcome.KEPT and trace.what not in lines:
            until = trace.period(retention) + _SWEPT_WITHIN if trace.period is not None else None
            lines[trace.what] = {
                "what": trace.what,
                "name": trace.name,
                "why": trace.why,
                "until": rfc3339(end_of_day(closed_at + until)) if until is not None else None,
            }
    backups = end_of_day(closed_at + retention.backups)
    why = _BACKUPS_NOISE if has_data_key else _BACKUPS
    return [*lines.values(), {"what": "backups", "name": "数据库备份", "why": why, "until": rfc3339(backups)}]


def named(rows: Mapping[str, int], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Give counted rows as people read them: `what`, `name`, `rows`."""
    return [{"what": what, "name": names.get(what, what), "rows": count} for what, count in sorted(rows.items())]
