"""What an import makes of an item: the rows of its file upon what the item says already."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from qe_ban.items.rules import codes, rights
from qe_ban.items.rules.checks import faults
from qe_ban.items.rules.fields import ITEM, TABLES, Content
from qe_ban.items.rules.layouts import CODE, ENDS_AT, ITEMS, LAYOUTS, STARTS_AT
from qe_ban.items.rules.planning import UNSET, Draft, Held, plan
from qe_ban.kernel.principal import Place
from qe_ban.kernel.shapes import Severity, Table

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
        """Tell whether anything of it could not be read: then nothing of it is imported."""
        return any("faulty" in row.content for rows in self.tables.values() for row in rows)

    @property
    def starts_at(self) -> datetime | None:
        """The moment from which it is to hold, where the file says one."""
        said = self.item.content.get(STARTS_AT.name) if self.item else None
        return datetime.fromisoformat(said) if said else None


def draft(rows: Rows, base: Content | None, held: Held | None, columns: Columns) -> Draft:
    """Give what is to be published: what the file has no column for stays as it is."""
    content = dict(base or {})
    if rows.item is not None:
        said = rows.item.content["fields"]
        for field in ITEM:
            if field.name in columns[ITEMS]:
                content[field.name] = said.get(field.name)
    for table in TABLES:
        found = rows.tables.get(table.name)
        if found:
            content[table.name] = _table(table, found, content.get(table.name) or [], columns[table.name])
    if rows.item is None:
        # who only changes materials does not open what has ended
        return Draft(rows.code, content, None, held.ends_at if held else UNSET)
    ends_at = rows.item.content.get(ENDS_AT.name)
    told = datetime.fromisoformat(ends_at) if ends_at else None
    return Draft(rows.code, content, rows.starts_at, told if ENDS_AT.name in columns[ITEMS] else UNSET)


def wrongs(
    rows: Rows, made: Draft, held: Held | None, place: Place, departments: frozenset[str], now: datetime
) -> list[Wrong]:
    """Say what is wrong with a draft, for an importer of a place; `departments`: those that there are or will be."""
    if held is None and rows.item is None:
        return [Wrong(_at(rows, CODE.heading), f"没有编码为 {rows.code} 的事项，须先导入事项")]
    if held is not None and not rights.may_edit(place, department=held.department, district=held.district):
        return [Wrong(_at(rows, CODE.heading), NOT_YOURS)]
    found = _contradictions(rows) + _untimely(rows, made, held, now)
    found += [Wrong(_place(rows, fault.place), fault.message, fault.severity) for fault in faults(made.content)]
    if any(wrong.severity == "error" for wrong in found):
        return found
    department, district = made.content["department"], made.content.get("district")
    if not rights.may_edit(place, department=department, district=district):
        found.append(Wrong(_at(rows, CODE.heading), NOT_YOURS))
    if department not in departments:
        found.append(Wrong(_at(rows, DEPARTMENT), f"没有编码为 {department} 的部门；首次出现时须填写“实施主体名称”"))
    agency = _agency(rows.code)
    if agency and agency != department and rows.item is not None:
        severity = rights.other_agency(place, new=held is None)
        found.append(Wrong(_at(rows, DEPARTMENT), rights.OTHER_AGENCY, severity))
    return found


def gone_topics(rows: Rows, made: Draft, topics: frozenset[str]) -> list[Wrong]:
    """Say which topics of a draft there are no more; `topics`: the slugs of those that there are."""
    gone = sorted(set(made.content.get("topics") or ()) - topics)
    return [Wrong(_at(rows, TOPICS), f"主题 {slug} 已不存在") for slug in gone]


def _contradictions(rows: Rows) -> list[Wrong]:
    """Say where a table tells that there are no rows, and rows."""
    return [
        Wrong(Spot(rows.code, name, row.row, LAYOUTS[name].key), "“无”与该事项的其他行矛盾，请删去其一")
        for name, staged in rows.tables.items()
        for row in staged
        if "none" in row.content and len(staged) > 1
    ]


def _untimely(rows: Rows, made: Draft, held: Held | None, now: datetime) -> list[Wrong]:
    """Say which end lies in the past or before the start, and warn of scheduled versions that would be replaced."""
    found = []
    ends_at = made.ends_at
    if isinstance(ends_at, datetime) and (held is None or ends_at != held.ends_at):
        start = max(now, made.starts_at or now)
        if ends_at <= start:
            found.append(Wrong(_at(rows, ENDS_AT.heading), "终止时间须晚于现在和生效时间"))
    if held is not None and held.times.next(now) is not None:
        found += [
            Wrong(_at(rows, STARTS_AT.heading if made.starts_at else None), mark.replaced, "warning")
            for mark in plan(made, held, now).replaced
        ]
    return found


def _table(
    table: Table, rows: Sequence[Staged], before: Sequence[Mapping[str, Any]], columns: frozenset[str]
) -> list[dict[str, Any]]:
    """Give a table's new rows; where the file lacks a column, the old row of the same key has the say."""
    old: dict[Any, Mapping[str, Any]] = {}
    for row in before:
        old.setdefault(row.get(table.key), row)
    made = []
    for staged in rows:
        if "none" in staged.content:
            continue
        said = staged.content["fields"]
        known = old.get(said.get(table.key), {})
        kept = {name: value for name, value in known.items() if name not in columns}
        made.append(kept | said)
    return made


def _agency(code: str) -> str | None:
    parsed = codes.parse(code)
    return parsed.agency if parsed else None


def _at(rows: Rows, column: str | None) -> Spot:
    return Spot(rows.code, rows.first.table, rows.first.row, column)


def _place(rows: Rows, place: str) -> Spot:
    """Give where in the file a field of the content is said (`promised_days`, `materials.0.name`)."""
    name, _, rest = place.partition(".")
    layout = LAYOUTS.get(name)
    if layout is None:
        return _at(rows, _HEADINGS.get(name))
    number, _, field = rest.partition(".")
    said = [row for row in rows.tables.get(name, ()) if "none" not in row.content]
    if not said:
        return _at(rows, None)
    heading = next((column.heading for column in layout.columns if column.name == field), None)
    row = said[int(number)] if number.isdigit() and int(number) < len(said) else said[0]
    return Spot(rows.code, name, row.row, heading)


_HEADINGS: Final = {field.name: field.heading for field in ITEM}
