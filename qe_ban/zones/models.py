"""The tables of firms' demands with their course, and of zones that ended with their data."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from qe_ban.db.base import Base, one_of
from qe_ban.zones.rules.demands import SIZES, DemandState


class Demand(Base):
    """A firm's demand to a zone. What names a person or was written freely is only sealed, and goes on withdrawal.

    `title` has a placeholder, which the previous release shows. The firm's name and USCC stand in a public register.

    `block` and `version` name the form with the text of consent that stood there when it was sent. `data_key` is the
    number of the key that is destroyed with it (keys.data_keys).
    """

    __tablename__ = "demands"
    __table_args__ = (
        CheckConstraint(one_of("state", DemandState), name="state"),
        CheckConstraint(one_of("size", SIZES), name="size"),
        CheckConstraint(
            "num_nulls(text_sealed, contact_sealed, phone_sealed) = CASE state WHEN 'withdrawn' THEN 3 ELSE 0 END "
            "AND (state <> 'withdrawn' OR answer_sealed IS NULL)",
            name="withdrawn",
        ),
        Index("ix_demands_zone_id", "zone", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    zone: Mapped[str]
    resident_id: Mapped[UUID] = mapped_column(ForeignKey("residents.id", ondelete="CASCADE"), index=True)
    state: Mapped[str]
    revision: Mapped[int]
    firm: Mapped[str]
    uscc: Mapped[str]
    industry: Mapped[str]
    size: Mapped[str | None]
    solution: Mapped[str | None]
    title: Mapped[str]
    title_sealed: Mapped[bytes | None]
    text_sealed: Mapped[bytes | None]
    contact_sealed: Mapped[bytes | None]
    phone_sealed: Mapped[bytes | None]
    answer_sealed: Mapped[bytes | None]
    block: Mapped[str]
    version: Mapped[int]
    consented_at: Mapped[datetime]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    data_key: Mapped[int | None] = mapped_column(BigInteger)


class DemandStep(Base):
    """One step of a demand's course; goes with the demand."""

    __tablename__ = "demand_steps"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    demand_id: Mapped[UUID] = mapped_column(ForeignKey("demands.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime]
    by_kind: Mapped[str]
    by: Mapped[UUID]
    state: Mapped[str]
    note_sealed: Mapped[bytes | None]


class Sunset(Base):
    """A zone's end with deletion: asked for, due, done, and the report that proves it.

    `progress`: what was there when the deletion began, and how much of it is deleted so far.
    """

    __tablename__ = "zone_sunsets"
    __table_args__ = (CheckConstraint("(done_at IS NULL) = (report IS NULL)", name="report"),)

    zone: Mapped[str] = mapped_column(primary_key=True)
    requested_at: Mapped[datetime] = mapped_column(primary_key=True)
    requested_by: Mapped[UUID]
    due_at: Mapped[datetime] = mapped_column(index=True)
    done_at: Mapped[datetime | None]
    progress: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    report: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
