"""The codes of the wallet at one touch."""

from typing import Final

from qe_ban.kernel.shapes import Field, Kind
from qe_ban.publishing.rules.blocks.block_type import BlockType

BLOCK: Final = BlockType(
    "code_shortcut",
    "亮码入口",
    fields=(Field("kinds", "码的种类", Kind.SLUGS, most=10, required=True, refers="code_kind"),),
)
