"""The rows of an XLSX file's sheets, read as a stream.

openpyxl in its read-only mode tells a formula or a value, keeps an element of every row, and takes some 15
microseconds a cell; here a hundred thousand rows of fifty columns are to be read in half a minute and little memory.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from qe_ban.items.errors import FileInvalid
from qe_ban.items.rules.cells import EMPTY, Broken, Formula, Number, Raw, is_empty
from qe_ban.items.rules.layouts import letters_of
from qe_ban.items.sheets import book
from qe_ban.items.sheets.archive import Archive
from qe_ban.items.sheets.book import Book, Sheet
from qe_ban.items.sheets.formats import ADVICE

MOST_ROWS: Final = 1_048_576
MOST_COLUMNS: Final = 16_384
WIDEST: Final = 200
"""So many columns may be filled: a row has a place for every cell up to its last one."""

MOST_PIECES: Final = 32
"""In which the parser may give a cell's text."""

Row = tuple[int, list[Raw]]
"""A row's number as people see it, and its cells from column A on, without empty ones at the end."""

EARLY: Final = "按日期是 1900 年 1、2 月的一天（Excel 把 1900 年误作闰年，这些日子并不准确），多半是误填的数字"
_TRUE = ("1", "true")
_HIDDEN_ROW: Final = "是隐藏的（手动隐藏、筛选、折叠或行高为零）；请全部显示，或删除不导入的行"
_HIDDEN_COLUMN: Final = "这一列是隐藏的（或列宽为零）；请取消隐藏，或删除这一列"
_DIGITS = "0123456789"
_NEVER = MOST_COLUMNS + 1


def rows(archive: Archive, workbook: Book, sheet: Sheet) -> Iterator[list[Row]]:
    """Yield a sheet's rows in portions, of which some are empty; rows without a value are left out.

    Raises FileInvalid.
    """
    reading = _Reading(workbook, sheet.title)
    with archive.open(sheet.part) as stream:
        for _ in book.feed(book.make_parser(reading.start, reading.end, reading.text), stream):
            portion, reading.rows = reading.rows, []
            yield portion


class _Reading:
    """The rows that the parser has finished, and the row and the cell that it is in.

    Its handlers are called a dozen times a cell: what they need stands in them, and calls nothing that is not needed.
    """

    __slots__ = (
        "_book",
        "_cells",
        "_column",
        "_columns",
        "_has_content",
        "_hidden_columns",
        "_is_formula",
        "_is_hidden",
        "_is_in_hint",
        "_is_in_text",
        "_pieces",
        "_row",
        "_rows_are_hidden",
        "_style",
        "_title",
        "_type",
        "rows",
    )

    def __init__(self, workbook: Book, title: str) -> None:
        self.rows: list[Row] = []
        self._book, self._title = workbook, title
        self._columns: dict[str, int] = {}
        self._row, self._cells, self._has_content = 0, list[Raw](), False
        self._column, self._type, self._style = 0, "n", ""
        self._pieces: list[str] = []
        self._is_formula = self._is_in_text = self._is_in_hint = False
        self._is_hidden = self._rows_are_hidden = False
        self._hidden_columns: list[tuple[int, int]] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if ":" in name:
            name = book.local(name)
        if name == "c":
            place = attributes.get("r")
            letters = place.rstrip(_DIGITS) if place else ""
            column = self._columns.get(letters) or self._column_of(letters)
            if not self._column < column < _NEVER:
                raise FileInvalid(f"{self._place()}的列号混乱；{ADVICE}")
            self._column, self._type, self._style = column, attributes.get("t", "n"), attributes.get("s", "")
            self._pieces, self._is_formula = [], False
        elif name in ("v", "t"):
            self._is_in_text = not self._is_in_hint
        else:
            self._start_rare(name, attributes)

    def _start_rare(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "row":
            self._begin_row(attributes)
        elif name == "f":
            self._is_formula = True
        elif name == "rPh":
            self._is_in_hint = True
        elif name == "col":
            self._note_column(attributes)
        elif name == "sheetFormatPr":
            self._rows_are_hidden = attributes.get("zeroHeight") in _TRUE

    def text(self, piece: str) -> None:
        if self._is_in_text:
            self._pieces.append(piece)
            if len(self._pieces) > MOST_PIECES:
                raise FileInvalid(self._too_long())

    def end(self, name: str) -> None:
        if ":" in name:
            name = book.local(name)
        if name in ("v", "t"):
            self._is_in_text = False
        elif name == "c":
            if self._pieces or self._is_formula:
                self._end_cell()
        elif name == "row":
            self._end_row()
        elif name == "rPh":
            self._is_in_hint = False

    def _note_column(self, attributes: Mapping[str, str]) -> None:
        if attributes.get("hidden") in _TRUE or _is_zero(attributes.get("width")):
            first = _number(attributes.get("min", ""))
            self._hidden_columns.append((first, _number(attributes.get("max", "")) or first))

    def _begin_row(self, attributes: Mapping[str, str]) -> None:
        number = attributes.get("r")
        # a row that says nothing of itself is as the sheet's rows are
        is_default = self._rows_are_hidden and "ht" not in attributes
        self._is_hidden = attributes.get("hidden") in _TRUE or is_default or _is_zero(attributes.get("ht"))
        row = self._row + 1 if number is None else _number(number)
        if not self._row < row <= MOST_ROWS:
            raise FileInvalid(f"XLSX 文件的行号混乱；{ADVICE}")
        self._row, self._cells, self._has_content, self._column = row, [], False, 0

    def _end_row(self) -> None:
        if self._has_content:
            if self._is_hidden:
                raise FileInvalid(f"{self._place()}{_HIDDEN_ROW}")
            self.rows.append((self._row, self._cells))

    def _column_of(self, letters: str) -> int:
        """Return the number of a column by its letters; of none, the next one; of what is no column, none at all."""
        if not letters:
            return self._column + 1
        if not (letters.isascii() and letters.isalpha() and letters.isupper() and len(letters) < 4):
            return _NEVER
        column = 0
        for letter in letters:
            column = column * 26 + ord(letter) - 64
        self._columns[letters] = column
        return column

    def _end_cell(self) -> None:
        text = self._pieces[0] if len(self._pieces) == 1 else "".join(self._pieces)
        if book.is_too_long(text):
            raise FileInvalid(self._too_long())
        value = Formula() if self._is_formula else self._value(text)
        # spaces alone are no content, but stay in their place
        if not is_empty(value):
            self._has_content = True
            if self._column > WIDEST or self._hidden_columns:
                self._require_place()
        elif self._column > WIDEST:
            return
        missing = self._column - 1 - len(self._cells)
        if missing:
            self._cells.extend([EMPTY] * missing)
        self._cells.append(value)

    def _require_place(self) -> None:
        """Refuse content in a column that is too far right, or that nobody sees. Raises FileInvalid."""
        if self._column > WIDEST:
            raise FileInvalid(f"{self._place()}第 {self._column} 列有内容，最多 {WIDEST} 列；请删除多余的列")
        if any(low <= self._column <= high for low, high in self._hidden_columns):
            raise FileInvalid(f"{self._place()} {letters_of(self._column)} 列有内容，但{_HIDDEN_COLUMN}")

    def _value(self, text: str) -> Raw:
        if self._type == "s":
            return self._shared_text(text)
        if self._type in ("str", "inlineStr"):
            return book.unescape(text)
        if self._type == "n":
            is_date = self._style and _number(self._style) in self._book.dates
            return _date(text, since_1904=self._book.since_1904) if is_date else Number(text.strip())
        return _OTHERS.get(self._type, Broken)(text)

    def _shared_text(self, text: str) -> Raw:
        try:
            number = int(text)
            return self._book.shared_texts[number] if number >= 0 else Broken(text)
        except (ValueError, IndexError):
            raise FileInvalid(f"{self._place()}指向不存在的文字；{ADVICE}") from None

    def _place(self) -> str:
        return f"工作表“{self._title[:100]}”第 {self._row} 行"

    def _too_long(self) -> str:
        return f"{self._place()}有过长的单元格，最多 {book.LONGEST_TEXT} 个字符；请缩短后再上传"


def _is_zero(size: str | None) -> bool:
    return size is not None and size.strip("0") in ("", ".")


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def _date(text: str, *, since_1904: bool) -> Raw:
    """Return the moment of a serial day (ECMA-376, 18.17.4.1), to the second: a float has no more."""
    try:
        days = float(text)
        start = datetime(1904, 1, 1) if since_1904 else datetime(1899, 12, 30)  # noqa: DTZ001 - the city's own time
        if 0 <= days < 61 and not since_1904:
            # day 60 of 1900 never was; before it every day is one off, and nobody's item began then
            return Broken(text, EARLY)
        if not 0 <= days < 2_958_466:
            return Broken(text, "不在日期的范围内")
        return start + timedelta(seconds=round(days * 86_400))
    except (ValueError, OverflowError):
        return Broken(text)


def _iso_date(text: str) -> Raw:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return Broken(text)


_OTHERS: Final[Mapping[str, Callable[[str], Raw]]] = {"b": lambda text: text.strip() in ("1", "true"), "d": _iso_date}
