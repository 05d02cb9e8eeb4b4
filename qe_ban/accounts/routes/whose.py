"""Whose account a call is about: the caller's own, or with `?for=` that of somebody whom the caller acts for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from qe_ban.accounts import service
from qe_ban.audit import service as audit
from qe_ban.web import guard
from qe_ban.web.requests import request_id


@dataclass(frozen=True, slots=True)
class Whose:
    """The resident whom a call is about; `ward` is the guardianship's id where that is not the caller."""

    resident: UUID
    ward: UUID | None


def whose(session: Session, query: Mapping[str, Any], moment: datetime) -> Whose:
    """Find out who is meant, in each call anew, so that what has ended is over at once. Raises WardNotFound."""
    caller, ward = guard.principal().id, query["for_"]
    if ward is None:
        return Whose(caller, None)
    return Whose(service.acting_for(session, guardian=caller, ward=ward, now=moment), ward)


def record(session: Session, meant: Whose, action: str, moment: datetime, **details: Any) -> None:
    """Record what a guardian does for a ward; what residents do with their own is nobody's business."""
    if meant.ward is None:
        return
    audit.record(
        session,
        at=moment,
        actor=guard.principal(),
        action=action,
        subject=str(meant.ward),
        details=details,
        request_id=request_id(),
    )
