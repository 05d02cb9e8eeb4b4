"""The numbers by which processes know which pages to load anew: one for each page, one for what all may tell of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from qe_ban.kernel.city import CITY_HALL
from qe_ban.publishing.models import PageStamp
from qe_ban.publishing.rules.states import PageKind

_ALL: Final = ""


@dataclass(frozen=True, slots=True)
class Stamps:
    """All numbers as they were at a moment; they only ever grow."""

    numbers: Mapping[str, int]

    def of(self, kind: PageKind, slug: str) -> int:
        """Return what grows whenever a page may show something else: a district's hall also when the city's does."""
        names = {_ALL, _name(kind, slug)} | ({_name(kind, CITY_HALL)} if kind is PageKind.HALL else set())
        return sum(self.numbers.get(name, 0) for name in names)


def bump(session: Session, kind: PageKind | None = None, slug: str = "") -> None:
    """Count a change of what the public sees, in its transaction: of a page, or of what any page may tell of.

    Call it last: the row is held until the commit, and every such change waits for it.
    """
    first = insert(PageStamp).values(page=_ALL if kind is None else _name(kind, slug), stamp=1)
    session.execute(first.on_conflict_do_update(index_elements=["page"], set_={"stamp": PageStamp.stamp + 1}))


def current(session: Session) -> Stamps:
    """Return the numbers as they are now."""
    return Stamps({row.page: row.stamp for row in session.execute(select(PageStamp.page, PageStamp.stamp))})


def _name(kind: PageKind, slug: str) -> str:
    return f"{kind.value}/{slug}"
