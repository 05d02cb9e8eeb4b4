"""Wire shapes made from fields as data: as they are sent, as they are read, and what their words are called."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from marshmallow import fields as base

from qe_ban.kernel import patterns
from qe_ban.kernel.shapes import LABELLED, MANY, Field, Kind
from qe_ban.web import fields
from qe_ban.web.schema import Schema

COUNTS: Final[dict[str, Any]] = {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}}
"""How many there are of each word; the words may grow."""
TEXTS: Final[dict[str, Any]] = {"type": "object", "additionalProperties": {"type": "string"}}
"""A text for each word; the words may grow."""

Wire = base.Field[Any]


def _text(field: Field, **options: Any) -> Wire:
    return fields.Text(1, field.max, **options)


def _lines(field: Field, **options: Any) -> Wire:
    return fields.Lines(1, field.max, **options)


def _whole(field: Field, **options: Any) -> Wire:
    return fields.Whole(0, field.max, **options)


def _flag(_field: Field, **options: Any) -> Wire:
    return fields.Flag(**options)


def _choice(field: Field, **options: Any) -> Wire:
    return fields.Choice(list(field.choices), name=field.vocabulary or None, **options)


def _choices(field: Field, **options: Any) -> Wire:
    return fields.Many(
        fields.Choice(list(field.choices), name=field.vocabulary or None),
        field.most,
        1 if field.required else 0,
        **options,
    )


def _words(field: Field, **options: Any) -> Wire:
    return fields.Many(fields.Text(1, field.max), field.most, **options)


def _department(_field: Field, **options: Any) -> Wire:
    return fields.Text(18, 18, patterns.USCC, **options)


def _district(_field: Field, **options: Any) -> Wire:
    return fields.Text(6, 6, patterns.DISTRICT, **options)


def _slug(_field: Field, **options: Any) -> Wire:
    return fields.Text(1, 40, patterns.SLUG, **options)


def _moment(_field: Field, **options: Any) -> Wire:
    return fields.Moment(**options)


def _date(_field: Field, **options: Any) -> Wire:
    return fields.Text(10, 10, patterns.DATE, **options)


def _media(_field: Field, **options: Any) -> Wire:
    return fields.Text(64, 64, patterns.MEDIA, **options)


def _colour(_field: Field, **options: Any) -> Wire:
    return fields.Text(7, 7, patterns.COLOUR, **options)


def _entry(_field: Field, **options: Any) -> Wire:
    return fields.Text(12, 33, patterns.ENTRY, **options)


def _slugs(field: Field, **options: Any) -> Wire:
    return fields.Many(fields.Text(1, field.max, patterns.SLUG), field.most, **options)


_WIRE: Final[Mapping[Kind, Callable[..., Wire]]] = {
    Kind.TEXT: _text,
    Kind.LINES: _lines,
    Kind.LINK: _text,
    Kind.WHOLE: _whole,
    Kind.FLAG: _flag,
    Kind.CHOICE: _choice,
    Kind.CHOICES: _choices,
    Kind.WORDS: _words,
    Kind.DEPARTMENT: _department,
    Kind.DISTRICT: _district,
    Kind.TOPICS: _slugs,
    Kind.SLUG: _slug,
    Kind.SLUGS: _slugs,
    Kind.MOMENT: _moment,
    Kind.DATE: _date,
    Kind.MEDIA: _media,
    Kind.RICH: _lines,
    Kind.COLOUR: _colour,
    Kind.ENTRY: _entry,
}


def sent(field: Field) -> Wire:
    """Give a field as staff send it: null is the same as not told."""
    metadata = {"description": _description(field)}
    if field.required:
        return _WIRE[field.kind](field, required=True, metadata=metadata)
    return _WIRE[field.kind](field, allow_none=True, metadata=metadata)


def read(field: Field) -> Wire:
    """Give a field as it is read: always there, null for what is not told, an empty list where there may be several."""
    nullable = not field.required and field.kind not in MANY
    return _WIRE[field.kind](field, required=True, allow_none=nullable, metadata={"description": _description(field)})


def label(field: Field) -> Wire:
    """Give what a field's words and codes are called."""
    metadata = {"description": field.heading}
    if field.kind in MANY:
        return fields.Many(fields.Text(max=200), field.most, required=True, metadata=metadata)
    return fields.Text(max=200, required=True, allow_none=True, metadata=metadata)


def labels_schema(name: str, of: tuple[Field, ...]) -> type[Schema]:
    """Give the shape of the `labels` beside fields that hold words or codes."""
    described = f"What the words and codes of {name} are called in Chinese, by field."
    return shape(f"{name}LabelsSchema", described, {one.name: label(one) for one in of if one.kind in LABELLED})


def shape(name: str, description: str, shapes: dict[str, Wire]) -> type[Schema]:
    """Give a schema of these fields."""
    return type(name, (Schema,), {"__doc__": description, **shapes})


def _description(field: Field) -> str:
    said = [field.heading]
    if field.choices:
        said.append("、".join(f"{word}={name}" for word, name in field.choices.items()))
    if field.kind is Kind.LINK:
        said.append("http 或 https 网址，不含用户名")
    if field.hint:
        said.append(field.hint)
    return "；".join(said)
