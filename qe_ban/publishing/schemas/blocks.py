"""The wire shapes of contents and their blocks, made from the tables of fields that the rules check them by."""

from collections.abc import Mapping
from typing import Any, Final

import marshmallow

from qe_ban.kernel.shapes import Table
from qe_ban.publishing.rules import page
from qe_ban.publishing.rules.blocks import TYPES, BlockType
from qe_ban.web import fields, shapes
from qe_ban.web.schema import Schema
from qe_ban.web.shapes import Wire


def camel(slug: str) -> str:
    """Return a slug as names of shapes have it: `service_grid` is `ServiceGrid`."""
    return "".join(word.capitalize() for word in slug.split("_"))


def _table(block: str, table: Table) -> Wire:
    description = f"One row of {block}'s {table.name} ({table.heading})."
    row = shapes.shape(
        f"{block}Sent{camel(table.name)}Schema",
        description,
        {one.name: shapes.input_field(one) for one in table.fields},
    )
    return fields.Many(fields.Nested(row), table.most, allow_none=True, metadata={"description": table.heading})


AimSchema: Final = shapes.shape(
    "AimSchema",
    "To whom a block is shown: to who meets all that is told.",
    {one.name: shapes.input_field(one) for one in page.AIM},
)


def _block(block_type: BlockType) -> type[Schema]:
    name = f"{camel(block_type.slug)}Block"
    wires: dict[str, Wire] = {one.name: shapes.input_field(one) for one in (*page.BLOCK, *block_type.fields)}
    wires["type"] = fields.Choice([block_type.slug], required=True)
    wires["aim"] = fields.Nested(AimSchema, allow_none=True)
    wires |= {table.name: _table(name, table) for table in block_type.tables}
    return shapes.shape(f"{name}SentSchema", f"A block of the type {block_type.slug} ({block_type.heading}).", wires)


BLOCKS: Final[Mapping[str, type[Schema]]] = {slug: _block(block_type) for slug, block_type in TYPES.items()}


class PageContentSchema(Schema):
    """What a page says. Null, an empty text and an empty list are the same as not told."""

    class Meta(Schema.Meta):
        """The fields of the table."""

        include: Final = {one.name: shapes.input_field(one) for one in page.PAGE}

    blocks = fields.Many(fields.OneOf("type", BLOCKS, name="BlockSent"), page.MAX_BLOCKS, allow_none=True)

    def load(self, data: Any, **_options: Any) -> dict[str, Any]:
        """Return it as it was sent: the rules check it as a whole, so that every fault is told at once."""
        unknown = [name for name in data if name not in self.fields]
        if unknown:
            raise marshmallow.ValidationError({name: [self.error_messages["unknown"]] for name in unknown})
        return dict(data)
