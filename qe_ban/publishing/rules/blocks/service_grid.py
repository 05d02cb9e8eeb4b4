"""Service items at one touch."""

from typing import Final

from qe_ban.kernel.shapes import Field, Kind, Table
from qe_ban.publishing.rules.blocks.block_type import BlockType

BLOCK: Final = BlockType(
    "service_grid",
    "服务宫格",
    tables=(
        Table(
            "services",
            "服务",
            "item",
            60,
            (
                Field("item", "事项", Kind.ENTRY, required=True, hint="事项的基本编码或实施编码"),
                Field("label", "显示名称", max=12, hint="不填为事项名称"),
                Field("icon", "图标", Kind.MEDIA),
            ),
        ),
    ),
)
