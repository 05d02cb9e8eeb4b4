"""Where entitlements come from: outside sources, asked over HTTP; the built-in register is rows and needs none."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from qe_ban.codes.rules import Answer


class SourceAway(Exception):
    """The source could not be asked, or what it answered makes no sense."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a source is asked about."""

    id_type: str
    id_number: str = field(repr=False)
    name: str = field(repr=False)


class Source(Protocol):
    """Knows the state of the entitlements of one kind."""

    def ask(self, kind: str, person: Person, now: datetime) -> Answer:
        """Return the state now. Raises SourceAway, within a second at the latest."""
