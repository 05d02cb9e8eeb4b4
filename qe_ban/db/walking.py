"""Walks over whole tables in small committed steps: each may be the last, and the next run goes on."""

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from qe_ban.db.engine import Database


def walk(database: Database, step: Callable[[Session, Any], tuple[Any, int]], start: Any = None) -> int:
    """Do a step after another, each in a transaction of its own, until one reaches the end; return how many it wrote.

    `step` takes up to where the one before came, and gives up to where it came (None: to the end) and what it wrote.
    """
    position, total = start, 0
    while True:
        with database.transaction() as session:
            position, more = step(session, position)
        total += more
        if position is None:
            return total
