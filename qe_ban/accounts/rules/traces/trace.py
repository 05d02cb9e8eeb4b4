"""What is said of one place in the database that leads to a resident."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Lookup(StrEnum):
    """How the rows of one resident are found."""

    ID = "by the resident's plain id"
    RELATED = "through another row that is found"
    HASH = "by a keyed hash, under each secret in use"
    SEALED = "by opening what is sealed"
    NEVER = "not at all: what the hash was made of is not known any more"


class Outcome(StrEnum):
    """What closing does: rows (or what their columns hold) are deleted, or end and stay, or are kept."""

    DELETED = "deleted"
    ENDED = "ended"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Retention:
    """How long what outlives an account is kept."""

    scans: timedelta = timedelta(days=90)
    audit: timedelta = timedelta(days=400)
    records: timedelta = timedelta(days=1100)
    backups: timedelta = timedelta(days=30)


Period = Callable[[Retention], timedelta]


@dataclass(frozen=True, slots=True)
class Trace:
    """Columns of a table that lead to a resident: `what` and `name` are the report's words, the second the residents'.

    `table` is empty of what is no table. `why` and `period` are of what is kept: why, and how long after the closing at
    most; None is without an end.
    """

    what: str
    table: str
    columns: tuple[str, ...]
    lookup: Lookup
    outcome: Outcome
    name: str
    why: str = ""
    period: Period | None = None
