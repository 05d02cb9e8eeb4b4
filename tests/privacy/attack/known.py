"""The ways that succeed against the product as it is, each with its reason. The test finds no other, and all of these.

A mend removes its row, or the test fails; a new leak has none, and the test fails. docs/privacy.md names them as open.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Known:
    """Ways by a pattern of their names, why they succeed, and until when."""

    ways: str
    why: str

    def covers(self, way: str) -> bool:
        return re.match(self.ways, way) is not None


REQUESTS = "a scan that finds no consent writes a request with the resident's plain id: until an inbox takes it"
GRANTS = (
    "what a resident agrees to is written immediately, with the plain id: its place, number and transaction are next to"
    " those of the scan that asked, until consents, too, lead to nobody by a plain id"
)
WAYS: tuple[Known, ...] = (
    Known("disk: transaction of (WAL|pages) of consents", REQUESTS),
    Known("dump: order of (consents|consent_events) by", GRANTS),
    Known("live SQL: neighbouring transaction of (consents|consent_events)", GRANTS),
    Known("disk: (neighbouring transaction|order) of (WAL|pages) of (consents|consent_events)", GRANTS),
)
HASHES: tuple[Known, ...] = ()
"""Tables in which numbers of people stand as hashes that anybody can make."""
WORDS: tuple[Known, ...] = (
    Known("basis of a recovery case in", "until it is sealed"),
    Known("papers seen for a guardianship in", "the audit has what was said: until it has a digest"),
    Known("search without a result in", "one reader's search is kept: until several networks must have asked the same"),
    Known("title of a demand in", "until it is sealed"),
)
"""What stands somewhere in clear."""


def unexplained(known: tuple[Known, ...], found: set[str]) -> set[str]:
    """Return what was found and has no row."""
    return {way for way in found if not any(row.covers(way) for row in known)}


def superfluous(known: tuple[Known, ...], found: set[str]) -> set[str]:
    """Return the rows of which nothing was found."""
    return {row.ways for row in known if not any(row.covers(way) for way in found)}
