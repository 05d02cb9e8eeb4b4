"""The resident's ledger of scans, and forgetting the uses and short numbers that are over."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from qe_ban.codes import queries, rules
from qe_ban.codes.errors import ScanNotFound
from qe_ban.codes.models import Entitlement, ShortNumber
from qe_ban.codes.service.wallet import holder_hashes
from qe_ban.keys.rings import KeyRings

PORTION = 500


def holders(session: Session, rings: KeyRings, resident: UUID) -> dict[bytes, int]:
    """Give the hashes under which a resident's scans stand, with the entitlement of each, under every live key."""
    numbers = session.scalars(select(Entitlement.number).where(Entitlement.resident_id == resident))
    return {holder: number for number in numbers for holder in holder_hashes(rings, number)}


def entries(
    session: Session, rings: KeyRings, resident: UUID, *, limit: int, after: tuple[datetime, UUID] | None = None
) -> list[queries.Entry]:
    """Give a resident's newest scans, refused ones too, those older than `after` (moment and id) where given."""
    return queries.ledger(session, list(holders(session, rings, resident)), limit=limit, after=after)


def entry(session: Session, rings: KeyRings, resident: UUID, scan: UUID) -> tuple[int, UUID, queries.Entry]:
    """Return one scan of a resident, by our id, with whose entitlement's it is and its venue's id.

    Raises ScanNotFound, also for another's.
    """
    known = holders(session, rings, resident)
    found = queries.entry(session, list(known), scan)
    if found is None:
        raise ScanNotFound
    holder, venue, entry_ = found
    return known[holder], venue, entry_


def all_entries(session: Session, rings: KeyRings, resident: UUID) -> Iterator[queries.Entry]:
    """Give all of a resident's scans, newest first, reading them in portions."""
    found_under, after = list(holders(session, rings, resident)), None
    while True:
        portion = queries.ledger(session, found_under, limit=PORTION, after=after)
        yield from portion
        if len(portion) < PORTION:
            return
        after = portion[-1].at, portion[-1].id


def sweep(session: Session, now: datetime) -> None:
    """Forget the short numbers that are long over."""
    session.execute(delete(ShortNumber).where(ShortNumber.expires_at < now - rules.SHORT_NUMBER_KEPT))
