"""The columns of an import's tables, and which table a row of headings is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from qe_ban.items.errors import FileInvalid
from qe_ban.items.rules.fields import DEPARTMENT_TYPES, ITEM, TABLES
from qe_ban.kernel.shapes import Field, Kind

ITEMS: Final = "items"
NOTE: Final = "填写说明"
"""What the template's second row begins with; an import passes over it."""

CODE: Final = Field("code", "事项编码", max=33, required=True, hint="12、31或33位，须为文本格式")
DEPARTMENT_NAME: Final = Field("department_name", "实施主体名称", hint="部门首次出现时填写")
DEPARTMENT_TYPE: Final = Field("department_type", "实施主体性质", Kind.CHOICE, choices=DEPARTMENT_TYPES)
STARTS_AT: Final = Field("starts_at", "生效时间", hint="如 2026-12-01 08:00，留空即时生效")
ENDS_AT: Final = Field("ends_at", "终止时间", hint="如 2027-12-01 08:00，留空长期有效")
OWN: Final = (DEPARTMENT_NAME, DEPARTMENT_TYPE, STARTS_AT, ENDS_AT)
"""What is said in the table of items and is no part of their content."""

_LONGEST_SHOWN = 30
_LONGEST_MARKED: Final = 12
_MOST_SHOWN = 10


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
    """Give the table that a row of headings is, and its columns in their order.

    `sheet` is what its sheet is called, None in CSV. Raises FileInvalid.
    """
    where = f"工作表“{sheet}”" if sheet else "文件"
    if CODE.heading not in headings:
        # 事项编码 *, 事项编码（必填）
        marked = next((name for name in headings if CODE.heading in name and len(name) <= _LONGEST_MARKED), None)
        if marked is not None:
            raise FileInvalid(f"{where}第 1 行的“{marked}”须写作“{CODE.heading}”，列名不带其他字符")
        raise FileInvalid(f"{where}第 1 行没有“{CODE.heading}”列，请按模板填写")
    layout = max(LAYOUTS.values(), key=lambda layout: sum(name in layout.by_heading for name in headings))
    nameless = [letters_of(place) for place, name in enumerate(headings, 1) if not name]
    if nameless:
        columns = "、".join(nameless[:_MOST_SHOWN]) + ("等" if len(nameless) > _MOST_SHOWN else "")
        raise FileInvalid(f"{where}第 1 行 {columns} 列没有列名；请填写列名，或删除空白的列")
    unknown = [name for name in headings if name not in layout.by_heading]
    if unknown:
        raise FileInvalid(f"{where}有未知的列：{_listed(unknown)}")
    twice = sorted({name for name in headings if headings.count(name) > 1})
    if twice:
        raise FileInvalid(f"{where}有重复的列：{_listed(twice)}")
    if layout.key and layout.by_heading and not any(layout.by_heading[name].name == layout.key for name in headings):
        key = next(column.heading for column in layout.columns if column.name == layout.key)
        raise FileInvalid(f"{where}没有“{key}”列，请按模板填写")
    return layout, [layout.by_heading[name] for name in headings]


def letters_of(column: int) -> str:
    """Return the letters by which a spreadsheet names a column, counted from 1: 27 is AA."""
    letters = ""
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters


def explanation(column: Field) -> str:
    """Say in a few words how a column is filled in."""
    parts = ["必填" if column.required else "选填"]
    match column.kind:
        case Kind.CHOICE:
            parts.append("可选：" + "、".join(column.choices.values()))
        case Kind.CHOICES:
            parts.append("可多选，用顿号分隔：" + "、".join(column.choices.values()))
        case Kind.FLAG:
            parts.append("填“是”或“否”")
        case Kind.WORDS | Kind.TOPICS:
            parts.append(f"最多 {column.most} 个，用顿号分隔")
        case Kind.WHOLE:
            parts.append(f"0 至 {column.max} 的整数")
        case Kind.LINK:
            parts.append("http 或 https 开头的完整网址")
        case Kind.TEXT | Kind.LINES if column not in (CODE, STARTS_AT, ENDS_AT):
            parts.append(f"最多 {column.max} 字")
    return "；".join([*parts, *([column.hint] if column.hint else [])])


def _listed(names: Sequence[str]) -> str:
    cut = [f"“{name[:_LONGEST_SHOWN]}”" for name in names[:_MOST_SHOWN]]
    return "、".join(cut) + ("等" if len(names) > _MOST_SHOWN else "")
