"""Goes through the fields of blocks' own, each with its place."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qe_ban.kernel.field_types import Field, has_value
from qe_ban.publishing.rules.blocks import TYPES, BlockType, parts


@dataclass(frozen=True, slots=True)
class FieldValue:
    """What a field says at a place such as `blocks.0.slides.1.picture`."""

    place: str
    field: Field
    value: Any


def type_of(block: object) -> BlockType | None:
    """Return the type of a block, whatever it is; None where it has no known one."""
    word = block.get("type") if isinstance(block, Mapping) else None
    return TYPES.get(word) if type(word) is str else None


def rows_with_fields(block: Any) -> Iterator[tuple[Sequence[Field], Mapping[str, Any]]]:
    """Return a block, whatever it is, and the rows of its tables, each with the fields that its type has for it."""
    block_type = type_of(block)
    if block_type is not None:
        yield block_type.fields, block
        for table in block_type.tables:
            for _, row in parts.rows(block, table.name):
                yield table.fields, row


def field_values(content: Mapping[str, Any]) -> Iterator[FieldValue]:
    """Return every told field of the blocks' own types, in the order of the page; blocks of no known type have none.

    The content must be without errors.
    """
    for number, block in enumerate(content.get("blocks") or ()):
        block_type = TYPES.get(block["type"])
        if block_type is None:
            continue
        rows = [(f"blocks.{number}", block_type.fields, block)]
        for table in block_type.tables:
            for at, row in enumerate(block.get(table.name) or ()):
                rows.append((f"blocks.{number}.{table.name}.{at}", table.fields, row))
        for place, fields, row in rows:
            for field in fields:
                value = row.get(field.name)
                if has_value(value):
                    yield FieldValue(f"{place}.{field.name}", field, value)
