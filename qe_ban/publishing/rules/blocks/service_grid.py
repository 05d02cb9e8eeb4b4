"""Service items at one touch."""

from typing import Final

from qe_ban.kernel import field_types
from qe_ban.kernel.field_types import Field
from qe_ban.kernel.shapes import Table
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
                Field("item", "事项", field_types.ENTRY, required=True, hint="事项的基本编码或实施编码"),
                Field("label", "显示名称", max=12, hint="不填为事项名称"),
                Field("icon", "图标", field_types.MEDIA),
            ),
        ),
    ),
)
