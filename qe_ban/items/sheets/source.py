"""A file of items as tables with headings, whatever its format: what an import reads from."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, Protocol

from qe_ban.items.errors import FileInvalid
from qe_ban.items.rules.cells import Raw, is_empty
from qe_ban.items.rules.layouts import CODE, ITEMS, NOTE, Layout, recognise
from qe_ban.items.sheets import archive, book, csvs, formats, xlsx
from qe_ban.kernel.shapes import Field

Row = tuple[int, list[Raw]]
"""A row's number as people see it, counted from 1, and its cells; there may be fewer or more than columns."""

MOST_ITEMS: Final = 300_000
MOST_ROWS: Final = xlsx.MOST_ROWS
TITLE_ROWS: Final = 10
"""So far down the headings are looked for, to say where they are."""


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
        formats.sniff(file, kind)
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
        seen = opened_archive.seen.get(opened_archive.name_of(sheet.part))
        if seen is not None and seen.merged:
            ranges = "、".join(seen.merged[:10]) + ("等" if len(seen.merged) > 10 else "")
            raise FileInvalid(f"工作表“{sheet.title}”有合并的单元格：{ranges}；请取消合并，在每一行都填写内容")

        def portions(sheet: book.Sheet = sheet) -> Iterator[list[Row]]:
            return xlsx.rows(opened_archive, workbook, sheet)

        if _first(portions) is not None:
            if sheet.hidden:
                raise FileInvalid(f"工作表“{sheet.title}”是隐藏的，其中有内容；请取消隐藏，或删除这个工作表")
            tables.append(_table(portions, sheet.title, seen.rows if seen else 0, whole=False))
    for place, table in enumerate(tables):
        same = next((other for other in tables[:place] if other.layout.name == table.layout.name), None)
        if same is not None:
            called = table.layout.heading
            raise FileInvalid(f"工作表“{same.sheet}”和“{table.sheet}”是同一种表（{called}），请合并后再上传")
    if not tables:
        raise FileInvalid("文件没有内容，请按模板填写")
    return tables


def _table(portions: Portions, sheet: str | None, lines: int, *, whole: bool) -> Table:
    row = _first(portions)
    if row is not None and row[0] != 1:
        _require_no_title((), portions, sheet)
    if row is None or row[0] != 1:
        where = f"工作表“{sheet}”" if sheet else "文件"
        raise FileInvalid(f"{where}第 1 行应为列名，请按模板填写")
    cells = list(row[1])
    while cells and is_empty(cells[-1]):
        cells.pop()
    headings = [cell.strip() if isinstance(cell, str) else "" for cell in cells]
    _require_no_title(headings, portions, sheet)
    layout, columns = recognise(headings, sheet)
    code_at = next(at for at, column in enumerate(columns) if column.name == "code")
    return Table(layout, tuple(columns), sheet, max(lines - 1, 0), code_at, whole, portions)


def _require_no_title(headings: Sequence[str], portions: Portions, sheet: str | None) -> None:
    """Look for the headings a few rows further down where they are not in the first. Raises FileInvalid."""
    if CODE.heading in headings:
        return
    rows = islice((row for portion in portions() for row in portion), TITLE_ROWS)
    for number, cells in rows:
        if any(isinstance(cell, str) and cell.strip() == CODE.heading for cell in cells):
            where = f"工作表“{sheet}”" if sheet else "文件"
            title = next((text for text in headings if text), "")[:30]
            said = f"第 1 行是“{title}”，" if title else ""
            raise FileInvalid(f"{where}{said}列名在第 {number} 行；请删除列名以上的各行，使列名在第 1 行")


def _first(portions: Portions) -> Row | None:
    return next((row for portion in portions() for row in portion), None)
