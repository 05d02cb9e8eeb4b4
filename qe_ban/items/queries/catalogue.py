"""The selects by which items, departments and topics are read."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, or_, select
from sqlalchemy.orm import Session

from qe_ban.items.models import Department, Item, ItemVersion, Topic
from qe_ban.items.queries.writing import among

OFFICES: Final = 50


ItemRow = Row[UUID, str, str, str, str | None, int, datetime | None]
VersionRow = Row[int, datetime, datetime, UUID | None, str]
OfficeRow = Row[str, str, str, str | None]


def item(session: Session, code: str) -> ItemRow | None:
    """Give what an item is besides its versions."""
    columns = (Item.id, Item.code, Item.entry, Item.department, Item.district, Item.revision, Item.ends_at)
    return session.execute(select(*columns).where(Item.code == code)).first()


def versions(session: Session, item_id: UUID) -> Sequence[VersionRow]:
    """Give an item's versions without their contents, newest first."""
    columns = (
        ItemVersion.number,
        ItemVersion.starts_at,
        ItemVersion.created_at,
        ItemVersion.created_by,
        ItemVersion.source,
    )
    wanted = select(*columns).where(ItemVersion.item_id == item_id).order_by(ItemVersion.number.desc())
    return session.execute(wanted).all()


def contents(session: Session, item_id: UUID, numbers: Collection[int]) -> dict[int, dict[str, Any]]:
    """Give what some versions of an item say, by number."""
    wanted = select(ItemVersion.number, ItemVersion.content).where(
        ItemVersion.item_id == item_id, ItemVersion.number.in_(numbers)
    )
    return {row.number: row.content for row in session.execute(wanted)}


def offices(session: Session, entry: str, besides: str, now: datetime) -> Sequence[OfficeRow]:
    """Give the same item at other offices, the city's first, then by district; at most OFFICES of them."""
    wanted = (
        select(Item.code, Item.department, Department.name.label("department_name"), Item.district)
        .join(Department, Department.code == Item.department)
        .where(Item.entry == entry, Item.code != besides, is_current(now))
        .order_by(Item.district.nulls_first(), Item.code)
        .limit(OFFICES)
    )
    return session.execute(wanted).all()


def names(session: Session, departments: Collection[str], topics: Collection[str]) -> dict[str, str]:
    """Give what departments and topics are called, by code and slug."""
    found = session.execute(
        select(Department.code.label("key"), Department.name)
        .where(Department.code == among(departments))
        .union_all(select(Topic.slug, Topic.name).where(Topic.slug == among(topics)))
    )
    return {row.key: row.name for row in found}


def is_current(now: datetime) -> ColumnElement[bool]:
    """The condition that an item is shown in lists."""
    return (Item.starts_at <= now) & or_(Item.ends_at.is_(None), Item.ends_at > now)


def departments(now: datetime) -> Select[Department, int]:
    """Select departments with the number of their current items, the city's first, then by district and code."""
    items = select(func.count()).where(Item.department == Department.code, is_current(now)).scalar_subquery()
    return select(Department, items.label("items")).order_by(func.coalesce(Department.district, ""), Department.code)


def items_by_topic(session: Session, now: datetime) -> dict[str, int]:
    """Give how many current items hang on each topic itself."""
    each = select(func.unnest(Item.topics).label("topic")).where(is_current(now)).subquery()
    return {
        row.topic: row.items
        for row in session.execute(select(each.c.topic, func.count().label("items")).group_by(each.c.topic))
    }


def items_of_topic(session: Session, slug: str, now: datetime) -> int:
    """Give how many current items hang on one topic itself."""
    wanted = select(func.count()).select_from(Item).where(Item.topics.contains([slug]), is_current(now))
    return session.scalar(wanted) or 0


def topic_used(session: Session, slug: str) -> bool:
    """Tell whether an item names a topic: in the version that lists show, or in one still to come."""
    shown = select(Item.id).where(Item.topics.contains([slug])).limit(1)
    if session.scalar(shown) is not None:
        return True
    coming = (
        select(Item.id)
        .join(ItemVersion, ItemVersion.item_id == Item.id)
        .where(Item.turns_at.is_not(None), ItemVersion.number > Item.version)
        .where(ItemVersion.content["topics"].contains([slug]))
        .limit(1)
    )
    return session.scalar(coming) is not None
