"""Who holds what: each thief or insider is a view of the same city, attacked by the same ways."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

import psycopg

import qe_ban
from tests.privacy.attack import pages
from tests.privacy.attack.joins import ObservedScan, View
from tests.privacy.attack.life import Day
from tests.privacy.attack.rows import Row, dump_of, live_rows, log_rows, number_keys, valkey_memory, valkey_rows
from tests.privacy.attack.statistic import Finding, judge
from tests.privacy.attack.ways import ORDERS, TRANSACTIONS, VALUES, Way, attack

MARKER = "planted"
"""What the name of a table has that a test put there."""
KINDS = ("live", "wal", "pages", "valkey", "log")
SCANNING = "log POST /api/v1/codes/verify"
LIMIT = re.compile(r'(?:\.hit|hit_network)\(\s*"([\w.-]+)"|^[A-Z_]*LIMIT[A-Z_]* = "([\w.-]+)"', re.MULTILINE)
PREFIXES = ("", "127.0.0.1\0")
"""What may stand before a phone: the network that asked, which a thief can try as well."""
HASHES = ("md5", "sha1", "sha256", "sha512")


@dataclass
class StolenData:
    """All that can be stolen of a city, before anybody joins it."""

    day: Day
    live: list[Row]
    wal: list[Row]
    pages: list[Row]
    valkey: list[Row]
    log: list[Row]
    people: dict[str, str]
    """What leads to somebody: a dump lists everybody's id, and hashes without a key are made of everybody's numbers."""
    hashes: dict[str, str]
    numbers: dict[str, str]
    """A number of an entitlement of everybody."""

    @property
    def dump(self) -> list[Row]:
        return dump_of(self.live)

    def without_planted(self) -> "StolenData":
        """Return what is the product's own."""
        lists = {name: [row for row in getattr(self, name) if MARKER not in row.table] for name in KINDS}
        return replace(self, **lists)


def take(day: Day, log: str) -> StolenData:
    """Take everything from a city that runs: read its tables, its files, its log and Valkey's files."""
    home = day.builder.city.home.path
    with psycopg.connect(day.builder.city.postgres.url, autocommit=True) as connection:
        live = live_rows(connection)
        find = pages.Finder({atom for row in live for atom in row.atoms()} | ids(day), number_keys(connection))
        # before the checkpoint, which lets segments go that an archive would keep
        wal = pages.log_rows(home / "postgres", pages.relations(connection), find)
        connection.execute("CHECKPOINT")
        on_disk = pages.page_rows(home / "postgres", pages.table_files(connection), find)
    numbers = {f"{row.values['number']}": row.values["resident_id"] for row in live if row.table == "entitlements"}
    hashes = plain_hashes(day, numbers)
    people = {one.id.replace("-", ""): one.id for one in (*day.residents, *day.wards)} | hashes
    valkey = [*valkey_rows(home / "valkey"), *valkey_memory(day.builder.city.valkey.url)]
    of_people = {str(resident): number for number, resident in numbers.items()}
    return StolenData(day, live, wal, on_disk, valkey, log_rows(log), people, hashes, of_people)


def ids(day: Day) -> set[str]:
    """Return what of the city's day may stand in files though no row of today has it."""
    return {scan.scan_id.replace("-", "") for scan in day.truth} | {one.id.replace("-", "") for one in day.residents}


@dataclass(frozen=True)
class Attempt:
    """One way that was tried by one thief."""

    way: str
    finding: Finding


def attempts(data: StolenData, thieves: Collection[str] | None = None) -> list[Attempt]:
    """Let every thief try every way, or those thieves that are named."""
    day, results = data.day, []
    owners, population = day.owners | day.sign_ins | day.disputes_for_wards, day.population
    for thief, look, ways in VIEWS:
        if thieves is None or thief in thieves:
            view = look(data)
            of_trails = trails_of(view, owners, population)
            results += [
                Attempt(f"{thief}: {way}", judge(scores, of_trails, population)) for way, scores in attack(view, ways)
            ]
    return results


def _dump(data: StolenData) -> View:
    return View(data.dump, data.people)


def _live(data: StolenData) -> View:
    return View(data.live, data.people)


def _disk(data: StolenData) -> View:
    """With the dump's rows, out of which files are understood."""
    return View([*data.dump, *data.wal, *data.pages], data.people, tables=lambda name: name[:4] in ("WAL ", "page"))


def _log(data: StolenData) -> View:
    return View(data.log, data.people, scans_of_log(data.log, data.day))


def _log_and_dump(data: StolenData) -> View:
    return View([*data.dump, *data.log], data.people, tables=lambda name: name.startswith(("log ", "audit")))


def _valkey_and_dump(data: StolenData) -> View:
    return View([*data.dump, *data.valkey], data.people, tables=lambda name: name.startswith("valkey"))


def _in_order(data: StolenData, table: str, wanted: Mapping[str, str], column: str | None = None) -> View:
    """With what a dump has of sign-ins or disputes, in the order of a table or of a column, in the scans' place."""
    ids = {UUID(one).hex: one for one in wanted}
    rows, found = data.dump, {}

    def order(at: int) -> int:
        return rows[at].place if column is None else rows[at].values[column]

    for at in sorted((at for at, row in enumerate(rows) if row.table == table), key=order):
        for atom in rows[at].atoms() & ids.keys():
            found.setdefault(atom, at)
    scans = [ObservedScan(at, ids[atom], atom, float(rank), "", "") for rank, (atom, at) in enumerate(found.items())]
    return View(rows, data.people, scans)


def _sign_ins(data: StolenData) -> View:
    return _in_order(data, "refresh_families", data.day.sign_ins)


def _refresh_tokens(data: StolenData) -> View:
    return _in_order(data, "refresh_tokens", data.day.sign_ins)


def _disputes_for_wards(data: StolenData) -> View:
    return _in_order(data, "disputes", data.day.disputes_for_wards)


def _numbers_of_disputes_for_wards(data: StolenData) -> View:
    return _in_order(data, "disputes", data.day.disputes_for_wards, "data_key")


VIEWS: Sequence[tuple[str, Callable[[StolenData], View], Sequence[Way]]] = (
    ("dump", _dump, VALUES),
    ("live SQL", _live, TRANSACTIONS),
    ("disk", _disk, (*VALUES, *TRANSACTIONS)),
    ("log", _log, VALUES),
    ("log and dump", _log_and_dump, VALUES),
    ("Valkey and dump", _valkey_and_dump, VALUES),
    ("sign-ins in a dump", _sign_ins, ORDERS),
    ("refresh tokens in a dump", _refresh_tokens, ORDERS),
    ("guardians' disputes in a dump", _disputes_for_wards, ORDERS),
    ("guardians' disputes by their data keys", _numbers_of_disputes_for_wards, ORDERS),
)


def trails_of(view: View, truth: Mapping[str, str], population: Sequence[str]) -> dict[str, str]:
    """Return whose each trail really is: of every person the longest."""
    lengths = Counter(scan.trail for scan in view.scans)
    owners = {scan.trail: truth[scan.scan_id] for scan in view.scans if scan.scan_id in truth}
    longest: dict[str, str] = {}
    for trail, _ in lengths.most_common():
        if owners.get(trail) in population:
            longest.setdefault(owners[trail], trail)
    return {trail: person for person, trail in longest.items()}


def scans_of_log(rows: Sequence[Row], day: Day) -> list[ObservedScan]:
    """Return the scans that a log tells of: each is a trail by itself, for nothing in it joins two of them."""
    scan_ids = {scan.request_id: scan.scan_id for scan in day.truth}
    return [
        ObservedScan(at, scan_ids[row.values["request_id"]], f"line {at}", moment, "", "")
        for at, row in enumerate(rows)
        if row.table == SCANNING and row.values["request_id"] in scan_ids
        for name, moment in row.moments()
        if name == "timestamp"
    ]


def limit_names() -> set[str]:
    """Return the names of all counters: whoever steals has the source code, which is public."""
    names = set()
    for path in Path(qe_ban.__file__).parent.rglob("*.py"):
        names |= {name for match in LIMIT.finditer(path.read_text("utf-8")) for name in match.groups() if name}
    return names


def plain_hashes(day: Day, numbers: Mapping[str, UUID]) -> dict[str, str]:
    """Return what hashes without a key would make of people's ids and numbers: a thief can try everybody's.

    `numbers`: those of entitlements, small enough to be tried all.
    """
    names = sorted(limit_names())
    texts: dict[bytes, str] = {number.encode(): str(resident) for number, resident in numbers.items()}
    for person in (*day.residents, *day.wards):
        plain = [person.phone, person.id_number, person.id, f"resident:{person.id}", person.name]
        counters = (f"{name}\0{prefix}{text}" for name in names for text in plain for prefix in PREFIXES)
        texts |= {text.encode(): person.id for text in (*plain, *counters)}
        texts[bytes.fromhex(person.id.replace("-", ""))] = person.id
    hashes: dict[str, str] = {}
    for text, person in texts.items():
        for algorithm in HASHES:
            digest = hashlib.new(algorithm, text, usedforsecurity=False).hexdigest()
            hashes |= {digest: person, digest[:32]: person, digest[:16]: person}
    return hashes


def exposed(rows: Sequence[Row], hashes: Mapping[str, str]) -> dict[str, int]:
    """Return how many people's numbers or ids stand in a table as plain hashes, by table."""
    people: dict[str, set[str]] = {}
    for row in rows:
        for atom in row.atoms() & hashes.keys():
            people.setdefault(row.table, set()).add(hashes[atom])
    return {table: len(of_table) for table, of_table in people.items()}
