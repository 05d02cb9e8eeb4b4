"""Text with a few tags, for what no other type says."""

from typing import Final

from qe_ban.kernel import field_types
from qe_ban.kernel.field_types import Field
from qe_ban.publishing.rules.blocks.block_type import BlockType

BLOCK: Final = BlockType(
    "rich_text",
    "图文内容",
    fields=(Field("html", "内容", field_types.RICH, max=20000, required=True),),
)
