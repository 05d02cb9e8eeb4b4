"""One row of an import's file: its cells as values, or what is wrong with each, and where."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from qe_ban.items.rules import cells, codes, spelling, vocabulary
from qe_ban.items.rules.cells import EMPTY, CellFault, Raw, Reader
from qe_ban.items.rules.fields import ITEM
from qe_ban.items.rules.layouts import CODE, DEPARTMENT_NAME, DEPARTMENT_TYPE, ENDS_AT, ITEMS, STARTS_AT, Layout
from qe_ban.items.rules.names import Names
from qe_ban.kernel.field_types import Field, Severity

FAULTY: Final[Mapping[str, Any]] = {"faulty": True}
"""What is kept of a row that is not to be imported: that it was there."""
NO_ROWS: Final[Mapping[str, Any]] = {"none": True}

_LEAVE_EMPTY: Final = "没有内容的单元格应留空；现在按“{}”原样保存"
_ITEM_FIELDS: Final = frozenset(column.name for column in ITEM)
_YEARS: Final = range(1949, 2200)
_DEPARTMENT: Final = "department"


@dataclass(frozen=True, slots=True)
class RowFault:
    """What is wrong in a row; `column` is a heading, none for the row as a whole."""

    message: str
    column: str | None = None
    severity: Severity = "error"


@dataclass(frozen=True, slots=True)
class Read:
    """A row that was read; `content` is JSON: `fields`, and of items what the catalogue keeps elsewhere.

    `code` is None where none could be read. Of a faulty row `content` is FAULTY.
    """

    code: str | None
    content: Mapping[str, Any]
    faults: Sequence[RowFault] = ()
    department: Mapping[str, Any] | None = None


class RowReader:
    """Reads the rows of one table. `whole`: rows must have all columns, as in CSV."""

    def __init__(self, layout: Layout, columns: Sequence[Field], names: Names, *, whole: bool) -> None:
        self._layout, self._columns, self._whole = layout, columns, whole
        self._readers: list[Reader] = [_reader(column, names) for column in columns]
        self._code_at = next(at for at, column in enumerate(columns) if column is CODE)
        self._key_at = next((at for at, column in enumerate(columns) if column.name == layout.key), None)

    def code(self, raws: Sequence[Raw]) -> str | None:
        """Return the code of a row, None where it has none that can be read."""
        try:
            code = cells.code(raws[self._code_at]) if self._code_at < len(raws) else None
        except CellFault:
            return None
        return code if code and codes.parse(code) else None

    def read(self, raws: Sequence[Raw]) -> Read:
        """Read a row."""
        code, faults = self._read_code(raws)
        faults += self._shape_faults(raws)
        if self._is_none(raws):
            if sum(not cells.is_empty(raw) for raw in raws) > 2:
                faults.append(RowFault(f"填写“{spelling.NONE}”的行不应有其他内容"))
            return Read(code, FAULTY if _has_error(faults) else NO_ROWS, faults)
        values, cell_faults = self._values(raws)
        faults += cell_faults
        if self._layout.name != ITEMS:
            return Read(code, FAULTY if _has_error(faults) else {"fields": values}, faults)
        faults += _time_faults(values) + _name_faults(values)
        return Read(code, FAULTY, faults) if _has_error(faults) else _item(code, values, faults)

    def _values(self, raws: Sequence[Raw]) -> tuple[dict[str, Any], list[RowFault]]:
        """Return the values of a row's cells by column, and what is wrong with the others."""
        values: dict[str, Any] = {}
        faults: list[RowFault] = []
        for column, reader, raw in zip(self._columns, self._readers, raws, strict=False):
            if raw == EMPTY or column is CODE:
                continue
            try:
                value = reader(raw)
            except CellFault as fault:
                faults.append(RowFault(str(fault), column.heading))
                continue
            if value is not None and value != []:
                values[column.name] = value
                if isinstance(raw, str) and spelling.says_nothing(raw) and not column.required:
                    faults.append(RowFault(_LEAVE_EMPTY.format(raw.strip()), column.heading, "warning"))
        return values, faults

    def _read_code(self, raws: Sequence[Raw]) -> tuple[str | None, list[RowFault]]:
        raw = raws[self._code_at] if self._code_at < len(raws) else EMPTY
        try:
            code = cells.code(raw)
        except CellFault as fault:
            return None, [RowFault(str(fault), CODE.heading)]
        if code is None:
            return None, [RowFault("缺少事项编码", CODE.heading)]
        parsed = codes.parse(code)
        if parsed is None:
            return None, [RowFault(_not_a_code(code), CODE.heading)]
        if parsed.agency and not codes.agency_checks(parsed.agency):
            return code, [RowFault("编码中的统一社会信用代码校验位不符，请核对", CODE.heading, "warning")]
        return code, []

    def _shape_faults(self, raws: Sequence[Raw]) -> list[RowFault]:
        count = len(self._columns)
        if self._whole and len(raws) < count:
            return [RowFault(f"本行只有 {len(raws)} 列，应有 {count} 列，请检查逗号和引号")]
        more = [at for at, raw in enumerate(raws[count:], count + 1) if not cells.is_empty(raw)]
        return [RowFault(f"第 {more[0]} 列没有列名，却填写了“{cells.shown(raws[more[0] - 1])}”")] if more else []

    def _is_none(self, raws: Sequence[Raw]) -> bool:
        raw = raws[self._key_at] if self._key_at is not None and self._key_at < len(raws) else EMPTY
        return isinstance(raw, str) and spelling.is_none(raw)


def _reader(column: Field, names: Names) -> Reader:
    if column in (STARTS_AT, ENDS_AT):
        return cells.moment
    return cells.reader(column, names)


def _item(code: str | None, values: dict[str, Any], faults: list[RowFault]) -> Read:
    content: dict[str, Any] = {"fields": {name: value for name, value in values.items() if name in _ITEM_FIELDS}}
    for column in (STARTS_AT, ENDS_AT):
        if column.name in values:
            content[column.name] = values[column.name].isoformat()
    department = None
    if DEPARTMENT_NAME.name in values and _DEPARTMENT in values:
        department = {
            "code": values[_DEPARTMENT],
            "name": values[DEPARTMENT_NAME.name],
            "type": values.get(DEPARTMENT_TYPE.name, "statutory"),
            "district": values.get("district"),
        }
    return Read(code, content, faults, department)


def _name_faults(values: Mapping[str, Any]) -> list[RowFault]:
    fault = vocabulary.fault_of_name(values[DEPARTMENT_NAME.name]) if DEPARTMENT_NAME.name in values else None
    return [RowFault(fault, DEPARTMENT_NAME.heading)] if fault else []


def _time_faults(values: Mapping[str, Any]) -> list[RowFault]:
    times: dict[str, datetime] = {column.name: values[column.name] for column in _TIMES if column.name in values}
    faults = [
        RowFault("年份不在合理范围内", column.heading)
        for column in _TIMES
        if column.name in times and times[column.name].year not in _YEARS
    ]
    if len(times) == 2 and times[ENDS_AT.name] <= times[STARTS_AT.name]:
        faults.append(RowFault("终止时间须晚于生效时间", ENDS_AT.heading))
    return faults


def _not_a_code(code: str) -> str:
    return f"“{cells.shown(code)}”不是有效的事项编码，应为12位、31位或33位"


def _has_error(faults: Sequence[RowFault]) -> bool:
    return any(fault.severity == "error" for fault in faults)


_TIMES: Final = (STARTS_AT, ENDS_AT)
