"""The first phase of an import: the file's rows are read and put down, and what is wrong with each is told."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from qe_ban.items.queries import staged
from qe_ban.items.rules.cells import Raw
from qe_ban.items.rules.layouts import CODE, DEPARTMENT_NAME, ITEMS
from qe_ban.items.rules.names import Names
from qe_ban.items.rules.rows import FAULTY, Read, RowFault, RowReader
from qe_ban.items.service import progress
from qe_ban.items.service.progress import STEP, Importer, Phase
from qe_ban.items.sheets import source
from qe_ban.items.sheets.source import Table
from qe_ban.jobs import service as jobs

_SILENT_SECONDS: Final = 5.0
"""After so long without rows (a million empty ones) it is told how far it is."""
_MOST_TEXT: Final = 4 << 20
"""In characters: so much text is put down at once, however few the rows."""


@dataclass(slots=True)
class _Portion:
    """The rows that one step puts down."""

    rows: list[tuple[str, str, int, Mapping[str, Any]]] = field(default_factory=list)
    faults: list[jobs.Fault] = field(default_factory=list)
    departments: list[Mapping[str, Any]] = field(default_factory=list)
    unreadable: int = 0
    read: int = 0
    text: int = 0

    @property
    def is_full(self) -> bool:
        return self.read >= STEP or self.text >= _MOST_TEXT


def check(importer: Importer, work: jobs.JobContext, path: Path, kind: str) -> None:
    """Read a file (`csv` or `xlsx`) from where the last step left it. Raises FileInvalid."""
    with source.open_tables(path, kind) as tables:
        with work.step() as session:
            names = Names(importer.city.districts, staged.topics(session))
            called = staged.department_names(session)
            told = {
                table.layout.name: {"sheet": table.sheet, "columns": [column.name for column in table.columns]}
                for table in tables
            }
            cursor = {"phase": Phase.CHECKING, "table": 0, "row": 0, "unreadable": 0, **work.cursor, "tables": told}
            total = sum(table.lines for table in tables)
            work.save(session, phase=Phase.CHECKING, total=total, cursor=cursor)
        before = 0
        for number, table in enumerate(tables):
            _Checked(work, table, number, before, names, called).run()
            before += table.lines
    with work.step() as session:
        progress.enter(session, work, Phase.COMPARING, total=staged.count_codes(session, work.id))


class _Checked:
    """One table on its way into the rows that are put down."""

    def __init__(
        self, work: jobs.JobContext, table: Table, number: int, before: int, names: Names, called: Mapping[str, str]
    ) -> None:
        """`called`: the names of the departments that there are, by code."""
        self._work, self._table, self._number, self._before = work, table, number, before
        self._called, self._miscalled = called, set[tuple[str, str]]()
        self._name, self._sheet = table.layout.name, table.sheet
        self._reader = RowReader(table.layout, table.columns, names, whole=table.whole)
        # of items only: in which row a code came first
        self._first: dict[str, int] = {}
        self._told = time.monotonic()

    def run(self) -> None:
        """Read the rows that are not yet put down; the codes of the others must be known, to find what comes twice."""
        passed = self._passed()
        portion, last = _Portion(), passed
        for rows in self._table.rows():
            for number, raws in rows:
                if number <= passed:
                    self._note(number, raws)
                    continue
                self._take(portion, number, raws)
                last = number
                if portion.is_full:
                    self._put_down(portion, last)
                    portion = _Portion()
            if time.monotonic() - self._told > _SILENT_SECONDS:
                self._put_down(portion, last)
                portion = _Portion()
        if portion.read:
            self._put_down(portion, last)

    def _passed(self) -> int:
        """Give the last row of this table that is put down."""
        table, row = self._work.cursor["table"], self._work.cursor["row"]
        if table == self._number:
            return int(row)
        return source.MOST_ROWS if table > self._number else 0

    def _note(self, number: int, raws: Sequence[Raw]) -> None:
        if self._name == ITEMS:
            code = self._reader.code(raws)
            if code is not None:
                self._first.setdefault(code, number)

    def _take(self, portion: _Portion, number: int, raws: Sequence[Raw]) -> None:
        read = self._reader.read(raws)
        portion.read += 1
        portion.text += sum(len(raw) for raw in raws if isinstance(raw, str))
        portion.faults.extend(self._faults(number, read, portion))

    def _faults(self, number: int, read: Read, portion: _Portion) -> Iterator[jobs.Fault]:
        content = read.content
        faults = list(read.faults)
        if read.code is None:
            portion.unreadable += 1
        else:
            first = self._first.setdefault(read.code, number) if self._name == ITEMS else number
            if first != number:
                faults.append(RowFault(f"与第 {first} 行的事项编码重复", CODE.heading))
                content = FAULTY
            portion.rows.append((self._name, read.code, number, content))
        if read.department is not None:
            portion.departments.append(read.department)
            faults.extend(self._miscalling(read.department))
        for fault in faults:
            yield jobs.Fault(jobs.Severity(fault.severity), fault.message, self._sheet, number, fault.column)

    def _miscalling(self, said: Mapping[str, Any]) -> Iterator[RowFault]:
        """Warn of another name than the department has, at the first row that has it."""
        code, name = said["code"], said["name"]
        known = self._called.get(code, name)
        if known != name and (code, name) not in self._miscalled:
            self._miscalled.add((code, name))
            told = f"编码为 {code} 的部门已登记为“{known}”，名称不随导入更改，请核对"
            yield RowFault(told, DEPARTMENT_NAME.heading, "warning")

    def _put_down(self, portion: _Portion, last: int) -> None:
        work = self._work
        with work.step() as session:
            staged.put_down(session, work.id, portion.rows)
            staged.put_down_departments(session, work.id, portion.departments)
            work.fault(session, portion.faults)
            unreadable = work.cursor["unreadable"] + portion.unreadable
            cursor = {**work.cursor, "table": self._number, "row": last, "unreadable": unreadable}
            done = self._before + min(last, self._table.lines)
            skipped = progress.counted(work, {"skipped": portion.unreadable})
            work.save(session, progress=done, cursor=cursor, result=skipped)
        self._told = time.monotonic()
