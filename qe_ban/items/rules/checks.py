"""Says what is wrong with an item's content: types, lengths and choices by the table of fields, and how they agree."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from qe_ban.items.rules.fields import ITEM, TABLES, Field, Kind, Table
from qe_ban.kernel import texts

Severity = Literal["error", "warning"]

_DEPARTMENT = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}")
_DISTRICT = re.compile(r"[0-9]{6}")
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_HOST = re.compile(r"(?=.{1,253}$)[^\W_](?:[\w.-]*[^\W_])?")
_NAMES: Final = frozenset(field.name for field in ITEM) | {table.name for table in TABLES}
_LONGEST_NAME = 64
_NOT_IN_LINKS: Final = frozenset('\\"<>^`{|}')
"""Must be percent-encoded in an address (RFC 3986, 2): a careless page breaks on them."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at a place (`promised_days`, `materials.0.name`), in Chinese; a warning hinders nothing."""

    place: str
    message: str
    severity: Severity = "error"


def faults(content: Mapping[str, Any]) -> list[Fault]:
    """Give everything that is wrong with a content, whatever it holds: nothing of it need have the right type.

    Null, an empty text and an empty list are not told, as if left out. Whether departments, districts and topics exist
    is not looked at.
    """
    found = [Fault(str(name)[:_LONGEST_NAME], "未知的字段") for name in content if name not in _NAMES]
    found.extend(_row_faults(ITEM, content, ""))
    for table in TABLES:
        found.extend(_table_faults(table, content.get(table.name)))
    return found + list(_disagreements(content))


def told(value: object) -> bool:
    """Tell whether a value says anything: null, an empty text and an empty list do not."""
    return value is not None and value not in ("", [])


def _row_faults(fields: tuple[Field, ...], row: Mapping[str, Any], prefix: str) -> Iterator[Fault]:
    for field in fields:
        value = row.get(field.name)
        if told(value):
            for message, severity in _CHECKS[field.kind](field, value):
                yield Fault(prefix + field.name, message, severity)
        elif field.required:
            yield Fault(prefix + field.name, "此项必填")


def _table_faults(table: Table, rows: object) -> Iterator[Fault]:
    if not told(rows):
        return
    if not isinstance(rows, list):
        yield Fault(table.name, "须为列表")
        return
    if len(rows) > table.most:
        yield Fault(table.name, f"{table.heading}最多 {table.most} 项，现有 {len(rows)} 项")
        return
    names = {field.name for field in table.fields}
    seen: set[str] = set()
    for number, row in enumerate(rows):
        prefix = f"{table.name}.{number}."
        if not isinstance(row, Mapping):
            yield Fault(prefix[:-1], "须为 JSON 对象")
            continue
        for name in row:
            if name not in names:
                yield Fault(prefix + str(name)[:_LONGEST_NAME], "未知的字段")
        yield from _row_faults(table.fields, row, prefix)
        key = row.get(table.key)
        if isinstance(key, str) and key:
            if key in seen:
                yield Fault(prefix + table.key, "与前面的一项重复", "warning")
            seen.add(key)


def _disagreements(content: Mapping[str, Any]) -> Iterator[Fault]:
    """Compare fields with each other; what has not even the right type was named already."""
    days: dict[str, int] = {}
    for name in ("statutory", "promised"):
        amount, unit = content.get(f"{name}_days"), content.get(f"{name}_unit")
        if told(amount) and not told(unit):
            yield Fault(f"{name}_unit", "填写了时限，须同时填写单位")
        elif told(unit) and not told(amount):
            yield Fault(f"{name}_days", "填写了单位，须同时填写时限")
        elif type(amount) is int:
            days[name] = amount
    same_unit = content.get("statutory_unit") == content.get("promised_unit")
    if len(days) == 2 and same_unit and days["promised"] > days["statutory"]:
        yield Fault("promised_days", "承诺办结时限不得长于法定办结时限")
    has_fees = told(content.get("fees"))
    if content.get("charged") is False and has_fees:
        yield Fault("fees", "不收费的事项不应有收费项目")
    if content.get("charged") is True and not has_fees:
        yield Fault("charged", "收费的事项尚未填写收费项目", "warning")


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
        yield "须为 http 或 https 开头的完整网址，不含空格、引号、尖括号和用户名", "error"


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
}
