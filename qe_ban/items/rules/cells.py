"""A sheet's cell to the value of a field and back: Chinese names for choices, and a clear sentence for each fault."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from qe_ban.items.rules import spelling
from qe_ban.items.rules.names import Names, fold
from qe_ban.kernel import texts
from qe_ban.kernel.clock import CITY_TIME
from qe_ban.kernel.field_types import Field, Spelling

AS_TEXT: Final = "请将此列设为“文本”格式后重新填写"
_SHOWN = 40
_REMEMBERED = 200
_YES, _NO = "是", "否"

# 5.0 is 5; a number of more than fifteen digits is no longer what was typed.
_WHOLE = re.compile(r"([0-9]{1,15})(?:\.0*)?", re.ASCII)
_MOMENT = re.compile(
    r"([0-9]{4})(?:[-/.]|年)([0-9]{1,2})(?:[-/.]|月)([0-9]{1,2})日?"
    r"(?:[ T]*([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,6}))?)?)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Number:
    """A cell that holds a number; `text` as it stands in the file (`1.1E+30`)."""

    text: str


@dataclass(frozen=True, slots=True)
class Formula:
    """A cell that holds a formula: what it last came to is not to be trusted."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A cell that holds an error (`#N/A`), or, with a reason, a number that is not the date it claims to be."""

    text: str
    reason: str = ""


Raw = str | Number | bool | datetime | Formula | Broken
"""What a cell may hold: an empty one is "", a date is the city's time without a zone."""

EMPTY: Final = ""


class CellFault(Exception):
    """What a cell holds is not what its column wants; the message is a Chinese sentence."""


Reader = Callable[[Raw], Any]
"""Gives a field's value of a cell, None for an empty one. Raises CellFault."""


def reader(column: Field, names: Names) -> Reader:
    """Return what reads the cells of a column."""
    of = column.type
    if of.json_type == "integer":
        return lambda raw: _whole(raw, column)
    if of.json_type == "boolean":
        return _flag
    if of.spelling is Spelling.DISTRICT:
        return lambda raw: _district(raw, names)
    if of.is_list and of.spelling is Spelling.AS_IS:
        return _remembering(_words)
    if of.spelling is Spelling.AS_IS:
        return lambda raw: _text(raw, lines=of.has_lines)
    meaning = _meaning(column, names)
    return _remembering(lambda text: _several(text, meaning)) if of.is_list else _remembering(meaning)


def _meaning(column: Field, names: Names) -> Callable[[str], str]:
    """Return what gives the word or code for what people write for it. Raises CellFault."""
    if column.type.spelling is Spelling.CAPITALS:
        return str.upper
    if column.type.spelling is Spelling.TOPIC:
        return lambda text: _topic(text, names)
    choices = {fold(label): word for word, label in column.choices.items()}
    return lambda text: _chosen(text, choices, column)


def write(column: Field, value: Any, names: Names, *, formulas: bool) -> str | int:
    """Return a field's value as a cell holds it; `formulas`: guard against a program that would compute it (CSV)."""
    if column.type.json_type == "integer":
        return int(value)
    if column.type.json_type == "boolean":
        return _YES if value else _NO
    if column.type.is_list:
        text = spelling.joined(_written(column, word, names) for word in value)
    else:
        text = _written(column, value, names)
    return spelling.written(text, formulas=formulas)


def _written(column: Field, word: str, names: Names) -> str:
    match column.type.spelling:
        case Spelling.CHOICE:
            return column.choices[word]
        case Spelling.DISTRICT:
            return names.district_called(word)
        case Spelling.TOPIC:
            return names.topic_called(word)
    return word


def code(raw: Raw) -> str | None:
    """Give the text of a cell that holds a code, in capitals; None for an empty one. Raises CellFault."""
    text = _text(raw, lines=False)
    return None if text is None else text.upper()


def moment(raw: Raw) -> datetime | None:
    """Give an aware moment of a cell that says the city's time; None for an empty one. Raises CellFault."""
    if isinstance(raw, datetime):
        return raw.replace(tzinfo=CITY_TIME)
    if isinstance(raw, Number):
        raise CellFault(f"单元格是数字 {_cut(raw.text)}，不是日期；请设为日期格式，或以文本填写，如 2026-12-01 08:00")
    text = _text(raw, lines=False)
    if text is None:
        return None
    found = _MOMENT.fullmatch(unicodedata.normalize("NFKC", text))
    fault = CellFault(f"“{_cut(text)}”不是有效的时间，应形如 2026-12-01 08:00")
    if found is None:
        raise fault
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    try:
        return datetime(year, month, day, hour, minute, second, int((found[7] or "").ljust(6, "0")), CITY_TIME)
    except ValueError:
        raise fault from None


def write_moment(value: datetime) -> str:
    """Give an aware moment as the city's time, no finer than it is."""
    local = value.astimezone(CITY_TIME)
    fine = "microseconds" if local.microsecond else "seconds" if local.second else "minutes"
    return local.replace(tzinfo=None).isoformat(" ", fine)


def is_empty(raw: Raw) -> bool:
    """Tell whether a cell holds nothing but space."""
    return isinstance(raw, str) and (not raw or raw.isspace())


def shown(raw: Raw) -> str:
    """Give what a cell holds as people see it, cut to a few words."""
    if isinstance(raw, datetime):
        return write_moment(raw.replace(tzinfo=CITY_TIME))
    if isinstance(raw, bool):
        return "TRUE" if raw else "FALSE"
    return "公式" if isinstance(raw, Formula) else _cut(raw if isinstance(raw, str) else raw.text)


def _text(raw: Raw, *, lines: bool) -> str | None:
    if not isinstance(raw, str):
        raise CellFault(_not_text(raw))
    if spelling.is_ruined(raw):
        raise CellFault(f"“{_cut(raw.strip())}”是被表格软件改写的内容（科学计数法或错误值），原内容已经丢失；{AS_TEXT}")
    text = spelling.read(raw)
    if texts.FORBIDDEN_IN_LINES.search(text):
        raise CellFault("含有不可见的控制字符，请删除后重新填写")
    if not lines and "\n" in text:
        raise CellFault("此列不能换行")
    return text or None


def _not_text(raw: Raw) -> str:
    match raw:
        case Formula():
            return "单元格是公式，须填写具体内容；可复制后“选择性粘贴”为数值"
        case Broken(text, reason) if reason:
            return f"单元格是日期格式的数字 {_cut(text)}，{reason}；请填写完整的日期，如 2026-12-01 08:00"
        case Broken(text):
            return f"单元格是错误值 {_cut(text)}，须填写具体内容"
        case Number(text):
            return f"单元格是数字 {_cut(text)}，须为文本格式：数字会丢失开头的零和第15位以后的数位；{AS_TEXT}"
        case bool():
            return f"单元格是逻辑值 {shown(raw)}，须为文本格式；{AS_TEXT}"
    return f"单元格是日期 {shown(raw)}，须为文本格式；{AS_TEXT}"


def _whole(raw: Raw, column: Field) -> int | None:
    if isinstance(raw, Number):
        text = raw.text
    else:
        said = _text(raw, lines=False)
        if said is None:
            return None
        text = unicodedata.normalize("NFKC", said)
    found = _WHOLE.fullmatch(text)
    if found is None:
        raise CellFault(f"“{_cut(text)}”不是整数，须为 0 至 {column.max} 的整数")
    return int(found[1])


def _flag(raw: Raw) -> bool | None:
    if isinstance(raw, bool):
        return raw
    text = _text(raw, lines=False)
    if text is None:
        return None
    if text not in (_YES, _NO):
        raise CellFault(f"“{_cut(text)}”不在可选范围内，须为“{_YES}”或“{_NO}”")
    return text == _YES


def _district(raw: Raw, names: Names) -> str | None:
    # six digits are exact in any program
    text = raw.text if isinstance(raw, Number) else _text(raw, lines=False)
    if text is None:
        return None
    found = names.district(text)
    if found is None:
        raise CellFault(f"没有“{_cut(text)}”这个区划，须为区市名称或6位区划代码；市级事项留空")
    return found


def _topic(said: str, names: Names) -> str:
    found = names.topic(said)
    if found is None:
        raise CellFault(f"没有“{_cut(said)}”这个主题，须为主题目录中的名称")
    return found


def _chosen(said: str, choices: Mapping[str, str], column: Field) -> str:
    found = choices.get(fold(said))
    if found is None:
        wanted = "、".join(column.choices.values())
        raise CellFault(f"“{_cut(said)}”不在可选范围内，可选：{wanted}")
    return found


def _words(text: str) -> list[str]:
    try:
        return spelling.split(text)
    except ValueError:
        raise CellFault("引号没有成对，多个词语之间用顿号分隔") from None


def _several(text: str, meaning: Callable[[str], str]) -> list[str]:
    return sorted({meaning(word) for word in _words(text)})


def _remembering(meaning: Callable[[str], Any]) -> Reader:
    """Read short texts of which a column has few: each is looked at once."""
    known: dict[str, Any] = {}

    def read(raw: Raw) -> Any:
        if isinstance(raw, str) and raw in known:
            return known[raw]
        text = _text(raw, lines=True)
        value = None if text is None else meaning(text)
        if len(known) < 10_000 and isinstance(raw, str) and len(raw) <= _REMEMBERED:
            known[raw] = value
        return value

    return read


def _cut(text: str) -> str:
    plain = texts.FORBIDDEN_IN_LINES.sub("", " ".join(text.split()))
    return plain if len(plain) <= _SHOWN else plain[:_SHOWN] + "…"
