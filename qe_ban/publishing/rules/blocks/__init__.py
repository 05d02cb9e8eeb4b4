"""The types of blocks that pages are made of; a new type is one file here and one line below."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from qe_ban.publishing.rules.blocks import (
    app_grid,
    article,
    banner,
    code_shortcut,
    contacts,
    demand_form,
    event,
    notice,
    places,
    policy_list,
    questions,
    rich_text,
    service_grid,
    solution_list,
)
from qe_ban.publishing.rules.blocks.block_type import BlockType

__all__ = ["TYPES", "BlockType"]

_ALL: Final = (
    banner.BLOCK,
    service_grid.BLOCK,
    app_grid.BLOCK,
    code_shortcut.BLOCK,
    notice.BLOCK,
    article.BLOCK,
    policy_list.BLOCK,
    solution_list.BLOCK,
    demand_form.BLOCK,
    event.BLOCK,
    places.BLOCK,
    contacts.BLOCK,
    questions.BLOCK,
    rich_text.BLOCK,
)
TYPES: Final[Mapping[str, BlockType]] = MappingProxyType({block_type.slug: block_type for block_type in _ALL})
"""By slug, in the order in which they are offered."""
