"""After a restore: what was deleted since the dump is back as rows whose data keys are destroyed; it is ended again."""

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias
from uuid import UUID

from sqlalchemy import column as sql_column
from sqlalchemy import select
from sqlalchemy import table as sql_table
from sqlalchemy.orm import Session

from qe_ban.composition import Services
from qe_ban.keys.data_keys import Owner

PAGE_SIZE: Final = 5000
ReturnedRows: TypeAlias = Mapping[Owner, Sequence[UUID]]


def find(services: Services) -> ReturnedRows:
    """Return, by owner, the rows whose data key is destroyed. Raises DataKeysAway."""
    return {owner: _of(services, owner) for owner in Owner}


def end(services: Services, rows: ReturnedRows) -> None:
    """End what was found: accounts are closed, all else is deleted. Cut off, it goes on when it is done again."""
    # accounts last, as the lowest slice: what is opened as one is closed no longer meets anything that does not open
    for slice_ in reversed(services.slices):
        for owner, end_rows in slice_.restore_cleanup.items():
            end_rows(services, rows[owner])


def _of(services: Services, owner: Owner) -> list[UUID]:
    rows: list[UUID] = []
    after: UUID | None = None
    while True:
        with services.database.transaction() as session:
            page = _page(session, owner, after)
        destroyed_keys = services.rings.data_keys.filter_destroyed([number for _, number in page])
        rows += [row for row, number in page if number in destroyed_keys]
        if len(page) < PAGE_SIZE:
            return rows
        after = page[-1][0]


def _page(session: Session, owner: Owner, after: UUID | None) -> list[tuple[UUID, int]]:
    names = ("id", "data_key", *(("closed_at",) if owner is Owner.RESIDENT else ()))
    source = sql_table(owner.table, *(sql_column(name) for name in names))
    query = select(source.c.id, source.c.data_key).where(source.c.data_key.is_not(None))
    if owner is Owner.RESIDENT:
        # the row of a closed account keeps the number
        query = query.where(source.c.closed_at.is_(None))
    if after is not None:
        query = query.where(source.c.id > after)
    return [(row, number) for row, number in session.execute(query.order_by(source.c.id).limit(PAGE_SIZE))]
