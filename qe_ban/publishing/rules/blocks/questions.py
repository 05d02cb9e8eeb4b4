"""What people ask, with the answers."""

from typing import Final

from qe_ban.kernel.shapes import Field, Kind, Table
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
                Field("question", "问题", Kind.LINES, max=200, required=True),
                Field("answer", "解答", Kind.LINES, max=2000, required=True),
                Field("item", "相关事项", Kind.ENTRY, hint="事项的基本编码或实施编码"),
            ),
        ),
    ),
)
