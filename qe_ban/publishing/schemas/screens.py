"""The wire shapes of what pages show: a screen and its blocks, made from contents' tables of fields.

Screens are served as bytes that stand ready; these shapes describe them and dump nothing.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from qe_ban.kernel import field_types, patterns
from qe_ban.kernel.field_types import Field
from qe_ban.kernel.shapes import Table
from qe_ban.publishing.rules.blocks import TYPES, BlockType, parts
from qe_ban.publishing.rules.blocks.words import AUDIENCES, EVENT_STATES
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.schemas.blocks import camel
from qe_ban.web import fields, shapes
from qe_ban.web.schema import Schema
from qe_ban.web.shapes import Wire

NAME: Final = 40
MAX_ROWS: Final = 1000


class PictureSizeSchema(Schema):
    """A smaller file of a picture; `width` in pixels."""

    width = fields.Whole(1, required=True)
    url = fields.Text(1, 300, required=True)


class PictureSchema(Schema):
    """A picture, and the sizes that were made of it."""

    url = fields.Text(1, 300, required=True)
    type = fields.Text(1, 40, required=True)
    width = fields.Whole(1, required=True)
    height = fields.Whole(1, required=True)
    sizes = fields.Many(fields.Nested(PictureSizeSchema), 20, required=True)


class OfferedItemSchema(Schema):
    """A service item, and who does it for the district that is looked at."""

    entry = fields.Text(1, 33, required=True)
    name = fields.Text(required=True)
    code = fields.Text(
        1,
        33,
        required=True,
        allow_none=True,
        metadata={"description": "事项在此由谁办；为 null 时请居民在 districts 中选择"},
    )
    department = fields.Text(required=True, allow_none=True)
    district = fields.Text(6, 6, patterns.DISTRICT, required=True, allow_none=True)
    online = fields.Flag(required=True)
    link = fields.Text(1, 1000, required=True, allow_none=True)
    districts = fields.Many(fields.Text(6, 6, patterns.DISTRICT), required=True)


class NamedZoneSchema(Schema):
    """A zone that a page leads to."""

    slug = fields.Text(1, NAME, patterns.SLUG, required=True)
    name = fields.Text(1, NAME, required=True)


class NamedCodeSchema(Schema):
    """A kind of code that a page leads to."""

    kind = fields.Text(1, NAME, patterns.SLUG, required=True)
    name = fields.Text(1, NAME, required=True)
    colour = fields.Text(
        7, 7, patterns.COLOUR, required=True, allow_none=True, metadata={"description": "null: its level's, for health"}
    )


class ThemeSchema(Schema):
    """Colours; `on_primary` is what letters on the primary colour have."""

    primary = fields.Text(7, 7, patterns.COLOUR, required=True)
    background = fields.Text(7, 7, patterns.COLOUR, required=True)
    on_primary = fields.Text(7, 7, patterns.COLOUR, required=True)


def _reference(sort: str, **options: Any) -> Wire:
    """Return what stands in the place of a slug that names a thing of a sort."""
    if sort in ("app", "place"):  # halls, which stand above pages, describe these cards
        return fields.RawShape(f"{sort.capitalize()}Card", **options)
    return fields.Nested(NamedZoneSchema if sort == "zone" else NamedCodeSchema, **options)


def _output_fields(field: Field) -> dict[str, Wire]:
    """Return a field as a screen shows it: references as what they name, words with what they are called."""
    nullable, metadata = not field.required, {"description": field.heading}
    if field.type is field_types.MEDIA:
        return {field.name: fields.Nested(PictureSchema, required=True, allow_none=nullable, metadata=metadata)}
    if field.type is field_types.ENTRY:
        return {field.name: fields.Nested(OfferedItemSchema, required=True, allow_none=nullable, metadata=metadata)}
    if field.type is field_types.SLUGS:
        return {field.name: fields.Many(_reference(field.refers), MAX_ROWS, required=True, metadata=metadata)}
    if field.type is field_types.SLUG:
        return {field.name: _reference(field.refers, required=True, allow_none=nullable)}
    outputs = {field.name: shapes.output_field(field)}
    if field.type is field_types.CHOICE:
        outputs[f"{field.name}_name"] = fields.Text(required=True, allow_none=True)
    elif field.type is field_types.CHOICES:
        outputs[f"{field.name}_names"] = fields.Many(fields.Text(), field.most, required=True)
    return outputs


def _row(all_fields: Iterable[Field]) -> dict[str, Wire]:
    return {name: wire for one in all_fields for name, wire in _output_fields(one).items()}


_PECULIAR: Final[Mapping[tuple[str, str], dict[str, Wire]]] = {
    ("article", "articles"): {
        "body": fields.Lines(
            1, 20000, required=True, allow_none=True, metadata={"description": "正文；过长时为 null，按 key 另取"}
        ),
        "long": fields.Flag(required=True, metadata={"description": "正文过长，须另取"}),
        "key": fields.Text(12, 12, required=True),
    },
    ("event", "events"): {
        "state": fields.Choice(EVENT_STATES, name="EventState", required=True),
        "state_name": fields.Text(required=True),
    },
}
"""What `BlockType.render_row` adds to the rows of a table, or changes."""

ROWS: Final[dict[tuple[str, str], type[Schema]]] = {}
"""The shapes of rows, by type of block and table."""


def _table(block_type: BlockType, table: Table) -> type[Schema]:
    name = f"{camel(block_type.slug)}Block{camel(table.name)}RowSchema"
    wires = _row(table.fields) | _PECULIAR.get((block_type.slug, table.name), {})
    row = shapes.shape(name, f"A row of {table.name} ({table.heading}).", wires)
    ROWS[block_type.slug, table.name] = row
    return row


def _block(block_type: BlockType) -> type[Schema]:
    wires: dict[str, Wire] = {
        "id": fields.Text(1, NAME, required=True),
        "type": fields.Choice([block_type.slug], required=True),
        "heading": fields.Text(1, NAME, required=True, allow_none=True),
    }
    wires |= _row(block_type.fields)
    for number, table in enumerate(block_type.tables):
        if parts.SHOWN_FIELD in block_type.fields:
            wires["total" if number == 0 else f"{table.name}_total"] = fields.Whole(required=True)
        wires[table.name] = fields.Many(fields.Nested(_table(block_type, table)), MAX_ROWS, required=True)
    description = f"A block of the type {block_type.slug} ({block_type.heading})."
    return shapes.shape(f"{camel(block_type.slug)}BlockSchema", description, wires)


BLOCKS: Final[Mapping[str, type[Schema]]] = {slug: _block(block_type) for slug, block_type in TYPES.items()}


BLOCK: Final = {"$ref": "#/components/schemas/Block"}
"""A block by itself, as the API document shows it: the screens have its component."""


class PageScreenSchema(Schema):
    """A page as one view sees it. A block of which nothing is left to show does not come."""

    kind = fields.Choice(PageKind, required=True)
    slug = fields.Text(1, NAME, patterns.SLUG, required=True)
    name = fields.Text(1, NAME, required=True)
    title = fields.Text(1, NAME, required=True)
    summary = fields.Text(1, 200, required=True, allow_none=True)
    theme = fields.Nested(ThemeSchema, required=True)
    banner = fields.Nested(PictureSchema, required=True, allow_none=True)
    version = fields.Whole(1, required=True, allow_none=True)
    updated_at = fields.Moment(required=True, allow_none=True)
    blocks = fields.Many(fields.OneOf("type", BLOCKS, name="Block"), 400, required=True)
    notices = fields.Many(fields.Nested(ROWS["notice", "notices"]), MAX_ROWS, required=True)


class ZonePreviewSchema(PageScreenSchema):
    """A zone's draft as its screen would look now to a view; `version` and `updated_at` are null."""

    kind = fields.Choice([PageKind.ZONE.value], required=True)
    audiences = fields.Many(fields.Choice(AUDIENCES), required=True)


PREVIEWS: Final[Mapping[PageKind, type[Schema] | dict[str, str]]] = {
    PageKind.HALL: {"$ref": "#/components/schemas/HallScreen"},
    PageKind.ZONE: ZonePreviewSchema,
}
"""What a preview shows, by the kind of its page."""
