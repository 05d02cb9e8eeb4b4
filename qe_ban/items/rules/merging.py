"""What an import makes of an item: the rows of its file upon what the item says already."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from qe_ban.items.rules import codes, rights
from qe_ban.items.rules.checks import faults
from qe_ban.items.rules.fields import ITEM, TABLES, Content
from qe_ban.items.rules.layouts import CODE, ENDS_AT, ITEMS, LAYOUTS, STARTS_AT
from qe_ban.items.rules.planning import UNSET, Draft, ExistingItem, Unset, plan
from qe_ban.kernel.field_types import Severity
from qe_ban.kernel.principal import Place
from qe_ban.kernel.shapes import Table

DEPARTMENT: Final = "实施主体编码"
TOPICS: Final = "主题"
NOT_YOURS: Final = "不属于您负责的区市或部门，不能导入"


@dataclass(frozen=True, slots=True)
class Staged:
    """A row of the file as it was kept: of which table, which row of it, and what it says (`rows.Read.content`)."""

    table: str
    row: int
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Spot:
    """Where in the file something is wrong with the item of a code; `column` is a heading."""

    code: str
    table: str
    row: int
    column: str | None


@dataclass(frozen=True, slots=True)
class Wrong:
    """Something wrong with an item, at the place in the file that says it."""

    spot: Spot
    message: str
    severity: Severity = "error"


Columns = Mapping[str, frozenset[str]]
"""Which columns each table of the file has, by name."""


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows of the file that are of one item, by table, in their order."""

    code: str
    tables: Mapping[str, Sequence[Staged]]

    @property
    def item(self) -> Staged | None:
        """The row of the table of items."""
        return next(iter(self.tables.get(ITEMS, ())), None)

    @property
    def first(self) -> Staged:
        """The row that stands for the item: its own, or the first of a table's."""
        return self.item or next(rows[0] for rows in self.tables.values() if rows)

    @property
    def is_faulty(self) -> bool:
        """Return whether anything of it could not be read: then nothing of it is imported."""
        return any("faulty" in row.content for rows in self.tables.values() for row in rows)

    @property
    def starts_at(self) -> datetime | None:
        """The moment from which it is to hold, where the file says one."""
        text = self.item.content.get(STARTS_AT.name) if self.item else None
        return datetime.fromisoformat(text) if text else None


def draft(rows: Rows, base: Content | None, existing: ExistingItem | None, columns: Columns) -> Draft:
    """Return what is to be published: what the file has no column for stays as it is."""
    content = {**(base or {}), **_fields(rows, columns)}
    for table in TABLES:
        table_rows = rows.tables.get(table.name)
        if table_rows:
            content[table.name] = _table(table, table_rows, content.get(table.name) or [], columns[table.name])
    if rows.item is None:
        # who only changes materials does not open what has ended
        return Draft(rows.code, content, None, existing.ends_at if existing else UNSET)
    return Draft(rows.code, content, rows.starts_at, _ends_at(rows.item, columns))


def _fields(rows: Rows, columns: Columns) -> dict[str, Any]:
    """Return the fields of the item's own row; an empty cell is None."""
    if rows.item is None:
        return {}
    values = rows.item.content["fields"]
    return {field.name: values.get(field.name) for field in ITEM if field.name in columns[ITEMS]}


def _ends_at(item: Staged, columns: Columns) -> datetime | Unset | None:
    if ENDS_AT.name not in columns[ITEMS]:
        return UNSET
    text = item.content.get(ENDS_AT.name)
    return datetime.fromisoformat(text) if text else None


def wrongs(
    rows: Rows,
    new: Draft,
    existing: ExistingItem | None,
    place: Place,
    departments: frozenset[str],
    now: datetime,
) -> list[Wrong]:
    """Return what is wrong with a draft, for an importer of a place; `departments`: those that there are or will be."""
    if existing is None and rows.item is None:
        return [Wrong(_at(rows, CODE.heading), f"没有编码为 {rows.code} 的事项，须先导入事项")]
    if existing is not None and not rights.may_edit(place, department=existing.department, district=existing.district):
        return [Wrong(_at(rows, CODE.heading), NOT_YOURS)]
    content_wrongs = _contradictions(rows) + _untimely(rows, new, existing, now)
    content_wrongs += [Wrong(_place(rows, fault.place), fault.message, fault.severity) for fault in faults(new.content)]
    if any(wrong.severity == "error" for wrong in content_wrongs):
        return content_wrongs
    return content_wrongs + _department_wrongs(rows, new, place, departments, is_new=existing is None)


def _department_wrongs(
    rows: Rows, new: Draft, place: Place, departments: frozenset[str], *, is_new: bool
) -> list[Wrong]:
    """Return what is wrong with the department of a draft that has one."""
    wrongs_of_place = []
    department, district = new.content["department"], new.content.get("district")
    if not rights.may_edit(place, department=department, district=district):
        wrongs_of_place.append(Wrong(_at(rows, CODE.heading), NOT_YOURS))
    if department not in departments:
        message = f"没有编码为 {department} 的部门；首次出现时须填写“实施主体名称”"
        wrongs_of_place.append(Wrong(_at(rows, DEPARTMENT), message))
    agency = _agency(rows.code)
    if agency and agency != department and rows.item is not None:
        severity = rights.other_agency(place, new=is_new)
        wrongs_of_place.append(Wrong(_at(rows, DEPARTMENT), rights.OTHER_AGENCY, severity))
    return wrongs_of_place


def gone_topics(rows: Rows, new: Draft, topics: frozenset[str]) -> list[Wrong]:
    """Return which topics of a draft there are no more; `topics`: the slugs of those that there are."""
    gone = sorted(set(new.content.get("topics") or ()) - topics)
    return [Wrong(_at(rows, TOPICS), f"主题 {slug} 已不存在") for slug in gone]


def _contradictions(rows: Rows) -> list[Wrong]:
    """Return where a table says that there are no rows, and has rows."""
    return [
        Wrong(Spot(rows.code, name, row.row, LAYOUTS[name].key), "“无”与该事项的其他行矛盾，请删去其一")
        for name, staged in rows.tables.items()
        for row in staged
        if "none" in row.content and len(staged) > 1
    ]


def _untimely(rows: Rows, new: Draft, existing: ExistingItem | None, now: datetime) -> list[Wrong]:
    """Return an end that lies in the past or before the start, and warnings of scheduled versions that give way."""
    wrongs_of_time = []
    ends_at = new.ends_at
    if isinstance(ends_at, datetime) and (existing is None or ends_at != existing.ends_at):
        start = max(now, new.starts_at or now)
        if ends_at <= start:
            wrongs_of_time.append(Wrong(_at(rows, ENDS_AT.heading), "终止时间须晚于现在和生效时间"))
    if existing is not None and existing.times.next(now) is not None:
        wrongs_of_time += [
            Wrong(_at(rows, STARTS_AT.heading if new.starts_at else None), mark.replaced, "warning")
            for mark in plan(new, existing, now).replaced
        ]
    return wrongs_of_time


def _table(
    table: Table, rows: Sequence[Staged], before: Sequence[Mapping[str, Any]], columns: frozenset[str]
) -> list[dict[str, Any]]:
    """Return a table's new rows; where the file lacks a column, the old row of the same key has the say."""
    old: dict[Any, Mapping[str, Any]] = {}
    for row in before:
        old.setdefault(row.get(table.key), row)
    new_rows = []
    for staged in rows:
        if "none" in staged.content:
            continue
        values = staged.content["fields"]
        old_row = old.get(values.get(table.key), {})
        unchanged = {name: value for name, value in old_row.items() if name not in columns}
        new_rows.append(unchanged | values)
    return new_rows


def _agency(code: str) -> str | None:
    parsed = codes.parse(code)
    return parsed.agency if parsed else None


def _at(rows: Rows, column: str | None) -> Spot:
    return Spot(rows.code, rows.first.table, rows.first.row, column)


def _place(rows: Rows, place: str) -> Spot:
    """Return where in the file a field of the content stands (`promised_days`, `materials.0.name`)."""
    name, _, rest = place.partition(".")
    layout = LAYOUTS.get(name)
    if layout is None:
        return _at(rows, _HEADINGS.get(name))
    number, _, field = rest.partition(".")
    table_rows = [row for row in rows.tables.get(name, ()) if "none" not in row.content]
    if not table_rows:
        return _at(rows, None)
    heading = next((column.heading for column in layout.columns if column.name == field), None)
    row = table_rows[int(number)] if number.isdigit() and int(number) < len(table_rows) else table_rows[0]
    return Spot(rows.code, name, row.row, heading)


_HEADINGS: Final = {field.name: field.heading for field in ITEM}
