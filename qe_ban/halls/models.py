"""The tables of local apps and places, and of what residents keep: their hall, what they follow, like and used."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from qe_ban.db.base import Base, one_of
from qe_ban.halls.rules.words import AGE_MODES, APP_KINDS, APP_STATES, PLACE_KINDS, PLACE_STATES


class App(Base):
    """A local app (本地应用): where it opens, who answers for it, and in which districts it is offered.

    A `native` one opens a page of the client, every other an address; without districts it is the whole city's.
    """

    __tablename__ = "apps"
    __table_args__ = (
        CheckConstraint(one_of("kind", APP_KINDS), name="kind"),
        CheckConstraint(one_of("state", APP_STATES), name="state"),
        CheckConstraint("(kind = 'native') = (native_page IS NOT NULL)", name="native_page"),
        CheckConstraint("(kind <> 'native') = (address IS NOT NULL)", name="address"),
        Index("ix_apps_districts", "districts", postgresql_using="gin"),
    )

    slug: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    summary: Mapped[str | None]
    kind: Mapped[str]
    address: Mapped[str | None]
    native_page: Mapped[str | None]
    owner: Mapped[str]
    category: Mapped[str]
    state: Mapped[str]
    state_reason: Mapped[str | None]
    districts: Mapped[list[str]] = mapped_column(ARRAY(Text))
    icon: Mapped[str | None] = mapped_column(ForeignKey("media.digest"), index=True)
    position: Mapped[int]
    revision: Mapped[int]
    updated_at: Mapped[datetime]


class Place(Base):
    """An office, a self-service point or another place on the map; coordinates are degrees of WGS 84.

    `hours`: for each day of the week (`mon`...`sun`) spans of the city's time, `closed` and `open` dates besides.
    """

    __tablename__ = "places"
    __table_args__ = (
        CheckConstraint(one_of("kind", PLACE_KINDS), name="kind"),
        CheckConstraint(one_of("state", PLACE_STATES), name="state"),
        CheckConstraint("latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180", name="coordinates"),
    )

    slug: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    kind: Mapped[str]
    district: Mapped[str | None] = mapped_column(index=True)
    address: Mapped[str]
    latitude: Mapped[float]
    longitude: Mapped[float]
    phone: Mapped[str | None]
    services: Mapped[list[str]] = mapped_column(ARRAY(Text))
    hours: Mapped[dict[str, Any]] = mapped_column(JSONB)
    note: Mapped[str | None]
    state: Mapped[str]
    revision: Mapped[int]
    updated_at: Mapped[datetime]


class ResidentHall(Base):
    """The hall that a resident's home shows, and how large it is written.

    Here and in the lists `resident_id` is a keyed hash of it (service.list_owners), or in rows of before the id itself.
    """

    __tablename__ = "resident_halls"
    __table_args__ = (CheckConstraint(one_of("age_mode", AGE_MODES), name="age_mode"),)

    resident_id: Mapped[UUID] = mapped_column(primary_key=True)
    hall: Mapped[str]
    age_mode: Mapped[str]
    updated_at: Mapped[datetime]


class FollowedHall(Base):
    """A hall that a resident follows; `at` is the day, the exact moment is sealed."""

    __tablename__ = "followed_halls"

    resident_id: Mapped[UUID] = mapped_column(primary_key=True)
    hall: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    moments_sealed: Mapped[bytes | None]


class FavouriteItem(Base):
    """A service item that a resident keeps at hand, whichever office does it; `at` is the day."""

    __tablename__ = "favourite_items"

    resident_id: Mapped[UUID] = mapped_column(primary_key=True)
    entry: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    moments_sealed: Mapped[bytes | None]


class RecentItem(Base):
    """A service item that a resident opened lately; `at` is the day."""

    __tablename__ = "recent_items"
    __table_args__ = (Index("ix_recent_items_at", "at"),)

    resident_id: Mapped[UUID] = mapped_column(primary_key=True)
    entry: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    moments_sealed: Mapped[bytes | None]
