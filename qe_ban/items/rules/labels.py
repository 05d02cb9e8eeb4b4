"""What the words and codes of a content are called in Chinese, and how a difference is told to people."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from qe_ban.items.rules.content import Change
from qe_ban.items.rules.fields import ITEM, TABLES
from qe_ban.kernel import field_types
from qe_ban.kernel.field_types import Field
from qe_ban.kernel.shapes import Table

CITY_ITSELF: Final = "市本级"

_FIELDS: Final[Mapping[str, Field]] = {field.name: field for field in ITEM}
_TABLES: Final[Mapping[str, Table]] = {table.name: table for table in TABLES}

Names = Mapping[str, str]
"""What departments, districts and topics are called, by code and slug."""


def labels(fields: Iterable[Field], row: Mapping[str, Any], names: Names) -> dict[str, Any]:
    """Give what the fields that hold words or codes are called: a text, for fields that hold several a list of texts.

    What is not told has none; only an item without a district is called the city's own.
    """
    found: dict[str, Any] = {}
    for field in fields:
        if field.type.has_labels:
            value = row.get(field.name)
            if field.type.is_list:
                found[field.name] = [_name(field, word, names) for word in value or ()]
            else:
                found[field.name] = _name(field, value, names) if value or field.type is field_types.DISTRICT else None
    return found


def full(fields: Iterable[Field], row: Mapping[str, Any]) -> dict[str, Any]:
    """Give a row with all its fields: null for what is not told, an empty list where there may be several."""
    return {field.name: row.get(field.name, [] if field.type.is_list else None) for field in fields}


def told_change(change: Change, names: Names) -> dict[str, Any]:
    """Give a difference as people read it: field, heading, and the texts before and after."""
    table, field = _TABLES.get(change.field), _FIELDS.get(change.field)
    said = [
        _said_rows(table, value, names) if table is not None else _said(field, value, names)
        for value in (change.before, change.after)
    ]
    return {"field": change.field, "heading": change.heading, "before": said[0], "after": said[1]}


def references(content: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    """Give the departments and the topics that a content names."""
    return {content["department"]} if "department" in content else set(), set(content.get("topics", ()))


def _name(field: Field, value: str | None, names: Names) -> str:
    if value is None:
        return CITY_ITSELF
    return field.choices.get(value) or names.get(value, value)


def _said(field: Field | None, value: Any, names: Names) -> str | None:
    if value is None:
        return CITY_ITSELF if field is not None and field.type is field_types.DISTRICT else None
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        return "、".join(str(_said(field, word, names)) for word in value)
    if field is not None and field.type.has_labels:
        return _name(field, value, names)
    return str(value)


def _said_rows(table: Table, value: Any, names: Names) -> str | None:
    """Tell one row by its headings; of a changed order, the names in order."""
    if value is None or isinstance(value, list):
        return _said(None, value, names)
    parts = [
        f"{field.heading}：{_said(field, value[field.name], names) or '无'}"
        for field in table.fields
        if field.name in value
    ]
    return "；".join(parts)
