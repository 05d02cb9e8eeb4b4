"""What commands that walk over whole tables share: the count of sealed columns, and which rows are refused."""

from collections import Counter
from collections.abc import Collection
from gettext import gettext as _
from typing import Any

from sqlalchemy.orm import Session

from qe_ban.cli.refusals import Refused
from qe_ban.db.engine import Database
from qe_ban.db.walking import walk
from qe_ban.keys import resealing

MAX_NAMES = 5
WALKS = 20


def count_sealed(database: Database) -> Counter[str]:
    """Count the sealed columns by the data key that they lie under."""
    counts: Counter[str] = Counter()
    for column in resealing.SEALED_COLUMNS:

        def step(session: Session, after: Any, column: resealing.SealedColumn = column) -> tuple[Any, int]:
            last_key, by_kid = resealing.count_by_kid(session, column, after=after)
            counts.update(by_kid)
            return last_key, 0

        walk(database, step)
    return counts


def refuse_broken(what: str, broken: Collection[Any]) -> None:
    """Raise Refused with the rows that could not be opened, where there are any."""
    if broken:
        names = ", ".join(str(row) for row in sorted(broken)[:MAX_NAMES])
        raise Refused(
            _("{broken} rows of {what} do not open, or double another, and stay as they are: {told}").format(
                broken=len(broken), what=what, told=names
            )
        )
