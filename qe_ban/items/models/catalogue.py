"""The tables of departments, topics, items and their versions."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from qe_ban.db.base import Base, one_of
from qe_ban.items.rules.fields import DEPARTMENT_TYPES
from qe_ban.items.rules.schedule import VersionSource
from qe_ban.items.rules.vocabulary import AUDIENCES


class Department(Base):
    """An agency that does items; `code` is its USCC, `district` a GB/T 2260 code, none for the city's own."""

    __tablename__ = "departments"
    __table_args__ = (
        CheckConstraint(one_of("type", DEPARTMENT_TYPES), name="type"),
        Index("ix_departments_district", "district"),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    type: Mapped[str]
    district: Mapped[str | None]
    phone: Mapped[str | None]
    address: Mapped[str | None]
    updated_at: Mapped[datetime]


class Topic(Base):
    """A life event of residents (`person`) or a stage of firms (`firm`); topics stand in trees."""

    __tablename__ = "topics"
    __table_args__ = (
        CheckConstraint(one_of("audience", AUDIENCES), name="audience"),
        CheckConstraint("parent <> slug", name="own_parent"),
    )

    slug: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    audience: Mapped[str]
    parent: Mapped[str | None] = mapped_column(ForeignKey("topics.slug"), index=True)
    position: Mapped[int]
    updated_at: Mapped[datetime]


class Entry(Base):
    """What is one item at all offices (the basic code, with a handling item's suffix), and how much it is used."""

    __tablename__ = "entries"

    entry: Mapped[str] = mapped_column(primary_key=True)
    popularity: Mapped[float] = mapped_column(server_default=text("0"))


class Item(Base):
    """One item at one office, with what its version in force says as far as lists and filters need it.

    `version` is the one in force, `latest` the newest; they differ while one is scheduled, and `turns_at` says when the
    next scheduled one takes over. `revision` counts every change. Before `starts_at` and from `ends_at` on it is not
    shown in lists.
    """

    __tablename__ = "items"
    __table_args__ = (
        Index("ix_items_text_id_district", "text_id", "district"),
        Index("ix_items_turns_at", "turns_at", postgresql_where=text("turns_at IS NOT NULL")),
        Index("ix_items_topics", "topics", postgresql_using="gin"),
        Index("ix_items_audiences", "audiences", postgresql_using="gin"),
        CheckConstraint("version <= latest", name="latest"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    entry: Mapped[str] = mapped_column(ForeignKey("entries.entry"), index=True)
    name: Mapped[str]
    item_type: Mapped[str]
    department: Mapped[str] = mapped_column(ForeignKey("departments.code"), index=True)
    district: Mapped[str | None] = mapped_column(index=True)
    reach: Mapped[str]
    audiences: Mapped[list[str]] = mapped_column(ARRAY(Text))
    topics: Mapped[list[str]] = mapped_column(ARRAY(Text))
    online: Mapped[bool]
    handling: Mapped[str]
    text_id: Mapped[int] = mapped_column(ForeignKey("item_texts.id"))
    version: Mapped[int]
    latest: Mapped[int]
    revision: Mapped[int]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    turns_at: Mapped[datetime | None]
    updated_at: Mapped[datetime]


class ItemVersion(Base):
    """What an item said from `starts_at` on, until the next one; never changed (a trigger holds that).

    `digest` is the SHA-256 of the content as canonical JSON; `source` says how it came (`staff`, `import`, `sample`).
    """

    __tablename__ = "item_versions"
    __table_args__ = (CheckConstraint(one_of("source", VersionSource), name="source"),)

    item_id: Mapped[UUID] = mapped_column(ForeignKey("items.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    digest: Mapped[bytes]
    starts_at: Mapped[datetime]
    created_at: Mapped[datetime]
    created_by: Mapped[UUID | None]
    source: Mapped[str]
