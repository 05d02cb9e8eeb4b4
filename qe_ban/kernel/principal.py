"""Who is calling: what a checked access token says, and nothing that is not in it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class PrincipalKind(StrEnum):
    """The three kinds of client that hold tokens."""

    RESIDENT = "resident"
    STAFF = "staff"
    SCANNER = "scanner"


@dataclass(frozen=True, slots=True)
class Place:
    """What a member of staff answers for: the whole city (all empty), or one district, hall or zone."""

    district: str | None = None
    hall: str | None = None
    zone: str | None = None

    def covers_district(self, code: str) -> bool:
        """Tell whether a district (GB/T 2260 code) lies within: the city's own staff cover all."""
        if self.district is None:
            return self.hall is None and self.zone is None
        return self.district == code


@dataclass(frozen=True, slots=True)
class Principal:
    """One caller. `session` is the refresh family (a scanner's is its own id); scopes are what it may do."""

    kind: PrincipalKind
    id: UUID
    scopes: frozenset[str]
    session: UUID
    stepped_up_at: datetime | None = None
    roles: frozenset[str] = frozenset()
    place: Place = field(default_factory=Place)
