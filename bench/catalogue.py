"""Makes as large a catalogue as one likes, always the same: the sample's kinds, with qualifiers that sound real.

`python -m bench.catalogue csv|xlsx FILE [COUNT]` writes a file that can be imported.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import IO, Any

from qe_ban.items.rules import cells, layouts
from qe_ban.items.rules.names import Names
from qe_ban.items.service.departments import NewDepartment
from qe_ban.items.service.publishing import Draft
from qe_ban.items.sheets.writing import Cell, CsvWriter, XlsxWriter
from qe_ban.kernel import city_file
from qe_ban.kernel.field_types import Field
from qe_ban.sandbox.catalogue import files
from qe_ban.sandbox.catalogue.contents import Contents
from qe_ban.sandbox.catalogue.entries import Entry, entries
from qe_ban.sandbox.catalogue.offices import Office, Offices

MOST = 100_000
QUALIFIERS = (
    "", "本市户籍", "非本市户籍", "自贸片区", "高新区", "告知承诺", "容缺受理", "全程网办", "军人军属", "未成年人",
    "港澳台居民", "境外人员", "大型企业", "中小微企业", "分支机构", "集团成员", "跨区市", "受委托镇街", "试点",
    "历史遗留",
)  # fmt: skip
"""What tells apart items of one kind. A name carries it in brackets, a basic code in its last three digits."""
_LONGEST_ALIAS = 30


def drafts(count: int = MOST) -> Iterator[Draft]:
    """Yield that many valid drafts, each of another item: each kind at all offices, with one qualifier after another.

    100,000 of them have about 10,000 names. Fewer come where there are no more (some 240,000).
    """
    contents = Contents()
    for entry, office in islice(_places(), count):
        code = office.code(entry.code)
        yield Draft(code, contents.content(entry, office, code))


def departments() -> list[NewDepartment]:
    """Return the departments that the drafts name."""
    return Offices().departments()


def topics() -> list[Mapping[str, Any]]:
    """Return the topics that the drafts name, parents first: `slug`, `name`, `audience`, `parent`."""
    rows: list[Mapping[str, Any]] = files.read("topics")
    return rows


def popularity() -> dict[str, float]:
    """Return how much each entry is used; a qualified one a tenth as much as its kind."""
    return {entry.code: entry.popularity * (1 if entry.basic.endswith("000") else 0.1) for entry in _entries()}


def csv(path: Path, count: int = MOST) -> None:
    """Write items, without their tables, as CSV in the form of an import."""
    with path.open("wb") as file:
        writer = CsvWriter(file, layouts.LAYOUTS[layouts.ITEMS])
        for _, row in _rows(count, (layouts.ITEMS,), formulas=True):
            writer.add(row)
        writer.finish()


def xlsx(path: Path, count: int = MOST, tables: tuple[str, ...] = (layouts.ITEMS,)) -> None:
    """Write items as a workbook in the form of an import, with the rows of these tables."""
    with path.open("wb") as file:
        _workbook(file, count, tables)


def _workbook(file: IO[bytes], count: int, tables: tuple[str, ...]) -> None:
    writer = XlsxWriter(file)
    try:
        for table, row in _rows(count, tables, formulas=False):
            writer.add(table, row)
        writer.finish()
    finally:
        writer.close()


def _entries() -> Iterator[Entry]:
    all_entries = list(entries())
    for number, qualifier in enumerate(QUALIFIERS):
        for entry in all_entries:
            yield _qualify(entry, number, qualifier) if qualifier else entry


def _qualify(entry: Entry, number: int, qualifier: str) -> Entry:
    return replace(
        entry,
        basic=f"{entry.basic[:-3]}{number:03d}",
        name=f"{entry.name}（{qualifier}）",
        aliases=tuple(alias + qualifier for alias in entry.aliases[:3] if len(alias + qualifier) <= _LONGEST_ALIAS),
    )


def _places() -> Iterator[tuple[Entry, Office]]:
    offices = Offices()
    for entry in _entries():
        for office in offices.of(entry.kind["by"], "both"):
            yield entry, office


def _rows(count: int, tables: tuple[str, ...], *, formulas: bool) -> Iterator[tuple[str, list[Cell]]]:
    names = Names(_districts(), {row["slug"]: row["name"] for row in topics()})
    by_code = {row.code: row for row in departments()}
    for draft in drafts(count):
        for table in tables:
            layout = layouts.LAYOUTS[table]
            for row in _table_rows(table, draft, by_code):
                yield table, [_cell(column, row, names, formulas=formulas) for column in layout.columns]


def _table_rows(table: str, draft: Draft, by_code: Mapping[str, NewDepartment]) -> list[dict[str, Any]]:
    if table != layouts.ITEMS:
        return [{**row, layouts.CODE.name: draft.code} for row in draft.content.get(table, ())]
    department = by_code[draft.content["department"]]
    own = {"code": draft.code, "department_name": department.name, "department_type": department.type}
    return [{**draft.content, **own}]


def _cell(column: Field, row: Mapping[str, Any], names: Names, *, formulas: bool) -> Cell:
    value = row.get(column.name)
    return None if value is None else cells.write(column, value, names, formulas=formulas)


def _districts() -> Mapping[str, str]:
    return city_file.parse((resources.files("qe_ban") / "data" / "qingdao.json").read_text("utf-8")).districts


def main() -> int:
    """Write a file."""
    parser = argparse.ArgumentParser(prog="python -m bench.catalogue", description=__doc__)
    parser.add_argument("format", choices=("csv", "xlsx"))
    parser.add_argument("file", type=Path)
    parser.add_argument("count", type=int, nargs="?", default=MOST)
    arguments = parser.parse_args()
    (csv if arguments.format == "csv" else xlsx)(arguments.file, arguments.count)
    return 0


if __name__ == "__main__":
    sys.exit(main())
