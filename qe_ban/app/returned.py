"""After a restore: what was deleted since the dump is back as rows whose data keys are destroyed; it is ended again."""

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias
from uuid import UUID

from sqlalchemy import column as sql_column
from sqlalchemy import select
from sqlalchemy import table as sql_table
from sqlalchemy.orm import Session

from qe_ban.accounts import service as accounts
from qe_ban.app.assembly import Parts
from qe_ban.audit import service as audit
from qe_ban.codes.service import retention
from qe_ban.keys.data_keys import Owner
from qe_ban.zones.service import closing as zones

AT_ONCE: Final = 5000
Returned: TypeAlias = Mapping[Owner, Sequence[UUID]]


def find(made: Parts) -> Returned:
    """Return, by owner, the rows whose data key is destroyed. Raises DataKeysAway."""
    return {owner: _of(made, owner) for owner in Owner}


def end(made: Parts, returned: Returned) -> None:
    """End what was found: accounts are closed, all else is deleted. Cut off, it goes on when it is done again."""
    with made.database.transaction() as session:
        retention.delete_disputes(session, returned[Owner.DISPUTE])
        zones.erase_demands(session, returned[Owner.DEMAND], made.clock())
    # the accounts last: what is opened as one is closed no longer meets anything that does not open
    for guardianship in returned[Owner.GUARDIANSHIP]:
        with made.database.transaction() as session:
            accounts.end_returned_ward(made.accounts, session, guardianship, audit.AtShell(made.clock()))
    for resident in returned[Owner.RESIDENT]:
        with made.database.transaction() as session:
            accounts.close_returned(made.accounts, session, resident, audit.AtShell(made.clock()))


def _of(made: Parts, owner: Owner) -> list[UUID]:
    found: list[UUID] = []
    after: UUID | None = None
    while True:
        with made.database.transaction() as session:
            page = _page(session, owner, after)
        gone = made.rings.data_keys.filter_destroyed([number for _, number in page])
        found += [row for row, number in page if number in gone]
        if len(page) < AT_ONCE:
            return found
        after = page[-1][0]


def _page(session: Session, owner: Owner, after: UUID | None) -> list[tuple[UUID, int]]:
    names = ("id", "data_key", *(("closed_at",) if owner is Owner.RESIDENT else ()))
    source = sql_table(owner.table, *(sql_column(name) for name in names))
    wanted = select(source.c.id, source.c.data_key).where(source.c.data_key.is_not(None))
    if owner is Owner.RESIDENT:
        # the row of a closed account keeps the number
        wanted = wanted.where(source.c.closed_at.is_(None))
    if after is not None:
        wanted = wanted.where(source.c.id > after)
    return [(row, number) for row, number in session.execute(wanted.order_by(source.c.id).limit(AT_ONCE))]
