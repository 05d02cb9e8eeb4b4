"""Joins rows by equal values, however many steps apart: whom a row is about, and whose scans' trail it belongs to."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from tests.privacy.attack.rows import Row

MANY = ""
"""The label of a value that leads to several: a venue, a member of staff."""
STEPS = 5
WIDEST_TRAIL = 400


def label(rows: Sequence[set[str]], seeds: Mapping[str, str]) -> tuple[list[str | None], dict[str, str]]:
    """Label rows, given as their atoms, by the one label that each leads to, starting from the labelled atoms `seeds`.

    Return the labels of rows, and those of all atoms; an atom that leads to several is labelled MANY.
    """
    of_atom, of_row = dict(seeds), [None] * len(rows)
    for _ in range(STEPS):
        fresh: dict[str, str] = {}
        for at, atoms in enumerate(rows):
            labels = {of_atom[atom] for atom in atoms if atom in of_atom} - {MANY}
            own = of_row[at] = labels.pop() if len(labels) == 1 else None
            if own is None:
                continue
            for atom in atoms:
                if atom not in of_atom:
                    fresh[atom] = MANY if fresh.get(atom, own) != own else own
                elif atom not in seeds and of_atom[atom] != own:
                    of_atom[atom] = MANY
        if not fresh:
            break
        of_atom |= fresh
    return of_row, of_atom


@dataclass(frozen=True)
class ObservedScan:
    """A scan as whoever holds the rows sees it."""

    row: int
    scan_id: str
    trail: str
    at: float
    purpose: str
    reason: str


def trails(rows: Sequence[Row]) -> list[str]:
    """Return for each scan's row the trail it is of: scans that share any hash are one holder's."""
    numbers = Counter(
        (name, value) for row in rows for name, value in row.values.items() if isinstance(value, bytes | memoryview)
    )
    parents: dict[object, object] = {}

    def root(node: object) -> object:
        while node in parents:
            node = parents[node]
        return node

    for at, row in enumerate(rows):
        for name, value in row.values.items():
            node = (name, value) if isinstance(value, bytes | memoryview) else None
            if 1 < numbers.get(node, 0) <= WIDEST_TRAIL and root(node) != root(at):
                parents[root(at)] = root(node)
    return [str(root(at)) for at in range(len(rows))]


class View:
    """Rows with what joining them tells: the people that rows are about, and the trails of scans."""

    def __init__(
        self,
        rows: Sequence[Row],
        people: Mapping[str, str],
        scans: Sequence[ObservedScan] | None = None,
        tables: Callable[[str], bool] = lambda _table: True,
    ) -> None:
        """`people`: atoms of which whoever holds the rows knows whose they are. `scans`: as they are seen elsewhere
        than in the table of scans. `tables`: of which tables the ways look for people.
        """
        self.rows, self.tables = rows, tables
        self.scans = list(_scans(rows) if scans is None else scans)
        atoms = [row.atoms() for row in rows]
        # a row that names both is found by either side; neither goes on from there, or all would be one
        seeds = {scan.scan_id.replace("-", ""): scan.trail for scan in self.scans}
        self.trail_of, names = label(atoms, seeds | dict.fromkeys(people, MANY))
        blocked = {atom: MANY for atom, trail in names.items() if trail != MANY}
        self.person_of, self.people = label(atoms, blocked | dict(people))

    @cached_property
    def by_table(self) -> dict[str, list[int]]:
        """Return the rows that are about one person, by table."""
        return self._by_table(self.person_of)

    @cached_property
    def of_trails(self) -> dict[str, list[int]]:
        """Return the rows that are of one trail, by table."""
        return self._by_table(self.trail_of)

    def _by_table(self, owners: Sequence[str | None]) -> dict[str, list[int]]:
        tables = defaultdict(list)
        for at, row in enumerate(self.rows):
            if owners[at] is not None and (owners is self.trail_of or self.tables(row.table)):
                tables[row.table].append(at)
        return dict(tables)


def _scans(rows: Sequence[Row]) -> list[ObservedScan]:
    at_rows = [at for at, row in enumerate(rows) if row.table == "scans"]
    scans = []
    for at, trail in zip(at_rows, trails([rows[at] for at in at_rows]), strict=True):
        values = rows[at].values
        moment = values["at"].timestamp()
        scans.append(ObservedScan(at, str(values["scan_id"]), trail, moment, values["purpose"], values["reason"]))
    return sorted(scans, key=lambda scan: scan.at)
