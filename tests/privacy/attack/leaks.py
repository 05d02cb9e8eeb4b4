"""Leaks that tests slip in, one of each kind, so that no way is blind.

Those of files and transactions are made in the running database, where the product writes; the others are rows beside
those that were taken.
"""

import hashlib
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import psycopg

from qe_ban.halls.service.list_owners import owner_ids
from tests.privacy.attack.life import Day, TrueScan
from tests.privacy.attack.rows import Row
from tests.privacy.attack.thieves import MARKER, SCANNING, StolenData

Leak = Callable[[StolenData], StolenData]
LISTS = "recent_items"
OTHERS = 3
"""Transactions of nobody between two neighbours."""


def in_database(day: Day) -> None:
    """Write the leaks of transactions and files: in tables of their own, one with residents and one with scans of each.

    `planted_shared`: a row of either in one transaction. `planted_next`: in transactions with few between.
    `planted_gone`: as shared, and deleted since: only pages and the write-ahead log still have it.
    """
    with psycopg.connect(day.builder.city.postgres.url, autocommit=True) as connection:
        for name in ("planted_shared", "planted_next", "planted_gone"):
            for half, column in (("people", "resident"), ("scans", "scan")):
                connection.execute(f"CREATE TABLE {name}_{half} ({column} uuid) WITH (autovacuum_enabled = false)")
        for scan in _one_for_each(day):
            for name in ("planted_shared", "planted_gone"):
                with connection.transaction():
                    _insert(connection, name, scan)
            _insert(connection, "planted_next", scan)
            for _ in range(OTHERS):
                connection.execute("SELECT pg_current_xact_id()")
        connection.execute("DELETE FROM planted_gone_people")


def _insert(connection: psycopg.Connection, name: str, scan: TrueScan) -> None:
    connection.execute(f"INSERT INTO {name}_people VALUES (%s)", [scan.resident])
    connection.execute(f"INSERT INTO {name}_scans VALUES (%s)", [scan.scan_id])


def _one_for_each(day: Day) -> list[TrueScan]:
    """Return one scan of the longest trail of each resident, in an order that is nobody's."""
    of_identity = [scan for scan in day.truth if scan.purpose != "registration"]
    scans = list({scan.resident: scan for scan in of_identity if scan.resident in day.population}.values())
    random.shuffle(scans)
    return scans


def only_planted(data: StolenData) -> StolenData:
    """Return what was slipped in, with the scans and what they are put beside: the rest has been attacked before."""

    def of(rows: list[Row], *tables: str) -> list[Row]:
        return [row for row in rows if MARKER in row.table or row.table in tables]

    live = of(data.live, "scans", LISTS, "refresh_families", "refresh_tokens", "disputes")
    return replace(data, live=live, wal=of(data.wal), pages=of(data.pages),
                   valkey=of(data.valkey), log=of(data.log, SCANNING))  # fmt: skip


def _with(data: StolenData, *rows: Row) -> StolenData:
    return replace(data, live=[*data.live, *rows])


def _scans(data: StolenData) -> list[TrueScan]:
    return sorted((scan for scan in data.day.truth if scan.resident in data.day.population), key=lambda scan: scan.at)


def a_column_with_the_exact_time(data: StolenData) -> StolenData:
    early = timedelta(milliseconds=30)
    return _with(
        data, *(Row(MARKER, {"resident": UUID(scan.resident), "at": scan.at - early}) for scan in _scans(data))
    )


def an_id_that_has_the_time(data: StolenData) -> StolenData:
    def id_of(scan: TrueScan) -> UUID:
        return UUID(int=int(scan.at.timestamp() * 1000) << 80 | 7 << 76 | 2 << 62 | random.getrandbits(62))

    return _with(data, *(Row(MARKER, {"id": id_of(scan), "resident": UUID(scan.resident)}) for scan in _scans(data)))


def a_moment_within_json(data: StolenData) -> StolenData:
    details = ({"who": scan.resident, "when": scan.at.isoformat()} for scan in _scans(data))
    return _with(data, *(Row(MARKER, {"details": detail}) for detail in details))


def a_plain_id_beside_the_scan(data: StolenData) -> StolenData:
    details = ({"scan": scan.scan_id, "who": scan.resident} for scan in _scans(data))
    return _with(data, *(Row(MARKER, {"details": detail}) for detail in details))


def a_value_that_two_tables_share(data: StolenData) -> StolenData:
    rows = []
    for scan in _scans(data):
        token = random.randbytes(16)
        rows.append(Row(MARKER, {"resident": UUID(scan.resident), "token": token}))
        rows.append(Row(f"{MARKER} too", {"scan": scan.scan_id, "token": token.hex()}))
    return _with(data, *rows)


def a_hash_without_a_key(data: StolenData) -> StolenData:
    phones = {one.id: one.phone for one in data.day.residents}
    rows = (
        Row(MARKER, {"scan": scan.scan_id, "who": hashlib.sha256(phones[scan.resident].encode()).digest()})
        for scan in _scans(data)
    )
    return _with(data, *rows)


def a_hash_of_a_small_number(data: StolenData) -> StolenData:
    rows = (
        Row(MARKER, {"scan": scan.scan_id, "what": hashlib.md5(data.numbers[scan.resident].encode()).hexdigest()})
        for scan in _scans(data)
    )
    return _with(data, *rows)


def a_number_that_counts_up(data: StolenData) -> StolenData:
    """In a table whose rows lie in no order."""
    rows = [Row(MARKER, {"id": n, "resident": UUID(scan.resident)}) for n, scan in enumerate(_scans(data))]
    return _with(data, *rows)


def rows_in_the_order_of_scans(data: StolenData) -> StolenData:
    return _with(
        data,
        *(Row(MARKER, {"resident": UUID(scan.resident)}, place=n) for n, scan in enumerate(_scans(data))),
    )


def _in_the_order_of(data: StolenData, table: str, people: dict[str, str]) -> StolenData:
    rows = sorted((row for row in data.live if row.table == table), key=lambda row: row.place)
    owners = [people[str(row.values["id"])] for row in rows if str(row.values["id"]) in people]
    return _with(data, *(Row(MARKER, {"resident": UUID(owner)}, place=n) for n, owner in enumerate(owners)))


def accounts_in_the_order_of_sign_ins(data: StolenData) -> StolenData:
    return _in_the_order_of(data, "refresh_families", data.day.sign_ins)


def guardians_acts_in_the_order_of_disputes(data: StolenData) -> StolenData:
    return _in_the_order_of(data, "disputes", data.day.disputes_for_wards)


def a_guardians_act_that_says_which_dispute(data: StolenData) -> StolenData:
    acts = data.day.disputes_for_wards.items()
    return _with(data, *(Row(MARKER, {"actor_id": UUID(who), "subject": dispute}) for dispute, who in acts))


def a_row_for_each_scan(data: StolenData) -> StolenData:
    rows = [Row(MARKER, {"resident": UUID(scan.resident)}) for scan in _scans(data) if scan.purpose != "registration"]
    random.shuffle(rows)
    return _with(data, *rows)


def items_read_by_plain_id(data: StolenData) -> StolenData:
    """What residents read, as if the rows that the product wrote stood under their ids."""
    rings = data.day.builder.city.parts.rings
    plain = {owner: UUID(one.id) for one in data.day.residents for owner in owner_ids(rings, UUID(one.id))}
    rows = [
        replace(row, table=MARKER, values=row.values | {"resident_id": plain[row.values["resident_id"]]})
        for row in data.live
        if row.table == LISTS and row.values["resident_id"] in plain
    ]
    return _with(data, *rows)


def a_length_of_ones_own(data: StolenData) -> StolenData:
    rows = []
    for n, person in enumerate(data.day.residents):
        rows.append(Row(MARKER, {"resident": UUID(person.id), "sealed": bytes(n + 1)}))
        rows += [
            Row(f"{MARKER} too", {"scan": scan.scan_id, "sealed": bytes(n + 29)})
            for scan in data.day.truth
            if scan.resident == person.id
        ]
    return _with(data, *rows)


def a_line_of_the_log_before_each_scan(data: StolenData) -> StolenData:
    rows = [
        Row(f"log {MARKER}", {"timestamp": scan.at.isoformat(), "principal": f"resident:{scan.resident}"})
        for scan in _scans(data)
    ]
    return replace(data, log=[*data.log, *rows])


def a_name_on_the_line_of_the_scan(data: StolenData) -> StolenData:
    residents = {scan.request_id: scan.resident for scan in data.day.truth}
    lines = [row for row in data.log if row.table == SCANNING and row.values["request_id"] in residents]
    rows = [Row(f"log {MARKER}", row.values | {"who": residents[row.values["request_id"]]}) for row in lines]
    # the same request beside the scan
    scans = [Row(f"audit {MARKER}", {"scan": s.scan_id, "request_id": s.request_id}) for s in _scans(data)]
    return replace(data, log=[*data.log, *rows], live=[*data.live, *scans])


def a_counter_in_valkey(data: StolenData) -> StolenData:
    rows = []
    for scan in _scans(data):
        digest = hashlib.sha256(f"codes.issue\0{scan.resident}".encode()).hexdigest()[:32]
        ends = int(scan.at.timestamp() * 1000) + 60_000
        rows.append(Row(f"valkey {MARKER}", {"word 1": f"qe:limit:{digest}", "word 2": ends - 60_050}))
    return replace(data, valkey=[*data.valkey, *rows])


def a_phone_as_a_plain_hash(data: StolenData) -> StolenData:
    rows = [
        Row(MARKER, {"subject": hashlib.sha256(f"otp-phone\x00127.0.0.1\x00{one.phone}".encode()).hexdigest()[:32]})
        for one in data.day.residents
    ]
    return _with(data, *rows)


def of_one_subject(day: Day, events: list[dict]) -> list[dict]:
    """Return the audit's events as if their subject were the holder's everywhere."""
    holders = {scan.request_id: hashlib.sha256(scan.resident.encode()).hexdigest() for scan in day.truth}
    return [event | {"subject": holders.get(event["request_id"], event["subject"])} for event in events]


def with_the_scan(day: Day, disputes: list[dict]) -> list[dict]:
    """Return the disputes as if the district saw which scan each is about."""
    last = {scan.resident: scan for scan in day.truth}
    return [
        dispute | {"scan": {"scan_id": last[day.disputes[dispute["id"]]].scan_id}}
        for dispute in disputes
        if dispute["id"] in day.disputes
    ]


def with_the_moment(day: Day, disputes: list[dict]) -> list[dict]:
    """Return the disputes as if the district saw the moment of the scan."""
    last = {scan.resident: scan for scan in day.truth}
    return [
        dispute | {"scan": {"at": last[day.disputes[dispute["id"]]].at.isoformat()}}
        for dispute in disputes
        if dispute["id"] in day.disputes
    ]


def lines_with_looked_up_ids(day: Day, people: dict[str, str], log: list[Row]) -> list[Row]:
    """Return a log whose lines of issuing have the ids that look-ups give."""
    of_person = {person: atom for atom, person in people.items()}
    rows = [
        Row(f"log {MARKER}", {"timestamp": scan.at.isoformat(), "principal": str(UUID(of_person[scan.resident][:32]))})
        for scan in day.truth
        if scan.resident in of_person
    ]
    return [*log, *rows]


IN_ROWS: dict[Leak, str] = {
    a_column_with_the_exact_time: "dump: time of planted.at, before",
    an_id_that_has_the_time: "dump: time of planted.id (in the id), ",
    a_moment_within_json: "dump: time of planted.details.when, ",
    a_plain_id_beside_the_scan: "dump: equal value in planted",
    a_value_that_two_tables_share: "dump: equal value in planted",
    a_hash_without_a_key: "dump: equal value in planted",
    a_hash_of_a_small_number: "dump: equal value in planted",
    a_number_that_counts_up: "dump: order of planted by id, of all scans",
    rows_in_the_order_of_scans: "dump: order of planted by place, of all scans",
    accounts_in_the_order_of_sign_ins: "sign-ins in a dump: order of planted by place, of all scans",
    guardians_acts_in_the_order_of_disputes: "guardians' disputes in a dump: order of planted by place, of all scans",
    a_guardians_act_that_says_which_dispute: "guardians' disputes in a dump: equal value in planted",
    a_row_for_each_scan: "dump: number of rows of planted",
    items_read_by_plain_id: "live SQL: neighbouring transaction of planted, before",
    a_length_of_ones_own: "dump: length of planted.sealed beside planted too.sealed",
    a_line_of_the_log_before_each_scan: "log and dump: time of log planted.timestamp, ",
    a_name_on_the_line_of_the_scan: "log and dump: equal value in log planted",
    a_counter_in_valkey: "Valkey and dump: time of valkey planted.word 2 (epoch), before",
}
"""What is slipped in, and by which way it must be found."""
IN_DATABASE = (
    "live SQL: transaction of planted_shared_people",
    "live SQL: neighbouring transaction of planted_next_people, after",
    "disk: transaction of WAL of planted_shared_people",
    "disk: neighbouring transaction of WAL of planted_next_people, after",
    "disk: transaction of pages of planted_shared_people",
    "disk: transaction of pages of planted_gone_people",
    "disk: transaction of WAL of planted_gone_people",
)
