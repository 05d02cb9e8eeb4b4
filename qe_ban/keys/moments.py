"""Moments beside residents' plain ids: the columns say days of the city, the exact moments are sealed beside them.

Who has a stolen table of what residents did, beside the scans, finds by a moment which scan was whose.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from sqlalchemy import column as sql_column
from sqlalchemy import func, or_, select, tuple_, update
from sqlalchemy import table as sql_table
from sqlalchemy.orm import Session

from qe_ban.kernel.clock import CITY_TIME, start_of_day
from qe_ban.keys import vault
from qe_ban.keys.data_files import DataKeyDestroyed
from qe_ban.keys.rings import KeyRings

COLUMN: Final = "moments_sealed"
STEP: Final = 500


@dataclass(frozen=True, slots=True)
class DatedTable:
    """A table of residents' rows: which columns are days, which of them stand exactly in `moments_sealed`, its key.

    `is_named`: the rows say whose they are. Where they do not, the number of a data key would.
    """

    table: str
    exact: tuple[str, ...] = ()
    days_only: tuple[str, ...] = ()
    key: tuple[str, ...] = ("id",)
    is_named: bool = True

    @property
    def name(self) -> str:
        """Return the name that its moments are sealed under."""
        return f"{self.table}.moments"


DATED_TABLES: Final = (
    DatedTable("residents", exact=("created_at", "verified_at"), days_only=("closed_at",)),
    DatedTable(
        "consents",
        exact=("granted_at", "withdrawn_at"),
        days_only=("turned_over_at",),
        key=("resident_id", "purpose"),
    ),
    DatedTable("consent_events", exact=("at",), days_only=("turned_over_at",)),
    DatedTable("entitlements", days_only=("made_at", "suspended_at"), key=("number",)),
    DatedTable("resident_halls", days_only=("updated_at",), key=("resident_id",), is_named=False),
    DatedTable("followed_halls", exact=("at",), key=("resident_id", "hall"), is_named=False),
    DatedTable("favourite_items", exact=("at",), key=("resident_id", "entry"), is_named=False),
    DatedTable("recent_items", exact=("at",), key=("resident_id", "entry"), is_named=False),
)
"""Every table whose moments are days; `tests/privacy` finds the tables and names the exceptions."""
_BY_TABLE: Final = {dated_table.table: dated_table for dated_table in DATED_TABLES}


class DatedRow(Protocol):
    """A row of one of these tables that has sealed moments."""

    __tablename__: str
    moments_sealed: Any


def write(rings: KeyRings, row: DatedRow, now: datetime, *, data_key: int | None, **moments: datetime | None) -> None:
    """Store exact moments of a row whose key is set; what is not named stays.

    `data_key`: the number of the resident's. Raises KeyMissing.
    """
    dated_table = _BY_TABLE[row.__tablename__]
    exact = _exact(rings, dated_table, row) | moments
    for name, moment in moments.items():
        setattr(row, name, start_of_day(moment) if moment is not None else None)
    row.moments_sealed = seal(rings, dated_table.table, _key_of(dated_table, row), exact, now, data_key=data_key)


def read(rings: KeyRings, row: DatedRow, name: str) -> datetime | None:
    """Return an exact moment of a row, or what its column says where nothing more is known.

    Raises SealBroken, KeyMissing.
    """
    return _exact(rings, _BY_TABLE[row.__tablename__], row)[name]


def seal(
    rings: KeyRings,
    table: str,
    key: tuple[object, ...],
    moments: Mapping[str, datetime | None],
    now: datetime,
    *,
    data_key: int | None,
) -> bytes:
    """Return the exact moments of a row as they are stored, for statements without a model. Raises KeyMissing."""
    dated_table = _BY_TABLE[table]
    text = json.dumps({name: moment.isoformat() for name, moment in moments.items() if moment is not None})
    return vault.seal(rings, dated_table.name, vault.row_key(key), text, now, data_key=data_key)


def move(
    rings: KeyRings, table: str, ciphertext: bytes, before: tuple[object, ...], after: tuple[object, ...], now: datetime
) -> bytes:
    """Return the sealed moments of a row whose key changes, as they are stored under the new one.

    What opens to nobody stays as it is. Raises KeyMissing, DataKeysAway.
    """
    name, data_key = _BY_TABLE[table].name, vault.data_key_of(ciphertext)
    try:
        text = vault.unseal(rings, name, vault.row_key(before), ciphertext)
    except (DataKeyDestroyed, vault.SealBroken):
        return ciphertext
    return vault.seal(rings, name, vault.row_key(after), text, now, data_key=data_key)


def rewrite(
    session: Session, rings: KeyRings, dated_table: DatedTable, *, after: tuple[Any, ...] | None, now: datetime
) -> tuple[tuple[Any, ...] | None, int]:
    """Make days of the moments of the next rows that say more, and seal the exact ones, at most `STEP`.

    Who is locked is passed over. Return up to which key it came (None: there are no more) and how many it wrote.
    Raises KeyMissing.
    """
    names = [*dated_table.exact, *dated_table.days_only]
    sealed_column = [COLUMN] if dated_table.exact else []
    source = sql_table(dated_table.table, *(sql_column(name) for name in (*dated_table.key, *names, *sealed_column)))
    keys = [source.c[name] for name in dated_table.key]
    is_exact = or_(*(source.c[name] != func.date_trunc("day", source.c[name], str(CITY_TIME)) for name in names))
    query = select(source).where(is_exact)
    if after is not None:
        query = query.where(tuple_(*keys) > tuple_(*after))
    rows = session.execute(query.order_by(*keys).limit(STEP).with_for_update(skip_locked=True, key_share=True)).all()
    for row in rows:
        values = _days(row, names) | _sealed_moments(rings, dated_table, row, now)
        is_row = tuple_(*keys) == tuple_(*_key_of(dated_table, row))
        session.execute(update(source).where(is_row).values(values))
    return (_key_of(dated_table, rows[-1]) if len(rows) == STEP else None), len(rows)


def _days(row: Any, names: Sequence[str]) -> dict[str, Any]:
    return {name: start_of_day(moment) for name in names if (moment := getattr(row, name)) is not None}


def _sealed_moments(rings: KeyRings, dated_table: DatedTable, row: Any, now: datetime) -> dict[str, Any]:
    """Return the column of a row's exact moments, sealed anew under the data key that it has already."""
    if not dated_table.exact:
        return {}
    before = row.moments_sealed
    data_key = vault.data_key_of(bytes(before)) if before is not None else None
    exact = _exact(rings, dated_table, row)
    return {COLUMN: seal(rings, dated_table.table, _key_of(dated_table, row), exact, now, data_key=data_key)}


def _exact(rings: KeyRings, dated_table: DatedTable, row: Any) -> dict[str, datetime | None]:
    """Return all exact moments of a row.

    Release 0.3.0 changes the columns and leaves what is sealed: that counts only of the day that its column says.
    """
    sealed_moments: dict[str, str] = {}
    if row.moments_sealed is not None:
        key = vault.row_key(_key_of(dated_table, row))
        # of a row that was deleted, and came back with a restore, only the day is known
        with suppress(DataKeyDestroyed):
            sealed_moments = json.loads(vault.unseal(rings, dated_table.name, key, bytes(row.moments_sealed)))
    exact = {name: getattr(row, name) for name in dated_table.exact}
    for name, text in sealed_moments.items():
        moment = datetime.fromisoformat(text)
        if exact[name] == start_of_day(moment):
            exact[name] = moment
    return exact


def _key_of(dated_table: DatedTable, row: Any) -> tuple[object, ...]:
    return tuple(getattr(row, name) for name in dated_table.key)
