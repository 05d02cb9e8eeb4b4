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
class Actor:
    """Who did something, where only that is known: a long job ends when the caller's token is long gone."""

    kind: PrincipalKind
    id: UUID


@dataclass(frozen=True, slots=True)
class Place:
    """What a member of staff answers for: the whole city (all empty), or one district, hall, zone or department."""

    district: str | None = None
    hall: str | None = None
    zone: str | None = None
    department: str | None = None

    @property
    def is_city(self) -> bool:
        """Return whether this is the whole city."""
        return self.district is None and self.hall is None and self.zone is None and self.department is None

    def covers_district(self, code: str) -> bool:
        """Return whether a district (GB/T 2260 code) lies within: the city's own staff cover all."""
        return self.is_city or self.district == code


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


@dataclass(frozen=True, slots=True)
class Change:
    """Who changes something, when, and in which request: what every audited use case takes."""

    by: Principal
    at: datetime
    request_id: str | None = None
