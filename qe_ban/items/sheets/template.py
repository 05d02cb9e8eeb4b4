"""The workbook that people fill in: four sheets with headings, explanations, lists to choose from, codes as text."""

import csv
import io
from dataclasses import dataclass
from typing import Final

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from qe_ban.items.rules.layouts import CODE, LAYOUTS, NOTE, Layout, explanation
from qe_ban.kernel import field_types
from qe_ban.kernel.field_types import Field

AS_TEXT: Final = "@"
_CHOSEN_ROWS = 20_000
_WIDE, _NARROW = 40, 16
_LONGEST_LIST = 255
"""What a list of choices may hold, in characters, where it stands in the sheet itself (ECMA-376, 18.3.1.32)."""


@dataclass(frozen=True, slots=True)
class Template:
    """A workbook's bytes, and the number of the style that makes a cell text."""

    content: bytes
    text_style: int


def workbook(*, notes: bool = True) -> Template:
    """Return the workbook; `notes`: with the row of explanations, which an import passes over."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for layout in LAYOUTS.values():
        _fill(book.create_sheet(layout.heading), layout, notes=notes)
    style = book.worksheets[0].cell(1, 1).style_id
    file = io.BytesIO()
    book.save(file)
    return Template(file.getvalue(), style)


def csv_text(layout: Layout) -> str:
    """Return the template of one table as CSV."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow([column.heading for column in layout.columns])
    writer.writerow([note(column) for column in layout.columns])
    return file.getvalue()


def note(column: Field) -> str:
    """Return a column's explanation; that of the codes marks the row as one that is no item."""
    return f"{NOTE}：{explanation(column)}" if column is CODE else explanation(column)


def _fill(sheet: Worksheet, layout: Layout, *, notes: bool) -> None:
    bold, grey = Font(bold=True), PatternFill("solid", fgColor="FFEFEFEF")
    for number, column in enumerate(layout.columns, 1):
        letter = get_column_letter(number)
        heading = sheet.cell(1, number, column.heading)
        heading.font = bold
        heading.number_format = AS_TEXT
        if notes:
            cell = sheet.cell(2, number, note(column))
            cell.fill, cell.number_format = grey, AS_TEXT
            cell.alignment = Alignment(wrap_text=True, vertical="top")
        dimension = sheet.column_dimensions[letter]
        dimension.width = _WIDE if column.type is field_types.LINES or column is CODE else _NARROW
        if column.type is not field_types.WHOLE:
            dimension.number_format = AS_TEXT
        _offer(sheet, column, f"{letter}{3 if notes else 2}:{letter}{_CHOSEN_ROWS}")
    sheet.freeze_panes = "B3" if notes else "B2"


def _offer(sheet: Worksheet, column: Field, cells: str) -> None:
    """Let a program offer the words of a column where exactly one is wanted."""
    words = ",".join(column.choices.values()) if column.type is field_types.CHOICE else ""
    words = "是,否" if column.type is field_types.FLAG else words
    if not 0 < len(words) <= _LONGEST_LIST:
        return
    choices = DataValidation(type="list", formula1=f'"{words}"', allow_blank=True, showErrorMessage=True)
    choices.errorTitle, choices.error = column.heading, "请从列表中选择"
    choices.add(cells)
    sheet.add_data_validation(choices)
