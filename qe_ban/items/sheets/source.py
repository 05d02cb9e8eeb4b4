"""A file of items as tables with headings, whatever its format: what an import reads from."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from qe_ban.items.errors import FileInvalid
from qe_ban.items.rules.cells import Raw, is_empty
from qe_ban.items.rules.layouts import ITEMS, NOTE, Layout, recognise
from qe_ban.items.sheets import archive, book, csvs, xlsx
from qe_ban.kernel.shapes import Field

Row = tuple[int, list[Raw]]
"""A row's number as people see it, counted from 1, and its cells; there may be fewer or more than columns."""

MOST_ITEMS: Final = 300_000
MOST_ROWS: Final = xlsx.MOST_ROWS


class Portions(Protocol):
    """Gives rows in portions, from the first one on, each time that it is called."""

    def __call__(self) -> Iterator[list[Row]]:
        """Give all rows, the headings first."""


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
        """Give the rows below the headings in portions, some empty; without blank ones and the template's own.

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
def opened(path: Path, kind: str) -> Iterator[list[Table]]:
    """Give the tables of a file (`csv` or `xlsx`), checked as far as can be without reading its rows.

    Raises FileInvalid.
    """
    with path.open("rb") as file:
        archive.sniff(file.read(8), kind)
    if kind == "csv":
        yield [_csv(path)]
        return
    with archive.opened(path) as opened_archive:
        yield _xlsx(opened_archive)


def _csv(path: Path) -> Table:
    encoding = csvs.encoding(path)

    def portions() -> Iterator[list[Row]]:
        return csvs.rows(path, encoding)

    return _table(portions, None, encoding.lines, whole=True)


def _xlsx(opened_archive: archive.Archive) -> list[Table]:
    workbook = book.read(opened_archive)
    tables: list[Table] = []
    for sheet in workbook.sheets:
        seen = opened_archive.seen.get(sheet.part)
        if seen is not None and seen.merged:
            ranges = "、".join(seen.merged[:10]) + ("等" if len(seen.merged) > 10 else "")
            raise FileInvalid(f"工作表“{sheet.title}”有合并的单元格：{ranges}；请取消合并，在每一行都填写内容")

        def portions(sheet: book.Sheet = sheet) -> Iterator[list[Row]]:
            return xlsx.rows(opened_archive, workbook, sheet)

        if _first(portions) is not None:
            tables.append(_table(portions, sheet.title, seen.rows if seen else 0, whole=False))
    names = [table.layout.name for table in tables]
    if len(set(names)) < len(names):
        raise FileInvalid("有两个工作表是同一种表，请合并后再上传")
    if not tables:
        raise FileInvalid("文件没有内容，请按模板填写")
    return tables


def _table(portions: Portions, sheet: str | None, lines: int, *, whole: bool) -> Table:
    row = _first(portions)
    if row is None or row[0] != 1:
        where = f"工作表“{sheet}”" if sheet else "文件"
        raise FileInvalid(f"{where}第 1 行应为列名，请按模板填写")
    cells = list(row[1])
    while cells and is_empty(cells[-1]):
        cells.pop()
    headings = [cell.strip() if isinstance(cell, str) else "" for cell in cells]
    layout, columns = recognise(headings, sheet)
    code_at = next(at for at, column in enumerate(columns) if column.name == "code")
    return Table(layout, tuple(columns), sheet, max(lines - 1, 0), code_at, whole, portions)


def _first(portions: Portions) -> Row | None:
    return next((row for portion in portions() for row in portion), None)
