"""Tables of fields as data, and what is wrong with their rows: wire shapes, sheets and differences follow them."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qe_ban.kernel.field_types import Field, Severity, has_value

_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class Table:
    """Rows that belong to a thing: `key` names the field by which two versions of a row are recognised."""

    name: str
    heading: str
    key: str
    most: int
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at a place (`promised_days`, `materials.0.name`), in Chinese; a warning hinders nothing.

    `code` says to programs of which sort a warning is.
    """

    place: str
    message: str
    severity: Severity = "error"
    code: str = "noticed"


def unknown_faults(names: Collection[str], row: Mapping[str, Any], prefix: str = "") -> Iterator[Fault]:
    """Find the names of a row that are none of these."""
    for name in row:
        if name not in names:
            yield Fault(prefix + str(name)[:_LONGEST_NAME], "未知的字段")


def row_faults(fields: Sequence[Field], row: Mapping[str, Any], prefix: str = "") -> Iterator[Fault]:
    """Find what is wrong with a row's fields, whatever they hold; unknown ones are not looked for."""
    for one in fields:
        value = row.get(one.name)
        if has_value(value):
            for message, severity in one.type.check(one, value):
                yield Fault(prefix + one.name, message, severity)
        elif one.required:
            yield Fault(prefix + one.name, "此项必填")


def table_faults(table: Table, rows: object, prefix: str = "") -> Iterator[Fault]:
    """Find what is wrong with a table, whatever it is; the place of a fault begins with `prefix`."""
    place = prefix + table.name
    if not has_value(rows):
        return
    if not isinstance(rows, list):
        yield Fault(place, "须为列表")
        return
    if len(rows) > table.most:
        yield Fault(place, f"{table.heading}最多 {table.most} 项，现有 {len(rows)} 项")
        return
    names = {one.name for one in table.fields}
    keys: set[str] = set()
    for number, row in enumerate(rows):
        if not isinstance(row, Mapping):
            yield Fault(f"{place}.{number}", "须为 JSON 对象")
            continue
        yield from unknown_faults(names, row, f"{place}.{number}.")
        yield from row_faults(table.fields, row, f"{place}.{number}.")
        key = row.get(table.key)
        if isinstance(key, str) and key:
            if key in keys:
                yield Fault(f"{place}.{number}.{table.key}", "与前面的一项重复", "warning")
            keys.add(key)


def rows_by_key(table: Table, rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, int], Mapping[str, Any]]:
    """Return each row by its key, and by how often that key came before."""
    counts: Counter[str] = Counter()
    by_key = {}
    for row in rows:
        key = row[table.key]
        by_key[key, counts[key]] = row
        counts[key] += 1
    return by_key
