"""Writes rows anew in an order that is not that in which they were written first.

Rows lie in a table, and in a dump of it, as they were written. A row that is written again has another place: but
PostgreSQL leaves it in its page while that has room, so it is written several times, until its page is full.
"""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any, Final

from sqlalchemy import Update
from sqlalchemy.orm import Session

PASSES: Final = 8
"""Of two batches whose day was over one pass left up to 9 of 10 pairs in their order: pages have room, also by what the
first passes left dead. Over 12 trials with refresh tokens four left 0.61 of the pairs, eight 0.50, as lots do."""
LEAST_WRITES: Final = 600
"""Of few rows, eight passes fill no page: with ten rows at a time the share was 0.22 to 0.39 in four trials, by as many
writes as this 0.43 to 0.55, and the rows lay in the order given."""


def write_anew(session: Session, statement: Update, rows: Sequence[Mapping[str, Any]]) -> None:
    """Update locked rows one by one, in the order given: one statement for all would go in the order of the table."""
    for _ in range(max(PASSES, ceil(LEAST_WRITES / len(rows))) if rows else 0):
        session.connection().execute(statement, rows)
