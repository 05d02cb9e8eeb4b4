"""What an item says, as data: its canonical form, its digest, and how two versions of it differ."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from qe_ban.items.rules.checks import faults
from qe_ban.items.rules.fields import ITEM, TABLES
from qe_ban.kernel import field_types
from qe_ban.kernel.field_types import has_value
from qe_ban.kernel.shapes import Fault, Table, rows_by_key

__all__ = ["Change", "Fault", "canonical", "changes", "digest", "encoded", "faults"]

_SETS: Final = frozenset({field_types.CHOICES, field_types.TOPICS})
_NAMED: Final = {field.name: field for field in ITEM}
_TABLES: Final = {table.name: tuple(field.name for field in table.fields) for table in TABLES}

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two contents; `before` or `after` is None where there was or is nothing.

    A changed row of a table is told by the fields that differ, an added or removed one whole.
    """

    field: str
    heading: str
    before: Any
    after: Any


def canonical(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the form in which contents are compared and stored; the content must be without faults.

    Nulls, empty texts and empty lists are left out; choices and topics sorted; whatever is listed is listed once.
    """
    plain: dict[str, Any] = {}
    for name, value in content.items():
        if not has_value(value):
            continue
        field = _NAMED.get(name)
        if field is None:
            plain[name] = [_row(row) for row in value] if name in _TABLES else value
        elif type(value) is list:
            plain[name] = sorted(set(value)) if field.type in _SETS else list(dict.fromkeys(value))
        else:
            plain[name] = value
    return plain


def encoded(plain: Mapping[str, Any]) -> str:
    """Return a canonical content as JSON: sorted keys, no spaces."""
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(content: Mapping[str, Any]) -> bytes:
    """Return the SHA-256 of a content's canonical JSON."""
    return hashlib.sha256(encoded(canonical(content)).encode()).digest()


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Return how two contents differ, in the order of the fields; nothing exactly when their digests are the same."""
    old, new = canonical(before), canonical(after)
    differences = [
        Change(field.name, field.heading, old.get(field.name), new.get(field.name))
        for field in ITEM
        if old.get(field.name) != new.get(field.name)
    ]
    for table in TABLES:
        differences.extend(_row_changes(table, old.get(table.name, []), new.get(table.name, [])))
    return differences


def _row(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.items() if has_value(value)}


def _row_changes(table: Table, old: Sequence[Row], new: Sequence[Row]) -> list[Change]:
    if old == new:
        return []
    before, after = rows_by_key(table, old), rows_by_key(table, new)
    keys = [*before, *(key for key in after if key not in before)]
    differences = [
        _row_change(table, key[0], before.get(key), after.get(key)) for key in keys if before.get(key) != after.get(key)
    ]
    if differences:
        return differences
    orders = [[row[table.key] for row in rows] for rows in (old, new)]
    return [Change(table.name, f"{table.heading}的顺序", *orders)]


def _row_change(table: Table, label: Any, before: Row | None, after: Row | None) -> Change:
    if before is not None and after is not None:
        names = [field.name for field in table.fields if before.get(field.name) != after.get(field.name)]
        before, after = _only(before, names), _only(after, names)
    return Change(table.name, f"{table.heading}：{label}", before, after)


def _only(row: Row, names: Sequence[str]) -> dict[str, Any]:
    return {name: row.get(name) for name in names}
