"""The turn of the month must not blind the detectors: for its first minutes it is kept, sealed, who was who before.

Hashes of holders change with the month, and detectors look back ten minutes.
"""

from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import select, true
from sqlalchemy.orm import Session

from qe_ban.codes.models import HolderOverMonth
from qe_ban.codes.rules import anomalies as rules
from qe_ban.codes.service.hashing import previous_holder_hash
from qe_ban.db.retention import Ending, delete_rows
from qe_ban.kernel.clock import start_of_month
from qe_ban.keys import vault
from qe_ban.keys.rings import KeyMissing, KeyRings

COLUMN = "holders_over_month.before"
RETENTION = timedelta(hours=1)

log = structlog.get_logger(__name__)


def seal(rings: KeyRings, number: int | None, holder: bytes | None, at: datetime) -> bytes | None:
    """Return the entitlement's hash before the month, sealed for its hash of now; None but for the first minutes."""
    if number is None or holder is None or at - start_of_month(at) > rules.TRAVEL_WINDOW:
        return None
    before = previous_holder_hash(rings, number, at)
    return None if before == holder else vault.seal(rings, COLUMN, holder.hex(), before.hex(), at)


def holders_before(session: Session, rings: KeyRings) -> dict[bytes, bytes]:
    """Return the hashes of before the turn by those of after it; empty but for an hour of a month."""
    before_by_holder = {}
    for row in session.scalars(select(HolderOverMonth)):
        try:
            before_by_holder[row.holder] = bytes.fromhex(
                vault.unseal(rings, COLUMN, row.holder.hex(), row.before_sealed)
            )
        except (vault.SealBroken, KeyMissing):
            log.warning("codes.holder_over_month_unreadable")
    return before_by_holder


def _forget(session: Session, before: datetime) -> int:
    """Delete some of them where the turn was before a moment, with the month; returns how many.

    A month's rows have no moment: they are written in its first minutes.
    """
    if before <= start_of_month(before + RETENTION):
        return 0
    return delete_rows(HolderOverMonth, lambda _: true())(session, before)


ENDINGS: Final = (Ending(HolderOverMonth, RETENTION, _forget),)
