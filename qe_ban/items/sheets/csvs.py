"""The rows of a CSV file: its encoding detected and never guessed, its quotes taken strictly, its memory bounded."""

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from qe_ban.items.errors import FileInvalid
from qe_ban.items.rules.cells import Raw

PIECE: Final = 1 << 20
LONGEST_LINE: Final = 1 << 20
LONGEST_ROW: Final = 4 << 20
"""In characters; a row of many quoted cells stands in many lines."""
PORTION: Final = 500

ADVICE: Final = "请另存为“CSV UTF-8（逗号分隔）”再上传"
_OTHERS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # of UTF-32 too: its little-endian mark begins so
_BIG_ENDIAN: Final = codecs.BOM_UTF32_BE
_FOREIGN = 4

Row = tuple[int, list[Raw]]


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a file is written, by Python's name for it, how many lines it has, and what parts its cells."""

    name: str
    lines: int
    delimiter: str = ","


def encoding(path: Path) -> Encoding:
    """Return a file's encoding: by its mark, else strict UTF-8, else strict GB18030. Raises FileInvalid."""
    with path.open("rb") as file:
        head = file.read(4)
    if head.startswith((*_OTHERS, _BIG_ENDIAN)):
        raise FileInvalid(f"文件是 UTF-16 或 UTF-32 编码；{ADVICE}")
    has_mark = head.startswith(codecs.BOM_UTF8)
    wrong = _undecodable(path, "utf-8-sig")
    if not wrong:
        return Encoding("utf-8-sig", _lines(path), _delimiter(path, "utf-8-sig"))
    if has_mark:
        raise FileInvalid(f"第 {wrong} 行不是有效的 UTF-8 编码；{ADVICE}")
    other = _undecodable(path, "gb18030")
    if other:
        # the one that went further is what it was meant to be
        raise FileInvalid(f"第 {max(wrong, other)} 行既不是 UTF-8 也不是 GB18030 编码；{ADVICE}")
    lines = _lines(path, is_gb18030=True)
    return Encoding("gb18030", lines, _delimiter(path, "gb18030"))


def rows(path: Path, encoding: Encoding) -> Iterator[list[Row]]:
    """Yield the rows in portions, numbered as a spreadsheet program does; blank ones are left out.

    Raises FileInvalid.
    """
    portion: list[Row] = []
    with path.open("r", encoding=encoding.name, newline="") as file:
        lines = _Lines(file)
        reader = csv.reader(lines, delimiter=encoding.delimiter, strict=True)
        number = 0
        while True:
            try:
                cells = next(reader, None)
            except csv.Error as error:
                raise FileInvalid(f"CSV 第 {number + 1} 行（文件第 {reader.line_num} 行）{_reason(error)}") from error
            if cells is None:
                break
            number += 1
            lines.row_length = 0
            if any(cells):
                portion.append((number, list(cells)))
            if number % PORTION == 0:
                yield portion
                portion = []
    yield portion


def _delimiter(path: Path, name: str) -> str:
    """Return what parts the headings, none of which holds a comma: tabs or semicolons where there is no comma.

    Raises FileInvalid where it could be either.
    """
    with path.open("r", encoding=name, newline="") as file:
        headings = file.readline(LONGEST_LINE)
    others = [mark for mark in ("\t", ";") if mark in headings]
    if "," in headings or not others:
        return ","
    if len(others) > 1:
        raise FileInvalid(f"第 1 行既有制表符又有分号，不知道用哪个分隔；{ADVICE}")
    return others[0]


class _Lines:
    """Lines of a text file of which none, and no row's lines together, are longer than may be."""

    def __init__(self, file: io.TextIOBase) -> None:
        self._file, self.row_length = file, 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._file.readline(LONGEST_LINE)
        if not line:
            raise StopIteration
        self.row_length += len(line)
        if len(line) == LONGEST_LINE or self.row_length > LONGEST_ROW:
            raise FileInvalid("CSV 文件有过长的行，请检查换行和引号")
        return line


def _reason(error: csv.Error) -> str:
    if "field limit" in str(error):
        return "有过长的单元格，请检查引号是否成对"
    return "的引号不成对；单元格内的引号须写两遍"


def _undecodable(path: Path, name: str) -> int:
    """Return the line of the first bytes that are not of this encoding; 0 where all are."""
    decoder = codecs.getincrementaldecoder(name)("strict")
    line = 1
    with path.open("rb") as file:
        while True:
            piece = file.read(PIECE)
            if b"\0" in piece:
                line += piece[: piece.index(b"\0")].count(b"\n")
                raise FileInvalid(f"第 {line} 行含有空字符（NUL），文件可能已损坏或是 UTF-16 编码；{ADVICE}")
            try:
                decoder.decode(piece, not piece)
            except UnicodeDecodeError as error:
                # what the decoder kept from the piece before holds no line feed
                return line + bytes(error.object[: error.start]).count(b"\n")
            if not piece:
                return 0
            line += piece.count(b"\n")


def _lines(path: Path, *, is_gb18030: bool = False) -> int:
    """Count the lines; `is_gb18030`: refuse such a file of which single lines are UTF-8. Raises FileInvalid.

    Nearly all Chinese text in UTF-8 can be read as GB18030, as other Chinese text.
    """
    count = 0
    with path.open("rb") as file:
        while line := file.readline(LONGEST_LINE):
            count += 1
            if is_gb18030 and not line.isascii() and _is_utf8(line):
                raise FileInvalid(f"文件混用了两种编码：第 {count} 行是 UTF-8，其余是 GB18030；{ADVICE}")
    return count


def _is_utf8(line: bytes) -> bool:
    """Return whether a line is UTF-8 with so many Chinese characters that this is no chance."""
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return False
    return sum(char >= "\u0800" for char in text) >= _FOREIGN
