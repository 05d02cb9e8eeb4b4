"""Exports of items and the templates of imports: files that people fill in, and that an import takes back."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import IO, Any, Final

from sqlalchemy.orm import Session

from qe_ban.items.errors import OtherPlace
from qe_ban.items.queries import exported, staged
from qe_ban.items.queries.exported import Exported
from qe_ban.items.rules import cells, spelling
from qe_ban.items.rules.layouts import (
    CODE,
    DEPARTMENT_NAME,
    DEPARTMENT_TYPE,
    ENDS_AT,
    ITEMS,
    LAYOUTS,
    STARTS_AT,
    Layout,
)
from qe_ban.items.rules.names import Names
from qe_ban.items.service.importing import Format
from qe_ban.items.sheets import template as templates
from qe_ban.items.sheets.writing import Cell, CsvWriter, XlsxWriter
from qe_ban.kernel.city import City
from qe_ban.kernel.field_types import Field
from qe_ban.kernel.principal import Place

TABLE_NAMES: Final = tuple(LAYOUTS)
_BOM: Final = "\ufeff"


def template(format: Format, table: str = ITEMS) -> bytes:  # noqa: A002 - what it is called everywhere
    """Give the file that people fill in: a workbook of all tables, or one table as CSV."""
    if format == "xlsx":
        return templates.workbook().content
    return (_BOM + templates.csv_text(LAYOUTS[table])).encode()


def export(
    session: Session,
    city: City,
    file: IO[bytes],
    *,
    format: Format,  # noqa: A002
    table: str = ITEMS,
    place: Place,
    now: datetime,
) -> None:
    """Write the items of a place that have not ended to a file, in little memory; importing it changes nothing.

    XLSX holds all tables, CSV one. Raises OtherPlace for a place that answers for no items.
    """
    if place.hall is not None or place.zone is not None:
        raise OtherPlace
    names = Names(city.districts, staged.topics(session))
    found = exported.items(session, place, now)
    if format == "csv":
        layout = LAYOUTS[table]
        one = CsvWriter(file, layout)
        for item in found:
            for row in _rows(layout, item):
                one.add(_cells(layout.columns, row, names, now, formulas=True))
        one.finish()
        return
    book = XlsxWriter(file)
    try:
        for item in found:
            for layout in LAYOUTS.values():
                for row in _rows(layout, item):
                    book.add(layout.name, _cells(layout.columns, row, names, now, formulas=False))
        book.finish()
    finally:
        book.close()


def _rows(layout: Layout, item: Exported) -> Sequence[Mapping[str, Any]]:
    """Give an item's rows of one table."""
    if layout.name != ITEMS:
        return [{**row, CODE.name: item.code} for row in item.content.get(layout.name, ())]
    own = {
        CODE.name: item.code,
        DEPARTMENT_NAME.name: item.department_name,
        DEPARTMENT_TYPE.name: item.department_type,
        STARTS_AT.name: item.starts_at,
        ENDS_AT.name: item.ends_at,
    }
    return [{**item.content, **own}]


def _cells(
    columns: Sequence[Field], row: Mapping[str, Any], names: Names, now: datetime, *, formulas: bool
) -> list[Cell]:
    return [_cell(column, row.get(column.name), names, now, formulas=formulas) for column in columns]


def _cell(column: Field, value: Any, names: Names, now: datetime, *, formulas: bool) -> Cell:
    if value is None:
        return None
    if column is STARTS_AT:
        # what holds already needs no start, and what is changed is to hold at once
        return cells.write_moment(value) if value > now else None
    if column is ENDS_AT:
        return cells.write_moment(value)
    if column is CODE:
        return spelling.written(value, formulas=formulas)
    return cells.write(column, value, names, formulas=formulas)
