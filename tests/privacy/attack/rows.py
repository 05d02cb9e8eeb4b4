"""What a thief or an insider has: rows of every table, of the log, of Valkey, of an interface, in one shape.

A row has values by name. Where whoever holds it sees more than values, it also has the transaction that wrote it
(`xid`) and its place among its neighbours (`place`): the operator's system columns, table files, the write-ahead log.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import redis

UUID_TEXT = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
HEX = re.compile(r"(?<![0-9a-f])(?:[0-9a-f]{2}){8,64}(?![0-9a-f])", re.IGNORECASE)
NUMBER_OF_ROW = re.compile(r"\w+\.\w+=\d+")
MOMENT_TEXT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
V7_FIRST, V7_LAST = datetime(2025, 1, 1, tzinfo=UTC).timestamp(), datetime(2040, 1, 1, tzinfo=UTC).timestamp()
WRITERS, FROZEN = "(transactions)", 2


@dataclass
class Row:
    """One row. `table` says where it was found, `values` what it says."""

    table: str
    values: dict[str, Any]
    xid: int | None = None
    place: int | None = None
    keys: dict[str, str] = field(default_factory=dict)
    """Which values are numbers that name a row of another table: column to `table.column`."""

    def atoms(self) -> set[str]:
        """Return all that may name something: ids and hashes in one spelling, numbers by what they name."""
        return {atom for name, value in self.values.items() for atom in atoms(value, self.keys.get(name))}

    def moments(self) -> Iterator[tuple[str, float]]:
        """Yield every moment in the row, in seconds: of columns, of texts, of ids that carry one."""
        for name, value in self.values.items():
            for more, moment in moments(value):
                yield name + more, moment


def atoms(value: Any, key: str | None = None) -> Iterator[str]:
    """Yield what may name something in a value."""
    if isinstance(value, UUID):
        yield value.hex
    elif isinstance(value, bytes | memoryview):
        raw = bytes(value)
        if len(raw) >= 8:
            yield raw.hex()
    elif isinstance(value, str):
        if NUMBER_OF_ROW.fullmatch(value):
            yield value
        if "-" in value:
            yield from (match.replace("-", "").lower() for match in UUID_TEXT.findall(value))
        yield from (match.lower() for match in HEX.findall(value))
    elif isinstance(value, dict):
        for member in value.values():
            yield from atoms(member)
    elif isinstance(value, list | tuple):
        for member in value:
            yield from atoms(member)
    elif key is not None and isinstance(value, int):
        yield f"{key}={value}"


def moments(value: Any) -> Iterator[tuple[str, float]]:
    """Yield the moments in a value, each with what tells it from other moments of the same column."""
    if isinstance(value, datetime):
        yield "", value.timestamp()
    elif isinstance(value, UUID):
        if value.version == 7 and V7_FIRST < (seconds := (value.int >> 80) / 1000) < V7_LAST:
            yield " (in the id)", seconds
    elif isinstance(value, str):
        for match in MOMENT_TEXT.findall(value):
            yield "", datetime.fromisoformat(match).timestamp()
        for match in UUID_TEXT.findall(value):
            yield from moments(UUID(match))
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from ((f".{name}{more}", moment) for more, moment in moments(member))
    elif isinstance(value, list):
        for member in value:
            yield from moments(member)
    elif isinstance(value, int) and not isinstance(value, bool) and value > 10**9:
        for scale in (1, 1000):
            if V7_FIRST < value / scale < V7_LAST:
                yield " (epoch)", value / scale


def tables(connection: psycopg.Connection) -> list[str]:
    """Return every table that holds rows: partitions, not what they are parts of."""
    query = """SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE c.relkind = 'r' AND n.nspname = 'public' ORDER BY 1"""
    return [name for (name,) in connection.execute(query)]


def number_keys(connection: psycopg.Connection) -> dict[tuple[str, str], str]:
    """Return which integer columns name rows: those of primary keys of one column, and what refers to them."""
    query = """SELECT c.contype, r.relname, a.attname, COALESCE(f.relname, r.relname), COALESCE(b.attname, a.attname)
               FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid
               JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = c.conkey[1]
               LEFT JOIN pg_class f ON f.oid = c.confrelid
               LEFT JOIN pg_attribute b ON b.attrelid = f.oid AND b.attnum = c.confkey[1]
               WHERE c.contype IN ('p', 'f') AND cardinality(c.conkey) = 1 AND a.atttypid IN (20, 23)
               ORDER BY c.contype DESC"""
    return {(table, column): f"{of}.{named}" for _, table, column, of, named in connection.execute(query)}


def live_rows(connection: psycopg.Connection) -> list[Row]:
    """Return every row with what the operator sees beside it: the transaction, and the place in the table."""
    keys, rows = number_keys(connection), []
    for table in tables(connection):
        of_table = {column: key for (name, column), key in keys.items() if name == table}
        # the order of a sequential scan is the order of ctid, which is also the order of pg_dump's lines
        cursor = connection.execute(f'SELECT xmin::text::bigint, xmax::text::bigint, * FROM "{table}"')
        names = [column.name for column in cursor.description][2:]
        for place, (xid, locked_by, *values) in enumerate(cursor):
            by_name = dict(zip(names, values, strict=True)) | {WRITERS: writers(xid, locked_by)}
            rows.append(Row(without_month(table), by_name, xid, place, of_table))
    return rows


def writers(xid: int, locked_by: int) -> list[str]:
    """Return the transactions of a row as names that join: which wrote it, and which locked or overwrote it."""
    return [f"transaction.xid={number}" for number in (xid, locked_by) if number > FROZEN]


def without_month(table: str) -> str:
    return re.sub(r"_\d{4}_\d\d$", "", table)


def dump_of(rows: Iterable[Row]) -> list[Row]:
    """Return what a dump tells of rows: their values and their order, no system columns."""
    return [
        replace(row, xid=None, values={name: value for name, value in row.values.items() if name != WRITERS})
        for row in rows
    ]


def log_rows(text: str) -> list[Row]:
    """Return the lines of a log."""
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return [Row(f"log {line.get('method', line.get('event'))} {line.get('route', '')}", line, place=place)
            for place, line in enumerate(lines)]  # fmt: skip


def valkey_rows(directory: Path) -> list[Row]:
    """Return the commands of Valkey's append-only file, in their order."""
    rows = []
    for path in sorted(directory.rglob("*.aof")):
        for place, words in enumerate(_commands(path.read_bytes())):
            values = {f"word {n}": _number(word) for n, word in enumerate(words)}
            rows.append(Row(f"valkey {words[0].upper() if words else ''}", values, place=place))
    return rows


def valkey_memory(url: str) -> list[Row]:
    """Return the keys that Valkey has in memory, with their ends."""
    with redis.Redis.from_url(url) as valkey:
        keys = sorted(valkey.scan_iter(count=1000))
        return [
            Row(f"valkey {_family(key)}", {"key": key.decode("utf-8", "replace"), "ends": valkey.pexpiretime(key)})
            for key in keys
        ]


def _family(key: bytes) -> str:
    return ":".join(word for word in key.decode("utf-8", "replace").split(":") if word.isalpha())


def _commands(data: bytes) -> Iterator[list[str]]:
    at = 0
    while (match := re.compile(rb"\*(\d+)\r\n").match(data, at)) is not None:
        at, words = match.end(), []
        for _ in range(int(match[1])):
            length = re.compile(rb"\$(\d+)\r\n").match(data, at)
            if length is None:
                return
            words.append(data[length.end() : length.end() + int(length[1])].decode("utf-8", "replace"))
            at = length.end() + int(length[1]) + 2
        yield words


def _number(word: str) -> int | str:
    return int(word) if word.isdecimal() and len(word) < 19 else word
