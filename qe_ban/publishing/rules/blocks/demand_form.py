"""The form by which a firm tells its demand, with the text that it agrees to."""

from typing import Final

from qe_ban.kernel import field_types
from qe_ban.kernel.field_types import Field
from qe_ban.publishing.rules.blocks.block_type import BlockType
from qe_ban.publishing.rules.blocks.words import INDUSTRIES

BLOCK: Final = BlockType(
    "demand_form",
    "需求征集",
    fields=(
        Field("intro", "说明", field_types.LINES, max=500),
        Field("consent", "授权同意书", field_types.LINES, max=2000, required=True, hint="企业提交需求前须同意的内容"),
        Field("industries", "面向行业", field_types.CHOICES, most=len(INDUSTRIES), required=True, choices=INDUSTRIES),
        Field("phone", "咨询电话", max=30),
    ),
)
