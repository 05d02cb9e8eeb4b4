"""Notices, each for its time; the screen gathers those of all blocks, the most urgent first."""

from typing import Final

from qe_ban.kernel import field_types
from qe_ban.kernel.field_types import Field
from qe_ban.kernel.shapes import Table
from qe_ban.publishing.rules.blocks import parts
from qe_ban.publishing.rules.blocks.block_type import BlockType
from qe_ban.publishing.rules.blocks.words import LEVELS

BLOCK: Final = BlockType(
    "notice",
    "公告",
    tables=(
        Table(
            "notices",
            "公告",
            "title",
            20,
            (
                Field("title", "标题", max=60, required=True),
                Field("body", "正文", field_types.LINES, max=2000),
                Field("level", "级别", field_types.CHOICE, choices=LEVELS, vocabulary="NoticeLevel"),
                parts.LINK,
                parts.day("published_on", "发布日期"),
                Field("starts_at", "开始显示时间", field_types.MOMENT),
                Field("ends_at", "结束显示时间", field_types.MOMENT),
            ),
        ),
    ),
    timed_tables=("notices",),
    top_level_table="notices",
)
