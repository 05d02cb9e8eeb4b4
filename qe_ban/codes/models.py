"""Tables of the wallet: entitlements, what sources said of them, scans, and uses that exclude one another."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, SmallInteger, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from qe_ban.db.base import Base


class Entitlement(Base):
    """That a resident holds a kind. `number` is what the sealed reference of a code names (below 2^56)."""

    __tablename__ = "entitlements"
    __table_args__ = (UniqueConstraint("resident_id", "kind"),)

    number: Mapped[int] = mapped_column(BigInteger, Identity(maxvalue=(1 << 56) - 1), primary_key=True)
    resident_id: Mapped[UUID] = mapped_column(ForeignKey("residents.id"))
    kind: Mapped[str]
    made_at: Mapped[datetime]
    suspended_at: Mapped[datetime | None]


class SourceAnswer(Base):
    """What a kind's source said last of an entitlement: for the built-in register its record, else a kept answer.

    `as_of` is the source's moment, `asked_at` ours; past `expires_at` the record no longer holds (a health level).
    """

    __tablename__ = "source_answers"

    entitlement: Mapped[int] = mapped_column(ForeignKey("entitlements.number"), primary_key=True, autoincrement=False)
    state: Mapped[str]
    reason: Mapped[str | None]
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)
    as_of: Mapped[datetime]
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]


class Scan(Base):
    """One verification, kept, accepted or not. `holder` is a keyed hash: this table alone tells nobody's movements.

    `request` is the SHA-256 of what was asked, so that a reused scan_id is told from a repeat. `showing` is the moment
    of showing of a presented code, in seconds.
    """

    __tablename__ = "scans"
    __table_args__ = (
        UniqueConstraint("scanner_id", "scan_id"),
        Index("ix_scans_holder", "holder", "at"),
        CheckConstraint("accepted = (reason IN ('ok', 'stale_ok'))", name="accepted"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    scanner_id: Mapped[UUID] = mapped_column(ForeignKey("scanners.id"))
    scan_id: Mapped[UUID]
    request: Mapped[bytes]
    venue_id: Mapped[UUID] = mapped_column(ForeignKey("venues.id"))
    at: Mapped[datetime]
    purpose: Mapped[str]
    accepted: Mapped[bool]
    reason: Mapped[str]
    kind: Mapped[str | None]
    profile: Mapped[str | None]
    cti: Mapped[bytes | None]
    showing: Mapped[int | None] = mapped_column(BigInteger)
    holder: Mapped[bytes | None]
    fields: Mapped[list[str]] = mapped_column(ARRAY(Text))
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)
    as_of: Mapped[datetime | None]


class Use(Base):
    """Something that may happen once: its primary key decides between any number of parallel scans.

    `subject` is a hash that names what is used: a code for a single-use purpose, the scanner that a code disclosed to,
    a pass at a venue, a meal of a resident, a wrong document. `n` counts where a second time is right later on: two
    scans that both saw n - 1 want the same row, and one of them gets it.
    """

    __tablename__ = "uses"

    subject: Mapped[bytes] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    scanner_id: Mapped[UUID]
    purpose: Mapped[str]
    at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
