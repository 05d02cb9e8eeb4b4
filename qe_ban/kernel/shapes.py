"""Fields and tables of fields as data: wire shapes, sheets, checks and differences follow them; and their checks."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from qe_ban.kernel import patterns, texts

Severity = Literal["error", "warning"]

_DEPARTMENT = re.compile(patterns.USCC)
_DISTRICT = re.compile(patterns.DISTRICT)
_SLUG = re.compile(patterns.SLUG)
_MEDIA = re.compile(patterns.MEDIA)
_COLOUR = re.compile(patterns.COLOUR)
_ENTRY = re.compile(patterns.ENTRY)
_RFC3339 = re.compile(patterns.RFC3339)
_HOST = re.compile(r"(?=.{1,253}$)[^\W_](?:[\w.-]*[^\W_])?")
_LONGEST_NAME = 64
_NOT_IN_LINKS: Final = frozenset('\\"<>^`{|}')
"""Must be percent-encoded in an address (RFC 3986, 2): a careless page breaks on them."""


class Kind(StrEnum):
    """What a field holds, as JSON: in brackets what is not a string."""

    TEXT = "text"
    LINES = "lines"  # text of several lines
    LINK = "link"  # an http or https address
    WHOLE = "whole"  # a whole number from 0 (integer)
    FLAG = "flag"  # (true or false)
    CHOICE = "choice"  # one of the field's words
    CHOICES = "choices"  # some of them, each once (array)
    WORDS = "words"  # short texts, each once (array)
    DEPARTMENT = "department"  # a department's code
    DISTRICT = "district"  # a district's code (GB/T 2260); none is the city itself
    TOPICS = "topics"  # slugs of topics, each once (array)
    SLUG = "slug"  # what a thing is named by in addresses: small letters, digits, hyphens
    SLUGS = "slugs"  # some of them, each once (array)
    MOMENT = "moment"  # RFC 3339 with an offset
    DATE = "date"  # a day of the calendar: 2022-05-01
    MEDIA = "media"  # a picture, by the SHA-256 of its content: 64 hexadecimal digits
    RICH = "rich"  # text with a few tags of HTML
    COLOUR = "colour"  # #rrggbb
    ENTRY = "entry"  # a service item's basic or implementation code


LABELLED: Final = (Kind.CHOICE, Kind.CHOICES, Kind.DEPARTMENT, Kind.DISTRICT, Kind.TOPICS)
"""What holds words or codes, which people know by a name."""
MANY: Final = (Kind.CHOICES, Kind.TOPICS, Kind.WORDS, Kind.SLUGS)


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `heading` is what people read; `max`: characters of a text or word, or the greatest number.

    `most`: how many words or choices at most. `choices`: what a choice is called, by its word in JSON. `refers`: what
    sort of thing a slug names. `vocabulary`: what the choices are called in the API document, where another field of
    this name has others.
    """

    name: str
    heading: str
    kind: Kind = Kind.TEXT
    max: int = 200
    most: int = 20
    required: bool = False
    choices: Mapping[str, str] = field(default_factory=dict)
    hint: str = ""
    refers: str = ""
    vocabulary: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows that belong to a thing: `key` names the field by which two versions of a row are recognised."""

    name: str
    heading: str
    key: str
    most: int
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at a place (`promised_days`, `materials.0.name`), in Chinese; a warning hinders nothing.

    `code` says to programs of which sort a warning is.
    """

    place: str
    message: str
    severity: Severity = "error"
    code: str = "noticed"


def told(value: object) -> bool:
    """Tell whether a value says anything: null, an empty text and an empty list do not."""
    return value is not None and value not in ("", [])


def unknown_faults(names: Collection[str], row: Mapping[str, Any], prefix: str = "") -> Iterator[Fault]:
    """Find the names of a row that are none of these."""
    for name in row:
        if name not in names:
            yield Fault(prefix + str(name)[:_LONGEST_NAME], "未知的字段")


def row_faults(fields: Sequence[Field], row: Mapping[str, Any], prefix: str = "") -> Iterator[Fault]:
    """Find what is wrong with a row's fields, whatever they hold; unknown ones are not looked for."""
    for one in fields:
        value = row.get(one.name)
        if told(value):
            for message, severity in _CHECKS[one.kind](one, value):
                yield Fault(prefix + one.name, message, severity)
        elif one.required:
            yield Fault(prefix + one.name, "此项必填")


def table_faults(table: Table, rows: object, prefix: str = "") -> Iterator[Fault]:
    """Find what is wrong with a table, whatever it is; the place of a fault begins with `prefix`."""
    place = prefix + table.name
    if not told(rows):
        return
    if not isinstance(rows, list):
        yield Fault(place, "须为列表")
        return
    if len(rows) > table.most:
        yield Fault(place, f"{table.heading}最多 {table.most} 项，现有 {len(rows)} 项")
        return
    names = {one.name for one in table.fields}
    seen: set[str] = set()
    for number, row in enumerate(rows):
        if not isinstance(row, Mapping):
            yield Fault(f"{place}.{number}", "须为 JSON 对象")
            continue
        yield from unknown_faults(names, row, f"{place}.{number}.")
        yield from row_faults(table.fields, row, f"{place}.{number}.")
        key = row.get(table.key)
        if isinstance(key, str) and key:
            if key in seen:
                yield Fault(f"{place}.{number}.{table.key}", "与前面的一项重复", "warning")
            seen.add(key)


def rows_by_key(table: Table, rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, int], Mapping[str, Any]]:
    """Return each row by its key, and by how often that key came before."""
    seen: Counter[str] = Counter()
    named = {}
    for row in rows:
        key = row[table.key]
        named[key, seen[key]] = row
        seen[key] += 1
    return named


Found = Iterator[tuple[str, Severity]]


def _text(field: Field, value: object, forbidden: re.Pattern[str] = texts.FORBIDDEN) -> Found:
    if type(value) is not str:
        yield "须为文本", "error"
    elif len(value) > field.max:
        yield f"最多 {field.max} 个字符，现有 {len(value)} 个", "error"
    elif forbidden.search(value):
        yield "含有不允许的字符", "error"
    elif texts.is_blank(value):
        yield "不能只有空白", "error"


def _lines(field: Field, value: object) -> Found:
    return _text(field, value, texts.FORBIDDEN_IN_LINES)


def _link(field: Field, value: object) -> Found:
    wrong = list(_text(field, value))
    yield from wrong
    if not wrong and not is_link(str(value)):
        yield "须为完整网址（如 https://www.qingdao.gov.cn/），不含空格、引号、尖括号和用户名", "error"


def is_link(text: str) -> bool:
    """Tell whether a text is an http or https address with a host and without credentials, spaces or quotes."""
    if texts.FORBIDDEN.search(text) or any(char.isspace() or char in _NOT_IN_LINKS for char in text):
        return False
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    host = parts.hostname or ""
    named = _HOST.fullmatch(host) is not None or ("[" in parts.netloc and ":" in host)
    return parts.scheme in ("http", "https") and named and "@" not in parts.netloc and port != 0


def _whole(field: Field, value: object) -> Found:
    if type(value) is not int:
        yield "须为整数", "error"
    elif not 0 <= value <= field.max:
        yield f"须在 0 至 {field.max} 之间", "error"


def _flag(_field: Field, value: object) -> Found:
    if type(value) is not bool:
        yield "须为 true 或 false", "error"


def _choice(field: Field, value: object) -> Found:
    if type(value) is not str or value not in field.choices:
        yield "不在可选范围内", "error"


def _shaped(pattern: re.Pattern[str], message: str) -> Callable[[Field, object], Found]:
    def check(_field: Field, value: object) -> Found:
        if type(value) is not str or not pattern.fullmatch(value):
            yield message, "error"

    return check


def _moment(_field: Field, value: object) -> Found:
    if moment_of(value) is None:
        yield "须为带时区的时间（RFC 3339）", "error"


def _date(_field: Field, value: object) -> Found:
    if not is_date(value):
        yield "须为日期，如 2022-05-01", "error"


def is_date(value: object) -> bool:
    """Return whether a value is a day of the calendar, written as `2022-05-01`."""
    try:
        return type(value) is str and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def moment_of(value: object) -> datetime | None:
    """Read a moment as RFC 3339 with an offset writes it, in UTC; None for everything else."""
    if type(value) is not str or not _RFC3339.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _each(check: Callable[[Field, object], Found]) -> Callable[[Field, object], Found]:
    def check_all(field: Field, value: object) -> Found:
        if type(value) is not list:
            yield "须为列表", "error"
            return
        if len(value) > field.most:
            yield f"最多 {field.most} 项，现有 {len(value)} 项", "error"
            return
        for number, word in enumerate(value, 1):
            if not told(word):
                yield f"第 {number} 项不能为空", "error"
                continue
            for message, severity in check(field, word):
                yield f"第 {number} 项：{message}", severity
        if len({repr(word) for word in value}) < len(value):
            yield "有重复的项", "warning"

    return check_all


_CHECKS: Final[Mapping[Kind, Callable[[Field, object], Found]]] = {
    Kind.TEXT: _text,
    Kind.LINES: _lines,
    Kind.LINK: _link,
    Kind.WHOLE: _whole,
    Kind.FLAG: _flag,
    Kind.CHOICE: _choice,
    Kind.CHOICES: _each(_choice),
    Kind.WORDS: _each(_text),
    Kind.DEPARTMENT: _shaped(_DEPARTMENT, "须为18位统一社会信用代码"),
    Kind.DISTRICT: _shaped(_DISTRICT, "须为6位区划代码"),
    Kind.TOPICS: _each(_shaped(_SLUG, "主题代号格式不正确")),
    Kind.SLUG: _shaped(_SLUG, "须为1至40个小写字母、数字和连字符组成的代号"),
    Kind.SLUGS: _each(_shaped(_SLUG, "须为1至40个小写字母、数字和连字符组成的代号")),
    Kind.MOMENT: _moment,
    Kind.DATE: _date,
    Kind.MEDIA: _shaped(_MEDIA, "须为已上传图片的编号（64位十六进制数）"),
    Kind.RICH: _lines,
    Kind.COLOUR: _shaped(_COLOUR, "须为 #rrggbb 形式的颜色，小写"),
    Kind.ENTRY: _shaped(_ENTRY, "须为事项的基本编码或实施编码"),
}
