"""What people ask, with the answers."""

from typing import Final

from qe_ban.kernel import field_types
from qe_ban.kernel.field_types import Field
from qe_ban.kernel.shapes import Table
from qe_ban.publishing.rules.blocks.block_type import BlockType

BLOCK: Final = BlockType(
    "questions",
    "常见问题",
    tables=(
        Table(
            "questions",
            "常见问题",
            "question",
            60,
            (
                Field("question", "问题", field_types.LINES, max=200, required=True),
                Field("answer", "解答", field_types.LINES, max=2000, required=True),
                Field("item", "相关事项", field_types.ENTRY, hint="事项的基本编码或实施编码"),
            ),
        ),
    ),
)
