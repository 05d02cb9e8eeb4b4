"""Carries out endings in a test's own transaction."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from qe_ban.composition import retention
from qe_ban.config import Retention
from qe_ban.db.retention import Ending

DAYS = retention.days(Retention())


def end(session: Session, endings: Iterable[Ending], now: datetime) -> None:
    """End all rows whose time is over."""
    for ending in endings:
        while ending.step(session, ending.before(now, DAYS)):
            pass
