"""Whose the rows of residents' lists are: they stand under a keyed hash of the resident's id.

An item is opened just before a code is shown. A row under the plain id would tell by its transaction and its place, to
whoever reads the database's files beside the scans, which scans are next to that resident.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from qe_ban.accounts.errors import SessionEnded
from qe_ban.accounts.service import holding
from qe_ban.db import overlaps
from qe_ban.halls.queries import residents as queries
from qe_ban.keys.models import Ring
from qe_ban.keys.rings import KeyRings

PURPOSE = "lists"


def owner_ids(rings: KeyRings, resident: UUID) -> list[UUID]:
    """Return the ids under which a resident's rows may stand, that of new rows first. Raises KeyMissing.

    After it come those of older secrets, and the plain id: rows of before stand under it until the worker moves them.
    """
    return [*(UUID(bytes=mac[:16]) for mac in rings.macs(Ring.HOLDER, PURPOSE, resident.bytes)), resident]


def hold(rings: KeyRings, session: Session, resident: UUID, now: datetime) -> UUID:
    """Wait until nobody writes a resident's lists, and let nobody until the commit; return the id of new rows.

    Else of two at once each would find room for the last one, and a row could come after the account is closed. Raises
    SessionEnded when it is closed, KeyMissing.
    """
    is_over = overlaps.is_over(session, now)
    if not is_over:
        # the previous release knows no other lock
        session.execute(queries.LOCK, {"resident": resident})
    holding.hold_alone(rings, session, resident)
    if not session.scalar(queries.IS_OPEN, {"resident": resident}):
        raise SessionEnded
    # that release reads by the plain id
    return owner_ids(rings, resident)[0] if is_over else resident
