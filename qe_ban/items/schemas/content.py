"""The wire shapes of what an item says, made from the table of fields: as it is sent, as it is read, and its labels."""

from collections.abc import Callable
from typing import Final

from qe_ban.items.rules.fields import ITEM, TABLES
from qe_ban.kernel.field_types import Field
from qe_ban.kernel.shapes import Table
from qe_ban.web import fields, shapes
from qe_ban.web.schema import Schema
from qe_ban.web.shapes import Wire


def _row(table: Table, suffix: str, wire: Callable[[Field], Wire]) -> type[Schema]:
    name = table.name.removesuffix("s").capitalize()
    fields_of = {one.name: wire(one) for one in table.fields}
    if wire is shapes.output_field and any(one.type.has_labels for one in table.fields):
        fields_of["labels"] = fields.Nested(shapes.labels_schema(name, table.fields), required=True)
    return shapes.shape(f"{name}{suffix}Schema", f"One row of an item's {table.name} ({table.heading}).", fields_of)


SENT: Final[dict[str, Wire]] = {one.name: shapes.input_field(one) for one in ITEM} | {
    table.name: fields.Many(fields.Nested(_row(table, "Sent", shapes.input_field)), table.most, allow_none=True)
    for table in TABLES
}
READ: Final[dict[str, Wire]] = {one.name: shapes.output_field(one) for one in ITEM} | {
    table.name: fields.Many(fields.Nested(_row(table, "", shapes.output_field)), table.most, required=True)
    for table in TABLES
}

LabelsSchema = shapes.labels_schema("Item", ITEM)


class SentContentSchema(Schema):
    """What an item says, as staff send it."""

    class Meta(Schema.Meta):
        """The fields of the table."""

        include = SENT


class ContentSchema(Schema):
    """What an item says; null is not told."""

    class Meta(Schema.Meta):
        """The fields of the table."""

        include = READ
