"""Local apps at one touch: those that are named, or all of the hall's district."""

from collections.abc import Iterator
from typing import Final

from qe_ban.kernel import field_types
from qe_ban.kernel.field_types import Field, has_value
from qe_ban.kernel.shapes import Fault
from qe_ban.publishing.rules.blocks.block_type import BlockType, Row


def _check(block: Row) -> Iterator[Fault]:
    if not has_value(block.get("apps")) and block.get("local") is not True:
        yield Fault("apps", "须选择应用，或选择显示本区市的全部应用")


BLOCK: Final = BlockType(
    "app_grid",
    "应用宫格",
    fields=(
        Field("apps", "应用", field_types.SLUGS, most=60, refers="app"),
        Field("local", "显示本区市的全部应用", field_types.FLAG),
    ),
    check=_check,
)
