"""Events with a live stream: coming, live, ended, to be seen again, postponed or cancelled."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from qe_ban.kernel import field_types
from qe_ban.kernel.field_types import Field, is_link, moment_of
from qe_ban.kernel.shapes import Fault, Table
from qe_ban.publishing.rules.blocks import parts
from qe_ban.publishing.rules.blocks.block_type import BlockType, Row
from qe_ban.publishing.rules.blocks.words import EVENT_STATES, EVENT_STATUSES

STREAM_BEFORE: Final = timedelta(minutes=10)
"""How long before an event begins its stream is told."""
_OFF: Final = ("postponed", "cancelled")


def _check(block: Row) -> Iterator[Fault]:
    yield from parts.check_alternatives(block, "events", "cover")
    for place, row in parts.rows(block, "events"):
        stream = row.get("stream")
        if type(stream) is str and is_link(stream) and not urlsplit(stream).path.lower().endswith(".m3u8"):
            yield Fault(f"{place}.stream", "直播地址须为 HLS（路径以 .m3u8 结尾）")


def state(row: Row, now: datetime) -> tuple[str, bool, datetime | None]:
    """Return an event's state, whether its stream is told, and the next moment at which either changes."""
    starts, ends = moment_of(row["starts_at"]), moment_of(row["ends_at"])
    if row["status"] in _OFF or starts is None or ends is None:
        return row["status"] or "upcoming", False, None
    # added to the clock, not taken from the start: the year 1 has no ten minutes before it
    if now + STREAM_BEFORE < starts:
        return "upcoming", False, starts - STREAM_BEFORE
    if now < starts:
        return "upcoming", True, starts
    if now < ends:
        return "live", True, ends
    return ("replay" if row["replay"] else "ended"), False, None


def _render_row(row: Row, now: datetime) -> tuple[dict[str, Any], datetime | None]:
    word, has_stream, next_change_at = state(row, now)
    rendered_row = {
        **row,
        "stream": row["stream"] if has_stream else None,
        "replay": row["replay"] if word == "replay" else None,
        "state": word,
        "state_name": EVENT_STATES[word],
    }
    return rendered_row, next_change_at


BLOCK: Final = BlockType(
    "event",
    "活动直播",
    tables=(
        Table(
            "events",
            "活动",
            "title",
            50,
            (
                Field("title", "名称", max=60, required=True),
                Field("summary", "简介", field_types.LINES, max=500),
                Field("cover", "封面", field_types.MEDIA),
                parts.ALT,
                Field("starts_at", "开始时间", field_types.MOMENT, required=True),
                Field("ends_at", "结束时间", field_types.MOMENT, required=True),
                Field(
                    "stream", "直播地址", field_types.LINK, max=500, refers="stream", hint="HLS 地址，路径以 .m3u8 结尾"
                ),
                Field("replay", "回看地址", field_types.LINK, max=500),
                Field("place", "地点", max=100),
                Field("host", "主办单位", max=60),
                Field("status", "举办情况", field_types.CHOICE, choices=EVENT_STATUSES),
            ),
        ),
    ),
    check=_check,
    render_row={"events": _render_row},
)
