"""What an XLSX file says of its sheets: their names and places, the texts they share, which numbers are dates."""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote
from xml.etree.ElementTree import Element, ParseError
from xml.parsers import expat

from defusedxml import DefusedXmlException  # type: ignore[import-untyped]
from defusedxml.ElementTree import fromstring  # type: ignore[import-untyped]

from qe_ban.items.errors import FileInvalid
from qe_ban.items.sheets.archive import PIECE, Archive, Part
from qe_ban.items.sheets.formats import ADVICE

SMALL_PART: Final = 8 << 20
MOST_SHARED_BYTES: Final = 192 << 20
MOST_SHARED: Final = 1_000_000
MOST_SHEETS: Final = 50
LONGEST_TEXT: Final = 32_767
"""In characters; no more goes into a cell in Excel."""
LONGEST_ESCAPED: Final = LONGEST_TEXT * len("_x000A_")
LONGEST_TOKEN: Final = 4 << 20
"""In bytes, of a tag or a comment: the parser looks at all of an unfinished one again with each piece."""

_WORKSHEET = "/worksheet"
# ECMA-376, 18.8.30: formats that a program knows without being told, of dates and times.
_DATES = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
_QUOTED = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.')
# ECMA-376, 22.9.2.19 (ST_Xstring)
_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet's name as people see it, and its entry in the archive; `hidden` also for very hidden ones."""

    title: str
    part: str
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Book:
    """A workbook: `shared` are the texts that cells name by number, `dates` the styles that make a number a date."""

    sheets: tuple[Sheet, ...]
    shared: list[str]
    dates: frozenset[int]
    since_1904: bool


def read(archive: Archive) -> Book:
    """Read all of a workbook but its rows. Raises FileInvalid."""
    root = _tree(archive, "_rels/.rels")
    main = next((_target("", node) for node in root if node.get("Type", "").endswith("/officeDocument")), "")
    folder = posixpath.dirname(main)
    relations = list(_tree(archive, f"{folder}/_rels/{posixpath.basename(main)}.rels".lstrip("/")))
    parts = {node.get("Id"): _target(folder, node) for node in relations if node.get("TargetMode") != "External"}
    kinds = {node.get("Type", "").rpartition("/")[2]: _target(folder, node) for node in relations}
    book = _tree(archive, main)
    worksheets = {node.get("Id") for node in relations if node.get("Type", "").endswith(_WORKSHEET)}
    sheets = tuple(
        Sheet(node.get("name", ""), parts[relation], node.get("state", "visible") != "visible")
        for node in book.iter()
        if _local(node) == "sheet" and (relation := _relation(node)) in worksheets and relation in parts
    )
    if not 0 < len(sheets) <= MOST_SHEETS:
        raise FileInvalid(f"XLSX 文件应有 1 至 {MOST_SHEETS} 个工作表；{ADVICE}")
    properties = next((node for node in book.iter() if _local(node) == "workbookPr"), None)
    return Book(
        sheets,
        list(_shared(archive, kinds["sharedStrings"])) if "sharedStrings" in kinds else [],
        _dates(_tree(archive, kinds["styles"])) if "styles" in kinds else frozenset(),
        properties is not None and properties.get("date1904") in ("1", "true", "on"),
    )


def parser(start: Any, end: Any, text: Any) -> expat.XMLParserType:
    """Give a streaming parser that takes no document type, and so no entities: neither bombs nor files of ours.

    It gives names as they are written, with their prefix: `local` takes that off.
    """
    made = expat.ParserCreate()
    made.buffer_text = True
    made.StartElementHandler, made.EndElementHandler, made.CharacterDataHandler = start, end, text
    made.StartDoctypeDeclHandler = _refuse
    return made


def local(name: str) -> str:
    """Give an element's name without its prefix: in these files no two vocabularies share one that matters."""
    return name.rpartition(":")[2]


def pieces(made: expat.XMLParserType, stream: Part) -> Iterator[None]:
    """Feed a stream to a parser, piece by piece. Raises FileInvalid."""
    fed = 0
    while piece := stream.read(PIECE):
        _feed(made, piece, last=False)
        fed += len(piece)
        if fed - made.CurrentByteIndex > LONGEST_TOKEN:
            raise FileInvalid(f"XLSX 文件含有过长的标记或注释；{ADVICE}")
        yield
    _feed(made, b"", last=True)
    yield


def is_too_long(text: str) -> bool:
    """Tell whether a text of the file is more than a cell may hold."""
    return len(text) > LONGEST_TEXT and (len(text) > LONGEST_ESCAPED or len(unescaped(text)) > LONGEST_TEXT)


def unescaped(text: str) -> str:
    """Give a text of the file as it is meant: `_x000A_` is a line feed."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def _feed(made: expat.XMLParserType, piece: bytes, *, last: bool) -> None:
    try:
        made.Parse(piece, last)
    except (expat.ExpatError, ValueError, LookupError) as error:
        # the latter two of an encoding that is none
        raise FileInvalid(_damaged()) from error


def _refuse(*_declared: object) -> None:
    raise FileInvalid(f"XLSX 文件含有不允许的 XML 声明；{ADVICE}")


def _damaged() -> str:
    return f"XLSX 文件的内容已损坏；{ADVICE}"


def _tree(archive: Archive, name: str) -> Element:
    try:
        tree: Element = fromstring(archive.read(name, SMALL_PART), forbid_dtd=True)
    except DefusedXmlException as error:
        raise FileInvalid(f"XLSX 文件含有不允许的 XML 声明；{ADVICE}") from error
    except (ParseError, ValueError, LookupError) as error:
        raise FileInvalid(_damaged()) from error
    return tree


def _target(folder: str, node: Element) -> str:
    target = unquote(node.get("Target", ""))
    return posixpath.normpath(target if target.startswith("/") else posixpath.join("/", folder, target)).lstrip("/")


def _local(node: Element) -> str:
    return str(node.tag).rpartition("}")[2]


def _relation(node: Element) -> str | None:
    return next((value for name, value in node.items() if name.endswith("}id")), None)


def _shared(archive: Archive, part: str) -> Iterator[str]:
    """Give the shared texts: what their runs say together, without the phonetic hints (ECMA-376, 18.4.8)."""
    if archive.has(part) and archive.seen[part].size > MOST_SHARED_BYTES:
        raise FileInvalid(f"XLSX 文件的文字总量过大，最多 {MOST_SHARED_BYTES >> 20} MiB；请分成几个文件")
    reading, count = _Texts(), 0
    with archive.open(part) as stream:
        for _ in pieces(parser(reading.start, reading.end, reading.text), stream):
            found, reading.found = reading.found, []
            count += len(found)
            if count > MOST_SHARED:
                raise FileInvalid(f"XLSX 文件的不同文字超过 {MOST_SHARED} 条；请分成几个文件")
            yield from found


class _Texts:
    """What the parser has seen of the shared text that it is in."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._said: list[str] = []
        self._length = 0
        self._takes = self._phonetic = False

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        known = local(name)
        if known == "si":
            self._said, self._length = [], 0
        elif known == "t":
            self._takes = not self._phonetic
        elif known == "rPh":
            self._phonetic = True

    def text(self, piece: str) -> None:
        if self._takes:
            self._said.append(piece)
            self._length += len(piece)
            if self._length > LONGEST_ESCAPED:
                raise FileInvalid(_too_long())

    def end(self, name: str) -> None:
        known = local(name)
        if known == "si":
            text = unescaped("".join(self._said))
            if len(text) > LONGEST_TEXT:
                raise FileInvalid(_too_long())
            self.found.append(text)
        elif known == "t":
            self._takes = False
        elif known == "rPh":
            self._phonetic = False


def _too_long() -> str:
    return f"XLSX 文件有过长的单元格，最多 {LONGEST_TEXT} 个字符；{ADVICE}"


def _dates(styles: Element) -> frozenset[int]:
    """Give the numbers of the cell styles that show a number as a date or a time."""
    own = {node.get("numFmtId"): node.get("formatCode", "") for node in styles.iter() if _local(node) == "numFmt"}
    dated = {f"{number}" for number in _DATES} - set(own)
    dated |= {number for number, code in own.items() if number and _is_date(code)}
    formats = next((node for node in styles if _local(node) == "cellXfs"), ())
    return frozenset(number for number, node in enumerate(formats) if node.get("numFmtId") in dated)


def _is_date(code: str) -> bool:
    shown = _QUOTED.sub("", code.split(";", maxsplit=1)[0]).casefold()
    return any(letter in shown for letter in "ymdhs") and "general" not in shown
