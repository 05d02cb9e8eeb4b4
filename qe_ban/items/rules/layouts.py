"""The columns of an import's tables, and which table a row of headings is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from qe_ban.items.errors import FileInvalid
from qe_ban.items.rules.fields import DEPARTMENT_TYPES, ITEM, TABLES
from qe_ban.kernel import field_types
from qe_ban.kernel.field_types import Field

ITEMS: Final = "items"
NOTE: Final = "填写说明"
"""What the template's second row begins with; an import passes over it."""

CODE: Final = Field("code", "事项编码", max=33, required=True, hint="12、31或33位，须为文本格式")
DEPARTMENT_NAME: Final = Field("department_name", "实施主体名称", hint="部门首次出现时填写")
DEPARTMENT_TYPE: Final = Field("department_type", "实施主体性质", field_types.CHOICE, choices=DEPARTMENT_TYPES)
STARTS_AT: Final = Field("starts_at", "生效时间", hint="如 2026-12-01 08:00，留空即时生效")
ENDS_AT: Final = Field("ends_at", "终止时间", hint="如 2027-12-01 08:00，留空长期有效")
OWN: Final = (DEPARTMENT_NAME, DEPARTMENT_TYPE, STARTS_AT, ENDS_AT)
"""What is said in the table of items and is no part of their content."""

_MAX_QUOTED: Final = 30
_MAX_MARKED: Final = 12
"""So many characters a heading has at most that is the code's with a mark; more is a sentence."""
_MAX_WORDS: Final = 10


@dataclass(frozen=True, slots=True)
class Layout:
    """A table as sheets have it: `key` is the column without which it says nothing, beside the code."""

    name: str
    heading: str
    key: str | None
    columns: tuple[Field, ...]

    @property
    def by_heading(self) -> Mapping[str, Field]:
        """The columns by what people read."""
        return {column.heading: column for column in self.columns}


LAYOUTS: Final = {
    ITEMS: Layout(ITEMS, "事项", None, (CODE, *ITEM, *OWN)),
    **{table.name: Layout(table.name, table.heading, table.key, (CODE, *table.fields)) for table in TABLES},
}


def recognise(headings: Sequence[str], sheet: str | None) -> tuple[Layout, list[Field]]:
    """Return the table that a row of headings is, and its columns in their order.

    `sheet` is what its sheet is called, None in CSV. Raises FileInvalid.
    """
    layout = max(LAYOUTS.values(), key=lambda layout: sum(name in layout.by_heading for name in headings))
    fault = (
        _code_fault(headings)
        or _nameless_fault(headings)
        or _unknown_fault(headings, layout)
        or _repetition_fault(headings)
        or _key_fault(headings, layout)
    )
    if fault:
        raise FileInvalid(f"{place_of(sheet)}{fault}")
    return layout, [layout.by_heading[name] for name in headings]


def place_of(sheet: str | None) -> str:
    """Return what messages call a table's place: its sheet, or the file where that has none."""
    return f"工作表“{sheet}”" if sheet else "文件"


def enumeration(words: Sequence[str]) -> str:
    """Return words as a Chinese list; of many only the first ones."""
    return "、".join(words[:_MAX_WORDS]) + ("等" if len(words) > _MAX_WORDS else "")


def letters_of(column: int) -> str:
    """Return the letters by which a spreadsheet names a column, counted from 1: 27 is AA."""
    letters = ""
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters


def explanation(column: Field) -> str:
    """Return in a few words how a column is filled in."""
    parts = ["必填" if column.required else "选填"]
    match column.type:
        case field_types.CHOICE:
            parts.append("可选：" + "、".join(column.choices.values()))
        case field_types.CHOICES:
            parts.append("可多选，用顿号分隔：" + "、".join(column.choices.values()))
        case field_types.FLAG:
            parts.append("填“是”或“否”")
        case field_types.WORDS | field_types.TOPICS:
            parts.append(f"最多 {column.most} 个，用顿号分隔")
        case field_types.WHOLE:
            parts.append(f"0 至 {column.max} 的整数")
        case field_types.LINK:
            parts.append("http 或 https 开头的完整网址")
        case field_types.TEXT | field_types.LINES if column not in (CODE, STARTS_AT, ENDS_AT):
            parts.append(f"最多 {column.max} 字")
    return "；".join([*parts, *([column.hint] if column.hint else [])])


def _code_fault(headings: Sequence[str]) -> str | None:
    if CODE.heading in headings:
        return None
    # 事项编码 *, 事项编码（必填）
    marked_heading = next((name for name in headings if CODE.heading in name and len(name) <= _MAX_MARKED), None)
    if marked_heading is None:
        return f"第 1 行没有“{CODE.heading}”列，请按模板填写"
    return f"第 1 行的“{marked_heading}”须写作“{CODE.heading}”，列名不带其他字符"


def _nameless_fault(headings: Sequence[str]) -> str | None:
    nameless = [letters_of(place) for place, name in enumerate(headings, 1) if not name]
    return f"第 1 行 {enumeration(nameless)} 列没有列名；请填写列名，或删除空白的列" if nameless else None


def _unknown_fault(headings: Sequence[str], layout: Layout) -> str | None:
    unknown = [name for name in headings if name not in layout.by_heading]
    return f"有未知的列：{_quotations(unknown)}" if unknown else None


def _repetition_fault(headings: Sequence[str]) -> str | None:
    repetitions = sorted({name for name in headings if headings.count(name) > 1})
    return f"有重复的列：{_quotations(repetitions)}" if repetitions else None


def _key_fault(headings: Sequence[str], layout: Layout) -> str | None:
    key = next((column.heading for column in layout.columns if column.name == layout.key), None)
    return None if key is None or key in headings else f"没有“{key}”列，请按模板填写"


def _quotations(names: Sequence[str]) -> str:
    return enumeration([f"“{name[:_MAX_QUOTED]}”" for name in names])
