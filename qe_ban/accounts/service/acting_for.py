"""Whose account a call is about: the caller's own, or that of somebody whom the caller acts for."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from qe_ban.accounts.service import acts_for_wards
from qe_ban.accounts.service.wards import acting_for
from qe_ban.audit import service as audit
from qe_ban.keys.rings import KeyRings


@dataclass(frozen=True, slots=True)
class Subject:
    """The resident whom a call is about; `ward` is the guardianship's id where that is not the caller."""

    caller: UUID
    resident: UUID
    ward: UUID | None = None

    @property
    def is_ward(self) -> bool:
        """Return whether a guardian calls."""
        return self.ward is not None

    @property
    def counted_as(self) -> str:
        """Return by what a guardian's calls for each ward are counted, apart from the guardian's own."""
        return f"{self.caller}/{self.ward}" if self.is_ward else str(self.caller)


def resolve_subject(session: Session, *, caller: UUID, ward: UUID | None, now: datetime) -> Subject:
    """Return whom a call is about; `ward` is a guardianship's id. Raises WardNotFound.

    Asked in each call anew, so that what has ended is over immediately.
    """
    if ward is None:
        return Subject(caller, caller)
    return Subject(caller, acting_for(session, guardian=caller, ward=ward, now=now), ward)


def record_for_ward(
    rings: KeyRings, session: Session, subject: Subject, change: audit.Change, action: str, **details: Any
) -> None:
    """Record what a guardian does for a ward, when the day is over; of what residents do for themselves, nothing."""
    if subject.ward is not None:
        acts_for_wards.add(rings, session, guardianship=subject.ward, change=change, action=action, details=details)
