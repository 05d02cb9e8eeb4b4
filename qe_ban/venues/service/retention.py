"""How long invitations of scanners are kept by which nobody came."""

from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement

from qe_ban.db.retention import Ending, Period, Schedule, delete_rows
from qe_ban.venues.models import Enrolment


def _is_unused(before: datetime) -> ColumnElement[bool]:
    return Enrolment.used_at.is_(None) & (Enrolment.expires_at < before)


ENDINGS: Final = (Ending(Enrolment, Period.AUDIT, delete_rows(Enrolment, _is_unused), Schedule.DAYS),)
"""One that was used says who let the scanner in, and stays with the scanner."""
