"""The tables of venues, of scanners and of the codes by which scanners are enrolled."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, false
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from qe_ban.db.base import Base


class Venue(Base):
    """A place with one scene; `district` is a GB/T 2260 code.

    `flagged`: its name sounds like an authority's, so that another person than `named_by` must confirm it.
    """

    __tablename__ = "venues"
    __table_args__ = (
        CheckConstraint("confirmed_by <> named_by", name="two_persons"),
        CheckConstraint("num_nonnulls(confirmed_by, confirmed_at) <> 1", name="confirmed"),
        Index("ix_venues_district_id", "district", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    district: Mapped[str]
    address: Mapped[str]
    scene: Mapped[str]
    created_at: Mapped[datetime]
    named_by: Mapped[UUID | None]
    flagged: Mapped[bool] = mapped_column(server_default=false())
    confirmed_by: Mapped[UUID | None]
    confirmed_at: Mapped[datetime | None]


class VenueVersion(Base):
    """What a venue was called, and where and what it was, until a change: scans before it are shown with that."""

    __tablename__ = "venue_versions"

    venue_id: Mapped[UUID] = mapped_column(ForeignKey("venues.id"), primary_key=True)
    until: Mapped[datetime] = mapped_column(primary_key=True)
    name: Mapped[str]
    address: Mapped[str]
    scene: Mapped[str]


class VenueOfficer(Base):
    """That a member of staff made, changed or confirmed a venue, or invited or approved a scanner of it."""

    __tablename__ = "venue_officers"

    venue_id: Mapped[UUID] = mapped_column(ForeignKey("venues.id"), primary_key=True)
    staff_id: Mapped[UUID] = mapped_column(primary_key=True)
    since: Mapped[datetime]


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

    `expires_at` is empty for the sandbox's fixed codes, `created_by` too. Where a second person must approve there
    is no code before that.
    """

    __tablename__ = "enrolments"
    __table_args__ = (
        CheckConstraint("cardinality(purposes) > 0", name="purposes"),
        CheckConstraint("(used_at IS NULL) = (scanner_id IS NULL)", name="used_by_a_scanner"),
        CheckConstraint("approved_by <> created_by", name="two_persons"),
        CheckConstraint(
            "num_nonnulls(approved_by, approved_at) <> 1 AND (approved_by IS NULL OR approval_required)",
            name="approved",
        ),
        CheckConstraint(
            "(code_hash IS NULL) = (approval_required AND approved_by IS NULL)", name="code_after_approval"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code_hash: Mapped[bytes | None] = mapped_column(unique=True)
    venue_id: Mapped[UUID] = mapped_column(ForeignKey("venues.id"), index=True)
    purposes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    label: Mapped[str | None]
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    scanner_id: Mapped[UUID | None] = mapped_column(ForeignKey("scanners.id"))
    approval_required: Mapped[bool] = mapped_column(server_default=false())
    approved_by: Mapped[UUID | None]
    approved_at: Mapped[datetime | None]
