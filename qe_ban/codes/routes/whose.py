"""Whose wallet a call is about: the caller's own, or with `?for=` that of somebody whom the caller acts for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from qe_ban.accounts import service as accounts
from qe_ban.audit import service as audit
from qe_ban.db.engine import Database
from qe_ban.web import guard
from qe_ban.web.parts import part
from qe_ban.web.requests import request_id


@dataclass(frozen=True, slots=True)
class Whose:
    """The resident whom a call is about; `ward` is the guardianship's id where that is not the caller."""

    resident: UUID
    ward: UUID | None

    @property
    def is_ward(self) -> bool:
        """Tell whether a guardian calls."""
        return self.ward is not None

    @property
    def limited(self) -> str:
        """The subject by which a guardian's calls for each ward are counted, apart from the guardian's own."""
        caller = guard.principal().id
        return f"{caller}/{self.ward}" if self.is_ward else str(caller)


def whose(query: Mapping[str, Any], moment: datetime) -> Whose:
    """Find out whose wallet is meant, asking the database for wards only. Raises WardNotFound."""
    if query["for_"] is None:
        return Whose(guard.principal().id, None)
    with part(Database).transaction() as session:
        return whose_in(session, query, moment)


def whose_in(session: Session, query: Mapping[str, Any], moment: datetime) -> Whose:
    """The same within a transaction: asked in each call, so that what has ended is over at once."""
    caller, ward = guard.principal().id, query["for_"]
    if ward is None:
        return Whose(caller, None)
    return Whose(accounts.acting_for(session, guardian=caller, ward=ward, now=moment), ward)


def record(session: Session, whose: Whose, action: str, moment: datetime, **details: Any) -> None:
    """Record what a guardian does for a ward; what residents do with their own is nobody's business."""
    if whose.is_ward:
        audit.record(
            session,
            at=moment,
            actor=guard.principal(),
            action=action,
            subject=str(whose.ward),
            details=details,
            request_id=request_id(),
        )
