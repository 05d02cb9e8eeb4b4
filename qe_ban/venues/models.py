"""The tables of venues, of scanners and of the codes by which scanners are enrolled."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from qe_ban.db.base import Base


class Venue(Base):
    """A place with one scene; `district` is a GB/T 2260 code."""

    __tablename__ = "venues"
    __table_args__ = (Index("ix_venues_district_id", "district", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    district: Mapped[str]
    address: Mapped[str]
    scene: Mapped[str]
    created_at: Mapped[datetime]


class Scanner(Base):
    """A client that stands in a venue, and the purposes that it may scan for. Its id is its client's id."""

    __tablename__ = "scanners"
    __table_args__ = (
        Index("ix_scanners_venue_id_id", "venue_id", "id"),
        CheckConstraint("cardinality(purposes) > 0", name="purposes"),
    )

    id: Mapped[UUID] = mapped_column(ForeignKey("clients.id"), primary_key=True)
    venue_id: Mapped[UUID] = mapped_column(ForeignKey("venues.id"))
    label: Mapped[str]
    purposes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    enrolled_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class Enrolment(Base):
    """A one-time code by which a scanner is enrolled; of the code itself only the HMAC is kept.

    `expires_at` is empty for the sandbox's fixed codes, `created_by` too.
    """

    __tablename__ = "enrolments"
    __table_args__ = (
        CheckConstraint("cardinality(purposes) > 0", name="purposes"),
        CheckConstraint("(used_at IS NULL) = (scanner_id IS NULL)", name="used_by_a_scanner"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(unique=True)
    venue_id: Mapped[UUID] = mapped_column(ForeignKey("venues.id"), index=True)
    purposes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    label: Mapped[str | None]
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    scanner_id: Mapped[UUID | None] = mapped_column(ForeignKey("scanners.id"))
