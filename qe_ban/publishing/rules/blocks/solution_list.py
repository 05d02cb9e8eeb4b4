"""Solutions by industry, and the firms that use them."""

from collections.abc import Iterator
from typing import Final

from qe_ban.kernel import field_types
from qe_ban.kernel.field_types import Field
from qe_ban.kernel.shapes import Fault, Table
from qe_ban.publishing.rules.blocks import parts
from qe_ban.publishing.rules.blocks.block_type import BlockType, Row
from qe_ban.publishing.rules.blocks.words import INDUSTRIES


def _check(block: Row) -> Iterator[Fault]:
    yield from parts.check_shown(block)
    yield from parts.check_alternatives(block, "solutions", "picture")
    yield from parts.check_alternatives(block, "cases", "picture")
    names = {row["name"] for _, row in parts.rows(block, "solutions") if type(row.get("name")) is str}
    for place, row in parts.rows(block, "cases"):
        solution = row.get("solution")
        if type(solution) is str and solution and solution not in names:
            yield Fault(f"{place}.solution", "本区块中没有这个名称的解决方案", "warning")


BLOCK: Final = BlockType(
    "solution_list",
    "解决方案",
    fields=(parts.SHOWN_FIELD,),
    tables=(
        Table(
            "solutions",
            "解决方案",
            "name",
            100,
            (
                Field("name", "名称", max=60, required=True),
                Field("provider", "提供方", max=60, required=True),
                Field(
                    "industries", "行业", field_types.CHOICES, most=len(INDUSTRIES), required=True, choices=INDUSTRIES
                ),
                Field("summary", "简介", field_types.LINES, max=500, required=True),
                Field("scenes", "应用场景", field_types.WORDS, max=30, most=10),
                Field("effect", "成效", field_types.LINES, max=300),
                Field("picture", "图片", field_types.MEDIA),
                parts.ALT,
                parts.LINK,
            ),
        ),
        Table(
            "cases",
            "案例",
            "title",
            50,
            (
                Field("title", "标题", max=60, required=True),
                Field("firm", "企业", max=60, required=True),
                Field("industry", "行业", field_types.CHOICE, choices=INDUSTRIES),
                Field("solution", "所用解决方案", max=60, hint="本区块中解决方案的名称"),
                Field("result", "成效", field_types.LINES, max=500, required=True),
                Field("picture", "图片", field_types.MEDIA),
                parts.ALT,
            ),
        ),
    ),
    check=_check,
)
