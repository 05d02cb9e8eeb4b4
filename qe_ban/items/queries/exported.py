"""The items that an export holds, with what they say last."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from qe_ban.items.models import Department, Item, ItemVersion
from qe_ban.kernel.principal import Place

_PORTION: Final = 500


@dataclass(frozen=True, slots=True)
class Exported:
    """An item with its newest version, which may be still to come, and its department's name and type."""

    code: str
    content: dict[str, Any]
    starts_at: datetime
    ends_at: datetime | None
    department_name: str
    department_type: str


def items(session: Session, place: Place, now: datetime) -> Iterator[Exported]:
    """Give the items of a place that have not ended, by code."""
    wanted = (
        select(Item.code, ItemVersion.content, ItemVersion.starts_at, Item.ends_at, Department.name, Department.type)
        .join(ItemVersion, and_(ItemVersion.item_id == Item.id, ItemVersion.number == Item.latest))
        .join(Department, Department.code == ItemVersion.content["department"].astext)
        .where(or_(Item.ends_at.is_(None), Item.ends_at > now))
        .order_by(Item.code)
        .limit(_PORTION)
    )
    if place.district is not None:
        wanted = wanted.where(Item.district == place.district)
    if place.department is not None:
        wanted = wanted.where(Item.department == place.department)
    after = ""
    while rows := session.execute(wanted.where(Item.code > after)).all():
        for row in rows:
            yield Exported(*row)
        after = rows[-1].code
