"""Pictures that change, each leading somewhere."""

from collections.abc import Iterator
from typing import Final

from qe_ban.kernel import field_types
from qe_ban.kernel.field_types import Field, has_value
from qe_ban.kernel.shapes import Fault, Table
from qe_ban.publishing.rules.blocks import parts
from qe_ban.publishing.rules.blocks.block_type import BlockType, Row

_TARGETS: Final = ("link", "item", "app", "zone")


def _check(block: Row) -> Iterator[Fault]:
    for place, slide in parts.rows(block, "slides"):
        targets = [name for name in _TARGETS if has_value(slide.get(name))]
        if len(targets) > 1:
            yield Fault(f"{place}.{targets[1]}", "链接、事项、应用、专区最多填写一个")


BLOCK: Final = BlockType(
    "banner",
    "轮播图",
    tables=(
        Table(
            "slides",
            "轮播图",
            "title",
            10,
            (
                Field("title", "标题", max=40, required=True),
                Field("picture", "图片", field_types.MEDIA, required=True),
                Field("alt", "图片说明", max=100, required=True, hint="读屏软件朗读的文字"),
                parts.LINK,
                Field("item", "事项", field_types.ENTRY, hint="事项的基本编码或实施编码"),
                Field("app", "应用", field_types.SLUG, refers="app"),
                Field("zone", "专区", field_types.SLUG, refers="zone"),
            ),
        ),
    ),
    check=_check,
)
