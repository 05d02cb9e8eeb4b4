"""The ways that succeed against the product as it is, each with its reason. The test finds no other, and all of these.

A mend removes its row, or the test fails; a new leak has none, and the test fails. docs/privacy.md names them as open.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Known:
    """Ways by a pattern of their names, why they succeed and until when; docs/privacy.md has them under `name`."""

    name: str
    ways: str
    why: str

    def covers(self, way: str) -> bool:
        return re.match(self.ways, way) is not None


WAYS: tuple[Known, ...] = ()
"""What succeeds against tables, files, Valkey, the log, or by what insiders put together."""
HASHES: tuple[Known, ...] = ()
"""Tables in which numbers of people stand as hashes that anybody can make."""
WORDS: tuple[Known, ...] = ()
"""What stands somewhere in clear."""


def unexplained(known: tuple[Known, ...], found: set[str]) -> set[str]:
    """Return what was found and has no row."""
    return {way for way in found if not any(row.covers(way) for row in known)}


def superfluous(known: tuple[Known, ...], found: set[str]) -> set[str]:
    """Return the rows of which nothing was found."""
    return {row.ways for row in known if not any(row.covers(way) for way in found)}
