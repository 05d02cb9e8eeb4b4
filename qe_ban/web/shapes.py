"""Wire shapes made from fields as data: as they are sent, as they are read, and what their words are called."""

from typing import Any, Final

from marshmallow import fields as base

from qe_ban.kernel.field_types import Field
from qe_ban.web import fields
from qe_ban.web.schema import Schema

COUNTS: Final[dict[str, Any]] = {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}}
"""How many there are of each word; the words may grow."""
TEXTS: Final[dict[str, Any]] = {"type": "object", "additionalProperties": {"type": "string"}}
"""A text for each word; the words may grow."""

Wire = base.Field[Any]


def _value(field: Field, **options: Any) -> Wire:
    """Return the wire shape of a value that is no list, or of a word of a list."""
    of = field.type
    if of.json_type == "integer":
        return fields.Whole(0, field.max, **options)
    if of.json_type == "boolean":
        return fields.Flag(**options)
    if of.format == "date-time":
        return fields.Moment(**options)
    if of.is_choice:
        return fields.Choice(list(field.choices), name=field.vocabulary or None, **options)
    text = fields.Lines if of.has_lines else fields.Text
    low, high = of.lengths or (1, field.max)
    return text(low, high, of.pattern, **options)


def _wire(field: Field, **options: Any) -> Wire:
    options["metadata"] = {"description": _description(field)}
    if field.type.is_list:
        fewest = 1 if field.required and field.type.is_choice else 0
        return fields.Many(_value(field), field.most, fewest, **options)
    return _value(field, **options)


def input_field(field: Field) -> Wire:
    """Return a field as staff send it: null is the same as not told."""
    return _wire(field, required=True) if field.required else _wire(field, allow_none=True)


def output_field(field: Field) -> Wire:
    """Return a field as it is read: always there, null for what is not told, or an empty list."""
    return _wire(field, required=True, allow_none=not field.required and not field.type.is_list)


def label(field: Field) -> Wire:
    """Return what a field's words and codes are called."""
    metadata = {"description": field.heading}
    if field.type.is_list:
        return fields.Many(fields.Text(max=200), field.most, required=True, metadata=metadata)
    return fields.Text(max=200, required=True, allow_none=True, metadata=metadata)


def labels_schema(name: str, of: tuple[Field, ...]) -> type[Schema]:
    """Return the shape of the `labels` beside fields that hold words or codes."""
    description = f"What the words and codes of {name} are called in Chinese, by field."
    return shape(f"{name}LabelsSchema", description, {one.name: label(one) for one in of if one.type.has_labels})


def shape(name: str, description: str, shapes: dict[str, Wire]) -> type[Schema]:
    """Make a schema of these fields."""
    return type(name, (Schema,), {"__doc__": description, **shapes})


def _description(field: Field) -> str:
    sentences = [field.heading]
    if field.choices:
        sentences.append("、".join(f"{word}={name}" for word, name in field.choices.items()))
    if field.type.description:
        sentences.append(field.type.description)
    if field.hint:
        sentences.append(field.hint)
    return "；".join(sentences)
