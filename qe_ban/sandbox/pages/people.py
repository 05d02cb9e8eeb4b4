"""Who writes and who reviews a page of the sample: its own editor and reviewer, else those of the whole city."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from qe_ban.accounts import service as accounts
from qe_ban.kernel.principal import Principal, PrincipalKind
from qe_ban.publishing.service.page_types import PageType

EDITOR: Final = "editor"
REVIEWER: Final = "reviewer"
_NO_SIGN_IN: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two people for one page."""

    editor: Principal
    reviewer: Principal


def pairs(session: Session) -> Callable[[PageType, str], Pair | None]:
    """Return what finds the pair for a page; None where the staff, as they are now, have none."""
    people = [one for row in accounts.list_staff(session) if (one := _standing(session, row.id, row.roles)) is not None]
    people.sort(key=lambda one: one.place.is_city)

    def find(page_type: PageType, slug: str) -> Pair | None:
        able = [one for one in people if page_type.covers(one.place, slug)]
        editor = next((one for one in able if EDITOR in one.roles), None)
        reviewer = next((one for one in able if REVIEWER in one.roles and one is not editor), None)
        return Pair(editor, reviewer) if editor is not None and reviewer is not None else None

    return find


def _standing(session: Session, staff_id: UUID, roles: list[str]) -> Principal | None:
    status = accounts.standing(session, staff_id)
    if status is None:
        return None
    return Principal(
        PrincipalKind.STAFF, staff_id, status.scopes, _NO_SIGN_IN, roles=frozenset(roles), place=status.place
    )
