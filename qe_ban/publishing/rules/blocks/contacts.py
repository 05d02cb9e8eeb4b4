"""Whom to call."""

from typing import Final

from qe_ban.kernel.field_types import Field
from qe_ban.kernel.shapes import Table
from qe_ban.publishing.rules.blocks.block_type import BlockType

BLOCK: Final = BlockType(
    "contacts",
    "联系方式",
    tables=(
        Table(
            "contacts",
            "联系方式",
            "name",
            30,
            (
                Field("name", "单位", max=60, required=True),
                Field("phone", "电话", max=30, required=True),
                Field("hours", "服务时间", max=60),
                Field("address", "地址"),
                Field("note", "备注"),
            ),
        ),
    ),
)
