"""The fields of pages and of every block, whichever its type."""

from typing import Final

from qe_ban.kernel import field_types
from qe_ban.kernel.field_types import Field
from qe_ban.publishing.rules.blocks import TYPES
from qe_ban.publishing.rules.blocks.words import AGE_MODES, AUDIENCES

MAX_BLOCKS: Final = 200
MAX_BYTES: Final = 512 * 1024
"""Of a page's canonical JSON."""

PAGE: Final = (
    Field("title", "标题", max=40),
    Field("summary", "简介", max=200),
    Field("primary_colour", "主色", field_types.COLOUR),
    Field("background_colour", "背景色", field_types.COLOUR),
    Field("banner", "头图", field_types.MEDIA),
    Field("audiences", "面向对象", field_types.CHOICES, most=len(AUDIENCES), choices=AUDIENCES),
    Field("hides", "隐藏的市级区块", field_types.SLUGS, most=MAX_BLOCKS),
)
BLOCK: Final = (
    Field("id", "编号", field_types.SLUG, required=True),
    Field("type", "类型", field_types.CHOICE, required=True, choices={slug: of.heading for slug, of in TYPES.items()}),
    Field("heading", "标题", max=40),
    Field("starts_at", "开始显示时间", field_types.MOMENT),
    Field("ends_at", "结束显示时间", field_types.MOMENT),
    Field("replaces", "替换的市级区块", field_types.SLUG),
    Field("after", "排在此区块之后", field_types.SLUG),
)
AIM: Final = (
    Field("districts", "区市", field_types.WORDS, max=6, most=20, hint="6位区划代码"),
    Field("real_name", "已实名", field_types.FLAG),
    Field("age_mode", "版本", field_types.CHOICE, choices=AGE_MODES),
    Field("audiences", "对象", field_types.CHOICES, most=len(AUDIENCES), choices=AUDIENCES),
)
