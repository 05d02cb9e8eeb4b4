"""Writes tables of items as files: a workbook made of the template and rows, or one table as CSV."""

import codecs
import csv
import io
import re
import tempfile
import zipfile
from collections.abc import Sequence
from typing import IO, Final
from xml.sax.saxutils import escape

from openpyxl.utils import get_column_letter

from qe_ban.items.rules.layouts import LAYOUTS, Layout
from qe_ban.items.sheets import template

Cell = str | int | None

_ROWS_END: Final = b"</sheetData>"
_PIECE = 1 << 20
# What XML cannot hold, and what a reader would take for an escape (ECMA-376, 22.9.2.19).
_NEEDS_ESCAPE = re.compile("[\0-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")


class CsvWriter:
    """One table in UTF-8 with a byte order mark, by which Excel knows it."""

    def __init__(self, file: IO[bytes], layout: Layout) -> None:
        file.write(codecs.BOM_UTF8)
        self._text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        self._rows = csv.writer(self._text)
        self._rows.writerow([column.heading for column in layout.columns])

    def add(self, cells: Sequence[Cell]) -> None:
        """Add a row."""
        self._rows.writerow(cells)

    def finish(self) -> None:
        """Write what is left, and leave the file open."""
        self._text.detach()


class XlsxWriter:
    """All tables as sheets of one workbook; rows of any of them come in any order and wait on the disk.

    openpyxl makes the workbook round them, and would take twenty times as long for the rows.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._template = template.workbook(notes=False)
        self._sheets = {name: _Rows(self._template.text_style) for name in LAYOUTS}

    def add(self, table: str, cells: Sequence[Cell]) -> None:
        """Add a row to a table."""
        self._sheets[table].add(cells)

    def finish(self) -> None:
        """Put the workbook together, and leave the file open."""
        sheets = {f"xl/worksheets/sheet{number}.xml": rows for number, rows in enumerate(self._sheets.values(), 1)}
        with (
            zipfile.ZipFile(io.BytesIO(self._template.content)) as source,
            zipfile.ZipFile(self._file, "w", zipfile.ZIP_DEFLATED, compresslevel=5) as file,
        ):
            for entry in source.infolist():
                rows = sheets.get(entry.filename)
                with file.open(entry.filename, "w", force_zip64=True) as part:
                    _splice(part, source.read(entry), rows)

    def close(self) -> None:
        """Let go of what waited on the disk."""
        for rows in self._sheets.values():
            rows.file.close()


class _Rows:
    """The rows of one sheet, as XML, in a file of their own."""

    def __init__(self, style: int) -> None:
        self.file = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as its writer, which closes it
        self._number = 1
        self._style = style
        most = max(len(layout.columns) for layout in LAYOUTS.values())
        self._letters = [get_column_letter(number) for number in range(1, most + 1)]

    def add(self, cells: Sequence[Cell]) -> None:
        self._number += 1
        number, style = self._number, self._style
        parts = [f'<row r="{number}">']
        for letters, cell in zip(self._letters, cells, strict=False):
            if isinstance(cell, int):
                parts.append(f'<c r="{letters}{number}"><v>{cell}</v></c>')
            elif cell:
                text = escape(_NEEDS_ESCAPE.sub(_escape, cell))
                parts.append(
                    f'<c r="{letters}{number}" s="{style}" t="inlineStr"><is>'
                    f'<t xml:space="preserve">{text}</t></is></c>'
                )
        parts.append("</row>")
        self.file.write("".join(parts).encode())


def _splice(part: IO[bytes], content: bytes, rows: _Rows | None) -> None:
    """Write an entry, with a sheet's rows behind its headings."""
    if rows is None:
        part.write(content)
        return
    head, end, tail = content.partition(_ROWS_END)
    part.write(head)
    rows.file.seek(0)
    while piece := rows.file.read(_PIECE):
        part.write(piece)
    part.write(end + tail)


def _escape(match: re.Match[str]) -> str:
    return f"_x{ord(match[0]):04X}_"
