"""The types of fields, each once: what is checked, sent, described and written in a cell follows from its object."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from enum import Enum
from typing import Final, Literal
from urllib.parse import SplitResult, urlsplit

from qe_ban.kernel import patterns, texts

Severity = Literal["error", "warning"]
Findings = Iterator[tuple[str, Severity]]
Check = Callable[["Field", object], Findings]
"""Yields what is wrong with a value that says something: a Chinese sentence, and how grave it is."""

_RFC3339 = re.compile(patterns.RFC3339)
_HOST = re.compile(r"(?=.{1,253}$)[^\W_](?:[\w.-]*[^\W_])?")
_NOT_IN_LINKS: Final = frozenset('\\"<>^`{|}')
"""Must be percent-encoded in an address (RFC 3986, 2): a careless page breaks on them."""


class Spelling(Enum):
    """How a person writes a word or a code in a cell of a sheet."""

    AS_IS = "as it is"
    CAPITALS = "as it is, in letters of any case"
    CHOICE = "by the name that the field has for it"
    DISTRICT = "by the name of the district"
    TOPIC = "by the name of the topic"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class FieldType:
    """One type of field. `name` is for messages of programs; `check` judges a value that says something.

    `json_type`: the type in JSON, of a list that of its words. `format`: what JSON Schema calls it, where that says
    more than a pattern. `pattern` and `lengths`: of a text of a fixed form; without lengths, from 1 to the field's
    `max`. `description`: what the API document adds. `refers`: what sort of thing a value of this type always names.
    """

    name: str
    check: Check
    json_type: Literal["string", "integer", "boolean"] = "string"
    format: Literal["date-time"] | None = None
    pattern: str | None = None
    lengths: tuple[int, int] | None = None
    description: str = ""
    refers: str = ""
    spelling: Spelling = Spelling.AS_IS
    is_list: bool = False  # each word once
    is_choice: bool = False  # of the field's words
    has_lines: bool = False  # line feeds may stand in it
    has_labels: bool = False  # words or codes, which people know by a name


def _text(field: "Field", value: object, forbidden: re.Pattern[str] = texts.FORBIDDEN) -> Findings:
    if type(value) is not str:
        yield "须为文本", "error"
    elif len(value) > field.max:
        yield f"最多 {field.max} 个字符，现有 {len(value)} 个", "error"
    elif forbidden.search(value):
        yield "含有不允许的字符", "error"
    elif texts.is_blank(value):
        yield "不能只有空白", "error"


def _lines(field: "Field", value: object) -> Findings:
    return _text(field, value, texts.FORBIDDEN_IN_LINES)


def _link(field: "Field", value: object) -> Findings:
    faults = list(_text(field, value))
    yield from faults
    if not faults and not is_link(str(value)):
        yield "须为完整网址（如 https://www.qingdao.gov.cn/），不含空格、引号、尖括号和用户名", "error"


def is_link(text: str) -> bool:
    """Return whether a text is an http or https address with a host and without credentials, spaces or quotes."""
    if texts.FORBIDDEN.search(text) or any(char.isspace() or char in _NOT_IN_LINKS for char in text):
        return False
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and _has_host(parts) and "@" not in parts.netloc and port != 0


def _has_host(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    return _HOST.fullmatch(host) is not None or ("[" in parts.netloc and ":" in host)


def _whole(field: "Field", value: object) -> Findings:
    if type(value) is not int:
        yield "须为整数", "error"
    elif not 0 <= value <= field.max:
        yield f"须在 0 至 {field.max} 之间", "error"


def _flag(_field: "Field", value: object) -> Findings:
    if type(value) is not bool:
        yield "须为 true 或 false", "error"


def _choice(field: "Field", value: object) -> Findings:
    if type(value) is not str or value not in field.choices:
        yield "不在可选范围内", "error"


def _moment(_field: "Field", value: object) -> Findings:
    if moment_of(value) is None:
        yield "须为带时区的时间（RFC 3339）", "error"


def _date(_field: "Field", value: object) -> Findings:
    if not is_date(value):
        yield "须为日期，如 2022-05-01", "error"


def is_date(value: object) -> bool:
    """Return whether a value is a day of the calendar, written as `2022-05-01`."""
    try:
        return type(value) is str and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def moment_of(value: object) -> datetime | None:
    """Return the moment that a text in RFC 3339 with an offset names, in UTC; None for everything else."""
    if type(value) is not str or not _RFC3339.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def has_value(value: object) -> bool:
    """Return whether a value says anything: null, an empty text and an empty list do not."""
    return value is not None and value not in ("", [])


def _form(pattern: str, message: str) -> Check:
    regex = re.compile(pattern)

    def check(_field: "Field", value: object) -> Findings:
        if type(value) is not str or not regex.fullmatch(value):
            yield message, "error"

    return check


def _each(check: Check) -> Check:
    def check_all(field: "Field", value: object) -> Findings:
        if type(value) is not list:
            yield "须为列表", "error"
            return
        if len(value) > field.most:
            yield f"最多 {field.most} 项，现有 {len(value)} 项", "error"
            return
        for number, word in enumerate(value, 1):
            if not has_value(word):
                yield f"第 {number} 项不能为空", "error"
                continue
            for message, severity in check(field, word):
                yield f"第 {number} 项：{message}", severity
        if len({repr(word) for word in value}) < len(value):
            yield "有重复的项", "warning"

    return check_all


def _text_type(name: str, pattern: str, lengths: tuple[int, int] | None, message: str) -> FieldType:
    """Return the type of texts of a fixed form; `message` says to people what the form is."""
    return FieldType(name=name, check=_form(pattern, message), pattern=pattern, lengths=lengths)


def _list_of(name: str, word: FieldType) -> FieldType:
    """Return the type of lists of words of another type."""
    return replace(word, name=name, check=_each(word.check), is_list=True)


_SLUG_FORM = "须为1至40个小写字母、数字和连字符组成的代号"
# in lists a slug is as long as the field says, and the pattern as long as it allows
_TOPIC = replace(
    _text_type("topic", patterns.SLUG, None, "主题代号格式不正确"), spelling=Spelling.TOPIC, has_labels=True
)

TEXT: Final = FieldType(name="text", check=_text)
LINES: Final = FieldType(name="lines", check=_lines, has_lines=True)
LINK: Final = FieldType(name="link", check=_link, description="http 或 https 网址，不含用户名")
WHOLE: Final = FieldType(name="whole", check=_whole, json_type="integer")
"""A whole number from 0."""
FLAG: Final = FieldType(name="flag", check=_flag, json_type="boolean")
CHOICE: Final = FieldType(name="choice", check=_choice, spelling=Spelling.CHOICE, is_choice=True, has_labels=True)
CHOICES: Final = _list_of("choices", CHOICE)
WORDS: Final = _list_of("words", TEXT)
DEPARTMENT: Final = replace(
    _text_type("department", patterns.USCC, (18, 18), "须为18位统一社会信用代码"),
    spelling=Spelling.CAPITALS,
    has_labels=True,
)
DISTRICT: Final = replace(
    _text_type("district", patterns.DISTRICT, (6, 6), "须为6位区划代码"), spelling=Spelling.DISTRICT, has_labels=True
)
"""A district's code (GB/T 2260); none is the city itself."""
TOPICS: Final = _list_of("topics", _TOPIC)
SLUG: Final = _text_type("slug", patterns.SLUG, (1, 40), _SLUG_FORM)
SLUGS: Final = _list_of("slugs", replace(SLUG, lengths=None))
MOMENT: Final = FieldType(name="moment", check=_moment, format="date-time")
DATE: Final = FieldType(name="date", check=_date, pattern=patterns.DATE, lengths=(10, 10))
MEDIA: Final = replace(
    _text_type("media", patterns.MEDIA, (64, 64), "须为已上传图片的编号（64位十六进制数）"), refers="media"
)
RICH: Final = FieldType(name="rich", check=_lines, has_lines=True)
"""Text with a few tags of HTML."""
COLOUR: Final = _text_type("colour", patterns.COLOUR, (7, 7), "须为 #rrggbb 形式的颜色，小写")
ENTRY: Final = replace(_text_type("entry", patterns.ENTRY, (12, 33), "须为事项的基本编码或实施编码"), refers="item")

FIELD_TYPES: Final = (
    TEXT, LINES, LINK, WHOLE, FLAG, CHOICE, CHOICES, WORDS, DEPARTMENT, DISTRICT, TOPICS, SLUG, SLUGS, MOMENT, DATE,
    MEDIA, RICH, COLOUR, ENTRY,
)  # fmt: skip
"""All there are."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `heading` is what people read; `max`: characters of a text or word, or the greatest number.

    `most`: how many words or choices at most. `choices`: what a choice is called, by its word in JSON. `refers`: what
    sort of thing a slug names. `vocabulary`: what the choices are called in the API document, where another field of
    this name has others.
    """

    name: str
    heading: str
    type: FieldType = TEXT
    max: int = 200
    most: int = 20
    required: bool = False
    choices: Mapping[str, str] = field(default_factory=dict)
    hint: str = ""
    refers: str = ""
    vocabulary: str = ""
