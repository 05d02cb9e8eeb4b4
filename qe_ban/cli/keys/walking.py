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

TOLD = 5
WALKS = 20


def count_sealed(database: Database) -> Counter[str]:
    """Count the sealed columns by the data key that they lie under."""
    counted: Counter[str] = Counter()
    for sealed in resealing.SEALED_COLUMNS:

        def step(session: Session, after: Any, sealed: resealing.SealedColumn = sealed) -> tuple[Any, int]:
            reached, found = resealing.count_by_kid(session, sealed, after=after)
            counted.update(found)
            return reached, 0

        walk(database, step)
    return counted


def refuse_broken(what: str, broken: Collection[Any]) -> None:
    """Say which rows could not be opened. Raises Refused."""
    if broken:
        told = ", ".join(str(row) for row in sorted(broken)[:TOLD])
        raise Refused(
            _("{broken} rows of {what} do not open, or double another, and stay as they are: {told}").format(
                broken=len(broken), what=what, told=told
            )
        )
