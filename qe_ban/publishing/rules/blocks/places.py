"""Places on a map: those that are named, or all of some kinds in the page's district."""

from collections.abc import Iterator
from typing import Final

from qe_ban.kernel import field_types
from qe_ban.kernel.field_types import Field, has_value
from qe_ban.kernel.shapes import Fault
from qe_ban.publishing.rules.blocks.block_type import BlockType, Row
from qe_ban.publishing.rules.blocks.words import PLACE_KINDS


def _check(block: Row) -> Iterator[Fault]:
    if not has_value(block.get("places")) and not has_value(block.get("kinds")):
        yield Fault("places", "须选择网点，或选择网点的类型")


BLOCK: Final = BlockType(
    "places",
    "网点地图",
    fields=(
        Field("places", "网点", field_types.SLUGS, most=200, refers="place"),
        Field(
            "kinds", "网点类型", field_types.CHOICES, most=len(PLACE_KINDS), choices=PLACE_KINDS, vocabulary="PlaceKind"
        ),
    ),
    check=_check,
)
