"""The tables of seals: what the rows of the audit log were when they were sealed."""

from datetime import datetime

from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import Mapped, mapped_column

from qe_ban.db.base import Base


class Seal(Base):
    """One link of the chain: the Merkle root over the rows that were taken, signed together with the seal before.

    `top` is the greatest id that was ever taken, `more` says that rows were left for the next. `ids` has 8 bytes for
    each row, `hashes` the 32 of its leaf, in one order; both stay when the rows go. Triggers refuse every change.
    """

    __tablename__ = "audit_seals"

    n: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    leaves: Mapped[int]
    top: Mapped[int] = mapped_column(BigInteger)
    more: Mapped[bool]
    root: Mapped[bytes]
    previous: Mapped[bytes]
    kid: Mapped[str]
    signature: Mapped[bytes]
    ids: Mapped[bytes] = mapped_column(deferred=True)
    hashes: Mapped[bytes] = mapped_column(deferred=True)


class Leaf(Base):
    """Where a row was sealed, and the salt of its leaf: without it nobody can tell what an erased row may have said.

    It goes with its row (`at` is the row's, and cuts both tables alike). Its primary key lets a row be sealed once.
    """

    __tablename__ = "audit_leaves"
    __table_args__ = (
        Index("ix_audit_leaves_seal_position", "seal", "position"),
        {"postgresql_partition_by": "RANGE (at)"},
    )

    event_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    seal: Mapped[int] = mapped_column(BigInteger)
    position: Mapped[int]
    salt: Mapped[bytes]
