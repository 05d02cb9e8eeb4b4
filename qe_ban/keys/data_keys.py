"""A data key for each resident, demand, dispute and wish to act for somebody: destroyed when its owner's data ends.

Rows have the number of the key; the key itself lies outside PostgreSQL (`data_files`). What is sealed under it
(`vault`) is noise from then on, also where PostgreSQL's log, a replica or an archive still has it.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import IntEnum
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import BigInteger, delete, event, func, select
from sqlalchemy import column as sql_column
from sqlalchemy import table as sql_table
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from qe_ban.db.base import Base
from qe_ban.keys.data_files import DataKeyFiles, DataKeysAway, number_of
from qe_ban.keys.rings import KeyRings

AT_ONCE: Final = 1000
_DISCARD_LIST: Final = "data_keys.discarded"
READY: Final = 500
"""So many keys are made at once where numbers are given out by lot."""
_LISTENING: Final = "data_keys.listening"
_log = structlog.get_logger("qe_ban.keys")


class Owner(IntEnum):
    """Whose data a key seals. Each has numbers and a file of its own: one sequence would tell what came after what."""

    RESIDENT = 1
    DEMAND = 2
    DISPUTE = 3
    GUARDIANSHIP = 4

    @property
    def table(self) -> str:
        """Return the table whose column `data_key` has the numbers."""
        return _TABLES[self]

    @property
    def sequence(self) -> str:
        """Return the sequence that gives the numbers."""
        return f"data_keys_of_{self.table}"


_TABLES: Final = {
    Owner.RESIDENT: "residents",
    Owner.DEMAND: "demands",
    Owner.DISPUTE: "disputes",
    Owner.GUARDIANSHIP: "guardianships",
}


class DataKeyToDestroy(Base):
    """A data key whose owner's data has ended; the row goes when the key is destroyed."""

    __tablename__ = "data_keys_to_destroy"

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


def allocate(rings: KeyRings, session: Session, owner: Owner, now: datetime) -> int | None:
    """Return the number of a new data key, which is on the disk; None while the previous release may serve.

    That release opens nothing that is sealed under one; the worker gives a key to whoever has none afterwards. Numbers
    of disputes are given out by lot: beside the moments at which guardians read ledgers their order would tell whose
    each is. Raises DataKeysAway.
    """
    if _is_overlap(rings, now):
        return None
    if owner is not Owner.DISPUTE:
        return _make(rings, session, owner, 1)[0]
    return rings.data_keys.take(owner, lambda: _make(rings, session, owner, READY))


def allocate_many(rings: KeyRings, session: Session, owner: Owner, count: int, now: datetime) -> list[int]:
    """Return the numbers of so many new data keys; none while the previous release may serve. Raises DataKeysAway."""
    return [] if count == 0 or _is_overlap(rings, now) else _make(rings, session, owner, count)


def _make(rings: KeyRings, session: Session, owner: Owner, count: int) -> list[int]:
    """Write so many new data keys to the disk and return their numbers. Raises DataKeysAway."""
    files = rings.data_keys
    if not files.exist(owner):
        _create(session, files, owner)
    free: list[int] = []
    with session.no_autoflush:
        while len(free) < count:
            places = select(func.nextval(owner.sequence)).select_from(func.generate_series(1, count - len(free)))
            free += files.fill([number_of(owner, place) for place in session.scalars(places)])
    return free


def number_for(session: Session, owner: Owner, row: UUID) -> int | None:
    """Return the number of an owner's data key; None where it has none yet, or is not there."""
    source = sql_table(owner.table, sql_column("id"), sql_column("data_key"))
    # whoever asks is in the middle of a change, which is written when it is whole
    with session.no_autoflush:
        return session.scalar(select(source.c.data_key).where(source.c.id == row))


def discard(session: Session, numbers: Iterable[int | None]) -> None:
    """Let the worker destroy data keys whose owners' data ends in this transaction; None is no key."""
    unique = sorted({number for number in numbers if number is not None})
    if not unique:
        return
    rows = [{"number": number} for number in unique]
    with session.no_autoflush:
        session.execute(insert(DataKeyToDestroy).values(rows).on_conflict_do_nothing())
    # a savepoint may be taken back and its session commit all the same: the worker sees the row, or none
    if not session.in_nested_transaction():
        session.info.setdefault(_DISCARD_LIST, []).extend(unique)


def destroy_on_commit(rings: KeyRings, session: Session) -> None:
    """Destroy what this transaction discards as soon as it has committed, not only when the worker comes to it."""
    if _LISTENING not in session.info:
        session.info[_LISTENING] = True
        event.listen(session, "after_commit", lambda at_commit: _destroy_discarded(rings.data_keys, at_commit))


def destroy_due(rings: KeyRings, session: Session) -> int:
    """Destroy keys whose owners' data has ended, at most `AT_ONCE`; return how many. Raises DataKeysAway."""
    due = select(DataKeyToDestroy.number).order_by(DataKeyToDestroy.number).limit(AT_ONCE)
    numbers = session.scalars(due.with_for_update(skip_locked=True)).all()
    rings.data_keys.destroy(numbers)
    session.execute(delete(DataKeyToDestroy).where(DataKeyToDestroy.number.in_(numbers)))
    return len(numbers)


def _is_overlap(rings: KeyRings, now: datetime) -> bool:
    """Return whether the previous release may serve, which knows no data keys."""
    return rings.snapshot().overlap_ends > now


def _create(session: Session, files: DataKeyFiles, owner: Owner) -> None:
    """Make an owner's file, where no number was ever given: else it is only out of reach. Raises DataKeysAway."""
    if session.scalar(select(sql_column("is_called")).select_from(sql_table(owner.sequence))):
        raise DataKeysAway
    files.create(owner)


def _destroy_discarded(files: DataKeyFiles, session: Session) -> None:
    if session.in_nested_transaction():
        return
    numbers = session.info.pop(_DISCARD_LIST, [])
    try:
        files.destroy(numbers)
    except DataKeysAway:
        _log.warning("data_keys.destroy_later", keys=len(numbers))
