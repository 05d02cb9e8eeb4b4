"""What an XLSX file says of its sheets: their names and places, the texts they share, which numbers are dates."""

import posixpath
import re
from collections.abc import Iterator, Sequence
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

_OFFICE_DOCUMENT = "/officeDocument"
_WORKSHEET = "/worksheet"
# ECMA-376, 18.8.30: formats of dates and times that every program knows.
_DATES = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
_LITERALS = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.')
# ECMA-376, 22.9.2.19 (ST_Xstring)
_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet's name as people see it, and its entry in the archive; `is_hidden` also for very hidden ones."""

    title: str
    part: str
    is_hidden: bool = False


@dataclass(frozen=True, slots=True)
class Book:
    """A workbook: `shared_texts` are those that cells name by number, `dates` the styles that make a number a date."""

    sheets: tuple[Sheet, ...]
    shared_texts: list[str]
    dates: frozenset[int]
    since_1904: bool


@dataclass(frozen=True, slots=True)
class _Relation:
    """A line of a part's relationships (OPC): which part it names, and as what."""

    id: str | None
    type: str
    part: str
    is_external: bool

    @property
    def kind(self) -> str:
        """The last word of the type: `worksheet`, `styles`."""
        return self.type.rpartition("/")[2]


def read(archive: Archive) -> Book:
    """Read all of a workbook but its rows. Raises FileInvalid."""
    main = next((one.part for one in _relations(archive, "") if one.type.endswith(_OFFICE_DOCUMENT)), "")
    relations = _relations(archive, main)
    workbook = _tree(archive, main)
    sheets = _sheets(workbook, relations)
    if not 0 < len(sheets) <= MOST_SHEETS:
        raise FileInvalid(f"XLSX 文件应有 1 至 {MOST_SHEETS} 个工作表；{ADVICE}")
    parts = {relation.kind: relation.part for relation in relations}
    return Book(
        sheets,
        list(_shared_texts(archive, parts["sharedStrings"])) if "sharedStrings" in parts else [],
        _dates(_tree(archive, parts["styles"])) if "styles" in parts else frozenset(),
        _is_since_1904(workbook),
    )


def _relations(archive: Archive, part: str) -> list[_Relation]:
    """Return the relationships of a part, or of the whole file. Raises FileInvalid."""
    folder, name = posixpath.split(part)
    return [
        _Relation(node.get("Id"), node.get("Type", ""), _target(folder, node), node.get("TargetMode") == "External")
        for node in _tree(archive, posixpath.join(folder, f"_rels/{name}.rels").lstrip("/"))
    ]


def _sheets(workbook: Element, relations: Sequence[_Relation]) -> tuple[Sheet, ...]:
    parts = {relation.id: relation.part for relation in relations if not relation.is_external}
    worksheets = {relation.id for relation in relations if relation.type.endswith(_WORKSHEET)} & parts.keys()
    return tuple(
        Sheet(node.get("name", ""), parts[relation_id], node.get("state", "visible") != "visible")
        for node in _elements(workbook, "sheet")
        if (relation_id := _relation_id(node)) in worksheets
    )


def _is_since_1904(workbook: Element) -> bool:
    properties = next(_elements(workbook, "workbookPr"), None)
    return properties is not None and properties.get("date1904") in ("1", "true", "on")


def make_parser(start: Any, end: Any, text: Any) -> expat.XMLParserType:
    """Return a streaming parser that takes no document type, and so no entities: neither bombs nor files of ours.

    It gives names as they are written, with their prefix: `local` takes that off.
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    parser.StartDoctypeDeclHandler = _refuse
    return parser


def local(name: str) -> str:
    """Return an element's name without its prefix: in these files no two vocabularies share one that matters."""
    return name.rpartition(":")[2]


def feed(parser: expat.XMLParserType, stream: Part) -> Iterator[None]:
    """Feed a stream to a parser, and yield after each piece of it. Raises FileInvalid."""
    fed_bytes = 0
    while piece := stream.read(PIECE):
        _parse(parser, piece, last=False)
        fed_bytes += len(piece)
        if fed_bytes - parser.CurrentByteIndex > LONGEST_TOKEN:
            raise FileInvalid(f"XLSX 文件含有过长的标记或注释；{ADVICE}")
        yield
    _parse(parser, b"", last=True)
    yield


def is_too_long(text: str) -> bool:
    """Return whether a text of the file is more than a cell may hold."""
    return len(text) > LONGEST_TEXT and (len(text) > LONGEST_ESCAPED or len(unescape(text)) > LONGEST_TEXT)


def unescape(text: str) -> str:
    """Return a text of the file as it is meant: `_x000A_` is a line feed."""
    return _ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), text) if "_x" in text else text


def _parse(parser: expat.XMLParserType, piece: bytes, *, last: bool) -> None:
    try:
        parser.Parse(piece, last)
    except (expat.ExpatError, ValueError, LookupError) as error:
        # the latter two of an encoding that is none
        raise FileInvalid(_damage()) from error


def _refuse(*_declaration: object) -> None:
    raise FileInvalid(f"XLSX 文件含有不允许的 XML 声明；{ADVICE}")


def _damage() -> str:
    return f"XLSX 文件的内容已损坏；{ADVICE}"


def _tree(archive: Archive, name: str) -> Element:
    try:
        tree: Element = fromstring(archive.read(name, SMALL_PART), forbid_dtd=True)
    except DefusedXmlException as error:
        raise FileInvalid(f"XLSX 文件含有不允许的 XML 声明；{ADVICE}") from error
    except (ParseError, ValueError, LookupError) as error:
        raise FileInvalid(_damage()) from error
    return tree


def _target(folder: str, node: Element) -> str:
    target = unquote(node.get("Target", ""))
    return posixpath.normpath(target if target.startswith("/") else posixpath.join("/", folder, target)).lstrip("/")


def _local(node: Element) -> str:
    return str(node.tag).rpartition("}")[2]


def _elements(tree: Element, name: str) -> Iterator[Element]:
    return (node for node in tree.iter() if _local(node) == name)


def _relation_id(node: Element) -> str | None:
    return next((value for name, value in node.items() if name.endswith("}id")), None)


def _shared_texts(archive: Archive, part: str) -> Iterator[str]:
    """Yield the shared texts: what their runs say together, without the phonetic hints (ECMA-376, 18.4.8)."""
    if archive.has(part) and archive.measures[part].size > MOST_SHARED_BYTES:
        raise FileInvalid(f"XLSX 文件的文字总量过大，最多 {MOST_SHARED_BYTES >> 20} MiB；请分成几个文件")
    reading, count = _Texts(), 0
    with archive.open(part) as stream:
        for _ in feed(make_parser(reading.start, reading.end, reading.text), stream):
            texts, reading.texts = reading.texts, []
            count += len(texts)
            if count > MOST_SHARED:
                raise FileInvalid(f"XLSX 文件的不同文字超过 {MOST_SHARED} 条；请分成几个文件")
            yield from texts


class _Texts:
    """The shared texts that the parser has finished, and the one that it is in."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._pieces: list[str] = []
        self._length = 0
        self._is_in_text = self._is_in_hint = False

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        local_name = local(name)
        if local_name == "si":
            self._pieces, self._length = [], 0
        elif local_name == "t":
            self._is_in_text = not self._is_in_hint
        elif local_name == "rPh":
            self._is_in_hint = True

    def text(self, piece: str) -> None:
        if self._is_in_text:
            self._pieces.append(piece)
            self._length += len(piece)
            if self._length > LONGEST_ESCAPED:
                raise FileInvalid(_too_long())

    def end(self, name: str) -> None:
        local_name = local(name)
        if local_name == "si":
            text = unescape("".join(self._pieces))
            if len(text) > LONGEST_TEXT:
                raise FileInvalid(_too_long())
            self.texts.append(text)
        elif local_name == "t":
            self._is_in_text = False
        elif local_name == "rPh":
            self._is_in_hint = False


def _too_long() -> str:
    return f"XLSX 文件有过长的单元格，最多 {LONGEST_TEXT} 个字符；{ADVICE}"


def _dates(styles: Element) -> frozenset[int]:
    """Return the numbers of the cell styles that show a number as a date or a time."""
    own = {node.get("numFmtId"): node.get("formatCode", "") for node in _elements(styles, "numFmt")}
    date_formats = {f"{number}" for number in _DATES} - set(own)
    date_formats |= {number for number, code in own.items() if number and _is_date(code)}
    formats = next((node for node in styles if _local(node) == "cellXfs"), ())
    return frozenset(number for number, node in enumerate(formats) if node.get("numFmtId") in date_formats)


def _is_date(code: str) -> bool:
    letters = _LITERALS.sub("", code.split(";", maxsplit=1)[0]).casefold()
    return any(letter in letters for letter in "ymdhs") and "general" not in letters
