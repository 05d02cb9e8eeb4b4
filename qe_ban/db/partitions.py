"""Tables that are cut by months of a column: months are made ahead, and dropped when they are over and empty.

A table's parts are `table_2026_12`, the table's rows from before it was cut, and a default part for what no month
takes, so that no row is ever refused for want of a part.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

AHEAD: Final = 3
"""How many months after the present one there are."""

_WAIT = text("SET LOCAL lock_timeout = '200ms'")
_GLANCE = text("SET LOCAL statement_timeout = '500ms'")
_PARTS = text("""
SELECT c.relname, pg_get_expr(c.relpartbound, c.oid)
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = CAST(:table AS regclass) ORDER BY c.relname
""")
_BOUNDS = re.compile(r"FOR VALUES FROM \((?:'(?P<start>[^']+)'|MINVALUE)\) TO \('(?P<end>[^']+)'\)")

_log = structlog.get_logger("qe_ban.db")


@dataclass(frozen=True, slots=True)
class Part:
    """One part. `start` is None for the oldest; it ends before `end`."""

    name: str
    start: datetime | None
    end: datetime


def parts(session: Session, table: str) -> list[Part]:
    """Return a table's parts but for the default one, in the order of their names."""
    result = []
    for name, bounds in session.execute(_PARTS, {"table": table}):
        if match := _BOUNDS.fullmatch(bounds):
            start = datetime.fromisoformat(match["start"]) if match["start"] else None
            result.append(Part(name, start, datetime.fromisoformat(match["end"])))
    return result


def make_ahead(session: Session, table: str, now: datetime, *, move: bool = False) -> list[str]:
    """Make the months that are missing, from the present to three ahead; return the names of those made.

    A month is made beside the table and then joined to it: who writes rows does not wait; who reads all parts waits
    for that moment, for the default part is locked and read. Rows of a month that some wrong clock dated ahead are in
    the default part: with `move` they go to the month, else that month's rows go to the default part for good.
    Raises DatabaseUnavailable when a lock is not to be had within 200 ms: then again later.
    """
    existing, names = parts(session, table), []
    session.execute(_WAIT)
    for start, end in _months(now):
        if any((part.start is None or part.start <= start) and start < part.end for part in existing):
            continue
        name = f"{table}_{start:%Y_%m}"
        strays = _default_has(session, table, start, end)
        if strays and not move:
            _log.warning("partitions.left_to_default", table=table, month=name)
            continue
        delete = f"DELETE FROM {table}_default WHERE at >= '{start}' AND at < '{end}' RETURNING *"  # noqa: S608 - our names
        move_rows = (
            f"LOCK TABLE {table}_default IN ACCESS EXCLUSIVE MODE",
            f"WITH gone AS ({delete}) INSERT INTO {name} SELECT * FROM gone",  # noqa: S608 - likewise
        )
        for statement in (
            f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)",
            *(move_rows if strays else ()),
            f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ('{start}') TO ('{end}')",
        ):
            session.execute(text(statement))
        names.append(name)
    return names


def drop_empty(session: Session, table: str, before: datetime) -> list[str]:
    """Drop the parts that end before a moment and hold no row; return their names.

    A part is locked while it is looked at for the last time, at most half a second, and the whole table only for the
    drop; nobody waits for a lock longer than 200 ms. Raises DatabaseUnavailable when that is not enough, as where
    what was deleted still fills a part that is not yet vacuumed: then again later.
    """
    over = [part.name for part in parts(session, table) if part.end <= before and not _has_rows(session, part.name)]
    if over:
        session.execute(_WAIT)
        session.execute(_GLANCE)
    for name in over:
        session.execute(text(f"LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE"))
    names = [name for name in over if not _has_rows(session, name)]
    for name in names:
        session.execute(text(f"DROP TABLE {name}"))
    return names


def _months(now: datetime) -> Iterator[tuple[datetime, datetime]]:
    start = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for _ in range(AHEAD + 1):
        end = (start + timedelta(days=32)).replace(day=1)
        yield start, end
        start = end


def _default_has(session: Session, table: str, start: datetime, end: datetime) -> bool:
    query = text(f"SELECT EXISTS (SELECT FROM {table}_default WHERE at >= :start AND at < :end)")  # noqa: S608
    return bool(session.scalar(query, {"start": start, "end": end}))


def _has_rows(session: Session, part: str) -> bool:
    return bool(session.scalar(text(f"SELECT EXISTS (SELECT FROM {part})")))  # noqa: S608 - our own names
