"""Encrypts old columns anew under today's column key, and says which column keys are still needed; in small steps."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, TableClause, func, select, tuple_, update
from sqlalchemy import column as sql_column
from sqlalchemy import table as sql_table
from sqlalchemy.orm import Session

from qe_ban.kernel.clock import Clock
from qe_ban.keys import data_keys, moments, vault
from qe_ban.keys.data_files import DataKeyDestroyed
from qe_ban.keys.data_keys import Owner
from qe_ban.keys.models import Key, Ring
from qe_ban.keys.retirement import lengthen
from qe_ban.keys.rings import KeyMissing, KeyRings

STEP = 200
LOOKED_AT = 20_000


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column that is sealed: its table, the table's key, and the name that it is sealed under.

    `name` is None where nothing lives long enough to be sealed anew. `owner`: whose data key it is sealed under, and
    `owner_id` the column with the owner's id; None where the day's column key is the only one.
    """

    table: str
    column: str
    name: str | None
    key: tuple[str, ...] = ("id",)
    owner: Owner | None = None
    owner_id: str = "id"


def _columns_of_owner(owner: Owner, *columns: str) -> tuple[SealedColumn, ...]:
    """Return sealed columns of the owner's own table."""
    return tuple(
        SealedColumn(owner.table, f"{column}_sealed", f"{owner.table}.{column}", owner=owner) for column in columns
    )


def _of_resident(table: str, *columns: str, owner_id: str = "resident_id") -> tuple[SealedColumn, ...]:
    """Return sealed columns of rows that belong to one resident."""
    return tuple(
        SealedColumn(table, f"{column}_sealed", f"{table}.{column}", owner=Owner.RESIDENT, owner_id=owner_id)
        for column in columns
    )


def _moments(dated_table: moments.DatedTable) -> SealedColumn:
    if not dated_table.is_named:
        return SealedColumn(dated_table.table, moments.COLUMN, dated_table.name, dated_table.key)
    owner_id = "id" if dated_table.table == Owner.RESIDENT.table else "resident_id"
    return SealedColumn(dated_table.table, moments.COLUMN, dated_table.name, dated_table.key, Owner.RESIDENT, owner_id)


_WITHDRAWALS: Final = ("kind", "slug", "number")
SEALED_COLUMNS: Final = (
    *_columns_of_owner(Owner.RESIDENT, "phone", "name", "id_number"),
    *_columns_of_owner(Owner.GUARDIANSHIP, "name", "id_number"),
    *_columns_of_owner(Owner.DEMAND, "title", "text", "contact", "phone", "answer"),
    *_columns_of_owner(Owner.DISPUTE, "resident", "scan", "text", "answer", "appellant", "appeal", "appeal_answer"),
    *_of_resident("recovery_cases", "phone", "basis", "decision_basis", owner_id="holder_id"),
    *_of_resident("health_corrections", "text", "answer"),
    *(_moments(dated_table) for dated_table in moments.DATED_TABLES if dated_table.exact),
    SealedColumn("demand_steps", "note_sealed", "demand_steps.note", owner=Owner.DEMAND, owner_id="demand_id"),
    # of many residents at once, or of staff
    SealedColumn("health_changes", "reason_sealed", "health_changes.reason"),
    SealedColumn("staff", "totp_sealed", "staff.totp_secret"),
    SealedColumn("alarms", "closing_note_sealed", "alarms.closing_note"),
    SealedColumn("pages", "reason_sealed", "pages.reason", key=("kind", "slug")),
    SealedColumn("page_withdrawals", "reason_sealed", "page_withdrawals.reason", key=_WITHDRAWALS),
    SealedColumn("audit_words", "text_sealed", "audit_words.text", key=("digest",)),
    # of one resident, whom the number of a data key would name in a row that names nobody; all end within weeks
    SealedColumn("refresh_families", "content_sealed", "refresh_families.content"),
    SealedColumn("outbox", "payload", "outbox.payload"),
    SealedColumn("short_numbers", "code_sealed", None, key=("mac",)),
    SealedColumn("requests_of_scans", "content_sealed", None),
    SealedColumn("acts_for_wards", "content_sealed", None),
    SealedColumn("fresh_consents", "content_sealed", None, key=("holder",)),
    SealedColumn("holders_over_month", "before_sealed", None, key=("holder",)),
)
"""Every sealed column of the database; a test compares it with the tables."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one step did: up to which row it came (None: there are no more), and which rows did not open."""

    last_key: Any
    count: int
    broken: tuple[Any, ...] = ()


def recent(session: Session, now: datetime, days: int) -> set[str]:
    """Return the kids of the column keys that serve or did in the last `days`: what lies under them stays as it is.

    Of no days, that is today's and those to come.
    """
    since = now - timedelta(days=days)
    return set(session.scalars(select(Key.kid).where(Key.ring == Ring.COLUMN, Key.expires > since)))


def reseal(
    session: Session,
    rings: KeyRings,
    sealed_column: SealedColumn,
    *,
    keep: Collection[str],
    after: Any,
    clock: Clock,
    limit: int = STEP,
) -> Step:
    """Encrypt the next rows whose column key is not one to keep, at most `limit` of them.

    Who is locked is passed over: what is changed now is sealed under today's key. Raises KeyMissing when that was not
    made.
    """
    if sealed_column.name is None:
        return Step(None, 0)
    _, keys, column = _source(sealed_column)
    query = select(*keys, column).where(column.is_not(None), _kid(column).not_in(list(keep)))
    rows = [
        _Row(tuple(key), bytes(text), vault.data_key_of(bytes(text)))
        for *key, text in _next(session, query, keys, after=after, limit=limit)
    ]
    return _seal_anew(session, rings, sealed_column, rows, clock, limit)


def bind(
    session: Session, rings: KeyRings, sealed_column: SealedColumn, *, after: Any, clock: Clock, limit: int = STEP
) -> Step:
    """Seal the next rows that lie under a day's column key alone under their owners' data keys, too.

    Who is locked, or has no data key yet, is passed over. Raises KeyMissing, DataKeysAway.
    """
    if sealed_column.owner is None:
        return Step(None, 0)
    source, keys, column = _source(sealed_column)
    owner = sql_table(sealed_column.owner.table, sql_column("id"), sql_column("data_key")).alias("owner")
    rows_with_owner = source.join(owner, owner.c.id == source.c[sealed_column.owner_id])
    query = select(*keys, column, owner.c.data_key).select_from(rows_with_owner)
    query = query.where(func.substring(column, 1, 1) == vault.OF_DAY, owner.c.data_key.is_not(None))
    rows = [
        _Row(tuple(key), bytes(text), data_key)
        for *key, text, data_key in _next(session, query, keys, after=after, limit=limit, of=source)
    ]
    return _seal_anew(session, rings, sealed_column, rows, clock, limit)


def give_data_keys(
    session: Session, rings: KeyRings, owner: Owner, *, after: Any, now: datetime, limit: int = STEP
) -> tuple[Any, int]:
    """Allocate a data key for the next owners that have something sealed and no key, at most `limit`.

    Returns up to which it came (None: there are no more), and how many it gave. Raises DataKeysAway.
    """
    columns = [sealed_column.column for sealed_column in SEALED_COLUMNS if sealed_column.table == owner.table]
    source = sql_table(owner.table, *(sql_column(name) for name in ("id", "data_key", *columns)))
    something = func.num_nonnulls(*(source.c[name] for name in columns)) > 0
    query = select(source.c.id).where(source.c.data_key.is_(None), something)
    ids = [row for (row,) in _next(session, query, [source.c.id], after=after, limit=limit)]
    numbers = data_keys.allocate_many(rings, session, owner, len(ids), now)
    # in one transaction with the keys' numbers alone: what is sealed follows in steps of its own
    for row, number in zip(ids, numbers, strict=False):
        session.execute(update(source).where(source.c.id == row).values(data_key=number))
    return ((ids[-1],) if len(ids) == limit else None), len(numbers)


@dataclass(frozen=True, slots=True)
class _Row:
    """What is sealed of a row, and under which data key it is to be sealed anew."""

    key: tuple[Any, ...]
    text: bytes
    data_key: int | None


def _next(
    session: Session,
    query: Select[Any],
    keys: Sequence[ColumnElement[Any]],
    *,
    after: Any,
    limit: int,
    of: TableClause | None = None,
) -> Sequence[Any]:
    """Return the next rows by their key, locked, but those that somebody else holds."""
    if after is not None:
        query = query.where(tuple_(*keys) > tuple_(*after))
    lengthen(session)
    free = query.order_by(*keys).limit(limit).with_for_update(skip_locked=True, key_share=True, of=of)
    return session.execute(free).all()


def _seal_anew(
    session: Session, rings: KeyRings, sealed_column: SealedColumn, rows: Sequence[_Row], clock: Clock, limit: int
) -> Step:
    source, keys, _ = _source(sealed_column)
    rings.column_key_of_day(clock())
    broken: list[str] = []
    for one in rows:
        row = vault.row_key(one.key)
        try:
            text = vault.unseal(rings, str(sealed_column.name), row, one.text)
            fresh = vault.seal(rings, str(sealed_column.name), row, text, clock(), data_key=one.data_key)
        except (vault.SealBroken, KeyMissing, DataKeyDestroyed):
            broken.append(row)
            continue
        session.execute(update(source).where(tuple_(*keys) == tuple_(*one.key)).values({sealed_column.column: fresh}))
    return Step(rows[-1].key if len(rows) == limit else None, len(rows) - len(broken), tuple(broken))


def count_by_kid(
    session: Session, sealed_column: SealedColumn, *, after: Any, limit: int = LOOKED_AT
) -> tuple[Any, dict[str, int]]:
    """Count under which column keys the next rows lie; return up to which row it came, and rows by kid."""
    _, keys, column = _source(sealed_column)
    rows = select(*keys, _kid(column)).where(column.is_not(None))
    if after is not None:
        rows = rows.where(tuple_(*keys) > tuple_(*after))
    lengthen(session)
    page = session.execute(rows.order_by(*keys).limit(limit)).all()
    total = Counter(kid for *_, kid in page)
    return (tuple(page[-1][:-1]) if len(page) == limit else None), total


def _source(sealed_column: SealedColumn) -> tuple[TableClause, list[ColumnElement[Any]], ColumnElement[Any]]:
    names = {*sealed_column.key, sealed_column.column, sealed_column.owner_id}
    source = sql_table(sealed_column.table, *(sql_column(name) for name in names))
    return source, [source.c[name] for name in sealed_column.key], source.c[sealed_column.column]


def _kid(column: ColumnElement[Any]) -> ColumnElement[str]:
    """Read the kid out of what is sealed: four bytes after the version."""
    return func.encode(func.substring(column, 2, 4), "hex")
