"""What a type of block is: its name, its fields and tables, and what is peculiar to it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from qe_ban.kernel.field_types import Field
from qe_ban.kernel.shapes import Fault, Table

Row = Mapping[str, Any]
Check = Callable[[Row], Iterator[Fault]]
"""Finds in a block, whatever it holds, what fields alone cannot say; places are told from the block on."""

RenderRow = Callable[[Row, datetime], tuple[dict[str, Any], datetime | None]]
"""Returns a row (that has every field) as the screen shows it at a moment, and when it will next show it otherwise."""


@dataclass(frozen=True, slots=True)
class BlockType:
    """A type of block. `heading` is what people call it; fields and tables are its own, besides those of every block.

    `timed_tables`: the tables whose rows stand only from their `starts_at` until their `ends_at`. `render_row`: by
    table, how a row reads at a moment. `top_level_table`: its rows come beside the blocks of a screen, as the payload's
    member of that name.
    """

    slug: str
    heading: str
    fields: tuple[Field, ...] = ()
    tables: tuple[Table, ...] = ()
    check: Check | None = None
    timed_tables: tuple[str, ...] = ()
    render_row: Mapping[str, RenderRow] | None = None
    top_level_table: str | None = None
