"""A file of items as tables with headings, whatever its format: what an import reads from."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, Protocol

from qe_ban.items.errors import FileInvalid
from qe_ban.items.rules.cells import Raw, is_empty
from qe_ban.items.rules.layouts import CODE, ITEMS, NOTE, Layout, enumeration, place_of, recognise
from qe_ban.items.sheets import archive, book, csvs, formats, xlsx
from qe_ban.kernel.field_types import Field

Row = tuple[int, list[Raw]]
"""A row's number as people see it, counted from 1, and its cells; there may be fewer or more than columns."""

MOST_ITEMS: Final = 300_000
MOST_ROWS: Final = xlsx.MOST_ROWS
TITLE_ROWS: Final = 10
"""So far down the headings are looked for, to say where they are."""


class Portions(Protocol):
    """Gives rows in portions, from the first one on, each time that it is called."""

    def __call__(self) -> Iterator[list[Row]]:
        """Return all rows, the headings first."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a file. `sheet` is its sheet's name, None in CSV; `lines`: about how many rows there are."""

    layout: Layout
    columns: tuple[Field, ...]
    sheet: str | None
    lines: int
    code_at: int
    whole: bool
    _portions: Portions

    def rows(self) -> Iterator[list[Row]]:
        """Return the rows below the headings in portions, some empty; without blank ones and the template's own.

        Raises FileInvalid.
        """
        most = MOST_ITEMS if self.layout.name == ITEMS else MOST_ROWS
        count = 0
        for portion in self._portions():
            rows = [row for row in portion if row[0] > 1 and not self._is_note(row) and not all(map(is_empty, row[1]))]
            count += len(rows)
            if count > most:
                raise FileInvalid(f"{self.layout.heading}超过 {most} 行，请分成几个文件")
            yield rows

    def _is_note(self, row: Row) -> bool:
        number, cells = row
        first = cells[self.code_at] if number == 2 and self.code_at < len(cells) else ""
        return isinstance(first, str) and first.startswith(NOTE)


@contextmanager
def open_tables(path: Path, kind: str) -> Iterator[list[Table]]:
    """Return the tables of a file (`csv` or `xlsx`), checked as far as can be without reading its rows.

    Raises FileInvalid.
    """
    with path.open("rb") as file:
        formats.sniff(file, kind)
    if kind == "csv":
        yield [_csv(path)]
        return
    with archive.open_archive(path) as workbook_archive:
        yield _xlsx(workbook_archive)


def _csv(path: Path) -> Table:
    encoding = csvs.encoding(path)

    def portions() -> Iterator[list[Row]]:
        return csvs.rows(path, encoding)

    return _table(portions, None, encoding.lines, whole=True)


def _xlsx(workbook_archive: archive.Archive) -> list[Table]:
    workbook = book.read(workbook_archive)
    tables = [table for sheet in workbook.sheets if (table := _sheet_table(workbook_archive, workbook, sheet))]
    _require_different_layouts(tables)
    if not tables:
        raise FileInvalid("文件没有内容，请按模板填写")
    return tables


def _sheet_table(workbook_archive: archive.Archive, workbook: book.Book, sheet: book.Sheet) -> Table | None:
    """Return the table of a sheet, None for an empty one. Raises FileInvalid."""
    measures = workbook_archive.measures.get(workbook_archive.name_of(sheet.part), archive.EntryMeasures())
    if measures.merges:
        ranges = enumeration(measures.merges)
        raise FileInvalid(f"工作表“{sheet.title}”有合并的单元格：{ranges}；请取消合并，在每一行都填写内容")

    def portions() -> Iterator[list[Row]]:
        return xlsx.rows(workbook_archive, workbook, sheet)

    if _first(portions) is None:
        return None
    if sheet.is_hidden:
        raise FileInvalid(f"工作表“{sheet.title}”是隐藏的，其中有内容；请取消隐藏，或删除这个工作表")
    return _table(portions, sheet.title, measures.rows, whole=False)


def _require_different_layouts(tables: Sequence[Table]) -> None:
    first_of_layout: dict[str, Table] = {}
    for table in tables:
        first = first_of_layout.setdefault(table.layout.name, table)
        if first is not table:
            heading = table.layout.heading
            raise FileInvalid(f"工作表“{first.sheet}”和“{table.sheet}”是同一种表（{heading}），请合并后再上传")


def _table(portions: Portions, sheet: str | None, lines: int, *, whole: bool) -> Table:
    headings = _headings(portions, sheet)
    if CODE.heading not in headings:
        _require_no_title(headings, portions, sheet)
    layout, columns = recognise(headings, sheet)
    code_at = next(at for at, column in enumerate(columns) if column.name == "code")
    return Table(layout, tuple(columns), sheet, max(lines - 1, 0), code_at, whole, portions)


def _headings(portions: Portions, sheet: str | None) -> list[str]:
    """Return the texts of the first row, up to the last one that is not empty. Raises FileInvalid."""
    row = _first(portions)
    if row is None or row[0] != 1:
        _require_no_title((), portions, sheet)
        raise FileInvalid(f"{place_of(sheet)}第 1 行应为列名，请按模板填写")
    cells = list(row[1])
    while cells and is_empty(cells[-1]):
        cells.pop()
    return [cell.strip() if isinstance(cell, str) else "" for cell in cells]


def _require_no_title(headings: Sequence[str], portions: Portions, sheet: str | None) -> None:
    """Look for the headings a few rows further down, since they are not in the first. Raises FileInvalid."""
    rows = islice((row for portion in portions() for row in portion), TITLE_ROWS)
    number = next((number for number, cells in rows if _has_code_heading(cells)), None)
    if number is None:
        return
    title = next((text for text in headings if text), "")[:30]
    beginning = f"第 1 行是“{title}”，" if title else ""
    place = place_of(sheet)
    raise FileInvalid(f"{place}{beginning}列名在第 {number} 行；请删除列名以上的各行，使列名在第 1 行")


def _has_code_heading(cells: Sequence[Raw]) -> bool:
    return any(isinstance(cell, str) and cell.strip() == CODE.heading for cell in cells)


def _first(portions: Portions) -> Row | None:
    return next((row for portion in portions() for row in portion), None)
