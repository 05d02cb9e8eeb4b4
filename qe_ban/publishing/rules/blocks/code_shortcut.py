"""The codes of the wallet at one touch."""

from typing import Final

from qe_ban.kernel import field_types
from qe_ban.kernel.field_types import Field
from qe_ban.publishing.rules.blocks.block_type import BlockType

BLOCK: Final = BlockType(
    "code_shortcut",
    "亮码入口",
    fields=(Field("kinds", "码的种类", field_types.SLUGS, most=10, required=True, refers="code_kind"),),
)
