"""PostgreSQL's files, read as a thief of a disk or of a backup reads them: pages of tables, and the write-ahead log.

Both hold more than a dump: rows that were deleted or overwritten since, and which transaction wrote what.
"""

import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg

from tests.privacy.attack.rows import WRITERS, Row, without_month, writers

PAGE = 8192
LONGEST_RECORD = 4096
"""Longer records are images of whole pages, which have many rows of many transactions."""
_PAGE_HEADER, _LONG_PAGE_HEADER, _RECORD_HEADER = 24, 40, 24


def relations(connection: psycopg.Connection) -> dict[int, str]:
    """Return tables and indexes by the number of their files; a thief reads the same out of the catalogue's files."""
    query = """SELECT c.relfilenode, COALESCE(t.relname, c.relname), c.relkind FROM pg_class c
               JOIN pg_namespace n ON n.oid = c.relnamespace
               LEFT JOIN pg_index i ON i.indexrelid = c.oid LEFT JOIN pg_class t ON t.oid = i.indrelid
               WHERE n.nspname = 'public' AND c.relfilenode > 0"""
    return {number: without_month(table) for number, table, _ in connection.execute(query)}


def table_files(connection: psycopg.Connection) -> dict[str, str]:
    """Return the paths of tables within the data directory."""
    query = """SELECT c.relname, pg_relation_filepath(c.oid)
               FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE c.relkind = 'r' AND n.nspname = 'public'"""
    return dict(connection.execute(query).fetchall())


def page_rows(data: Path, files: dict[str, str], find: Callable[[str, bytes], set[str]]) -> list[Row]:
    """Return every tuple that stands in the tables' pages, the dead ones too, as the names that are found in it."""
    rows = []
    for table, path in files.items():
        content = (data / path).read_bytes()
        for number in range(len(content) // PAGE):
            for xid, locked_by, raw in _tuples(content[number * PAGE : (number + 1) * PAGE]):
                name = without_month(table)
                values = {"raw": sorted(find(name, raw)), WRITERS: writers(xid, locked_by)}
                rows.append(Row(f"pages of {name}", values, xid, len(rows)))
    return rows


def _tuples(page: bytes) -> Iterator[tuple[int, int, bytes]]:
    lower, upper = struct.unpack_from("<HH", page, 12)
    if not 24 <= lower <= upper <= PAGE:
        return
    for at in range(24, lower, 4):
        (pointer,) = struct.unpack_from("<I", page, at)
        offset, length = pointer & 0x7FFF, pointer >> 17
        if offset >= upper and length > 24:
            yield *struct.unpack_from("<II", page, offset), page[offset + 23 : offset + length]


def log_records(data: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the write-ahead log's records, transaction and content, in the order in which they were written."""
    stream = bytearray()
    for segment in sorted((data / "pg_wal").glob("[0-9A-F]" * 24)):
        content = segment.read_bytes()
        size = len(content)
        begin = (int(segment.name[8:16], 16) << 32) + int(segment.name[16:], 16) * size
        for at in range(0, size, PAGE):
            magic, info, _, address, rest = struct.unpack_from("<HHIQI", content, at)
            # a segment that is used anew still has the pages of its former use behind those of this one
            if magic == 0 or address != begin + at:
                break
            header = _LONG_PAGE_HEADER if info & 2 else _PAGE_HEADER
            if not stream and rest:
                header += (rest + 7) & ~7
            if header < PAGE:
                stream += content[at + header : at + PAGE]
    yield from _records(bytes(stream))


def _records(stream: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + _RECORD_HEADER <= len(stream):
        length, xid = struct.unpack_from("<II", stream, at)
        if length < _RECORD_HEADER:
            # the rest of a segment that was switched is empty
            at = next((n for n in range(at + 8, len(stream) - 8, 8) if stream[n : n + 4] != b"\0\0\0\0"), len(stream))
            continue
        yield xid, stream[at + _RECORD_HEADER : at + length]
        at += (length + 7) & ~7


def log_rows(data: Path, tables: dict[int, str], find: Callable[[str, bytes], set[str]]) -> list[Row]:
    """Return the records of the write-ahead log that change tables or indexes, as the names that are found in them."""
    rows = []
    for xid, content in log_records(data):
        if xid == 0 or len(content) > LONGEST_RECORD:
            continue
        table = next((tables[n] for n in _numbers(content) if n in tables), None)
        if table is not None and (names := find(table, content)):
            rows.append(Row(f"WAL of {table}", {"raw": sorted(names), WRITERS: writers(xid, 0)}, xid, len(rows)))
    return rows


def _numbers(content: bytes) -> Iterator[int]:
    """Yield what may be the number of a relation's file: it stands within the record's first bytes."""
    for at in range(min(len(content) - 4, 24)):
        yield struct.unpack_from("<I", content, at)[0]


class Finder:
    """Finds known names in raw bytes: ids and hashes as they are, numbers of rows in tables that refer to them."""

    def __init__(self, names: set[str], keys: dict[tuple[str, str], str]) -> None:
        self.raw: dict[int, set[bytes]] = {}
        for atom in names:
            if "=" not in atom and len(atom) % 2 == 0:
                data = bytes.fromhex(atom)
                self.raw.setdefault(len(data), set()).add(data)
        self.numbers: dict[str, dict[bytes, str]] = {}
        for (table, _), key in keys.items():
            for atom in names:
                name, _, number = atom.partition("=")
                if number and name == key:
                    packed = struct.pack("<q", int(number))
                    self.numbers.setdefault(without_month(table), {})[packed] = atom

    def __call__(self, table: str, content: bytes) -> set[str]:
        names = set()
        for size, raw in self.raw.items():
            windows = {content[at : at + size] for at in range(len(content) - size + 1)}
            names |= {match.hex() for match in windows & raw}
        if numbers := self.numbers.get(table):
            windows = {content[at : at + 8] for at in range(len(content) - 7)}
            names |= {numbers[window] for window in windows & numbers.keys()}
        return names
