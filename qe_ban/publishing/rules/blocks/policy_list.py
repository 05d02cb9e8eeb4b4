"""Policies, by industry and size of firm."""

from collections.abc import Iterator
from typing import Final

from qe_ban.kernel import field_types
from qe_ban.kernel.field_types import Field
from qe_ban.kernel.shapes import Fault, Table
from qe_ban.publishing.rules.blocks import parts
from qe_ban.publishing.rules.blocks.block_type import BlockType, Row
from qe_ban.publishing.rules.blocks.words import INDUSTRIES, SIZES


def _check(block: Row) -> Iterator[Fault]:
    yield from parts.check_shown(block)


BLOCK: Final = BlockType(
    "policy_list",
    "政策列表",
    fields=(parts.SHOWN_FIELD,),
    tables=(
        Table(
            "policies",
            "政策",
            "title",
            100,
            (
                Field("title", "名称", max=120, required=True),
                Field("number", "文号", max=60),
                Field("issuer", "发文机关", max=60, required=True),
                parts.day("issued_on", "发文日期"),
                Field("summary", "要点", field_types.LINES, max=500),
                Field(
                    "industries",
                    "适用行业",
                    field_types.CHOICES,
                    most=len(INDUSTRIES),
                    choices=INDUSTRIES,
                    hint="不填为所有行业",
                ),
                Field("sizes", "适用规模", field_types.CHOICES, most=len(SIZES), choices=SIZES, hint="不填为各种规模"),
                Field("tags", "标签", field_types.WORDS, max=20, most=10),
                parts.LINK,
                Field("item", "申报事项", field_types.ENTRY, hint="事项的基本编码或实施编码"),
                Field("ends_at", "有效期至", field_types.MOMENT, hint="到期后不再显示"),
            ),
        ),
    ),
    check=_check,
    timed_tables=("policies",),
)
