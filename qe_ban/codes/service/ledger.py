"""The resident's ledger of scans."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from qe_ban.codes import queries
from qe_ban.codes.errors import ScanNotFound
from qe_ban.codes.models import Entitlement, Scan
from qe_ban.codes.queries.ledger import HolderSpan
from qe_ban.codes.service.hashing import dispute_hashes, holder_spans
from qe_ban.keys.rings import KeyRings

PORTION = 500


def holders(session: Session, rings: KeyRings, resident: UUID) -> list[HolderSpan]:
    """Return the hashes under which a resident's scans stand, each with its entitlement and its month.

    Of the months that there are scans of, under every live key.
    """
    oldest, newest = (select(edge(Scan.at)).scalar_subquery() for edge in (func.min, func.max))
    rows = session.execute(select(Entitlement.number, oldest, newest).where(Entitlement.resident_id == resident)).all()
    if not rows or rows[0][1] is None:
        return []
    return holder_spans(rings, [number for number, *_ in rows], rows[0][1], rows[0][2])


def dispute_holders(session: Session, rings: KeyRings, resident: UUID) -> list[bytes]:
    """Return the hashes under which disputes of a resident's scans stand, under every live key."""
    numbers = session.scalars(select(Entitlement.number).where(Entitlement.resident_id == resident))
    return [holder for number in numbers for holder in dispute_hashes(rings, number)]


def entries(
    session: Session, rings: KeyRings, resident: UUID, *, limit: int, after: tuple[datetime, UUID] | None = None
) -> list[queries.Entry]:
    """Return a resident's newest scans, refused ones too, those older than `after` (moment and id) where given."""
    return queries.ledger(session, holders(session, rings, resident), limit=limit, after=after)


def entry(session: Session, rings: KeyRings, resident: UUID, scan: UUID) -> tuple[int, UUID, queries.Entry]:
    """Return one scan of a resident, by our id, with whose entitlement's it is and its venue's id.

    Raises ScanNotFound, also for another's.
    """
    number_of = {span.holder: span.number for span in holders(session, rings, resident)}
    row = queries.entry(session, list(number_of), scan)
    if row is None:
        raise ScanNotFound
    holder, venue, entry_ = row
    return number_of[holder], venue, entry_


def all_entries(session: Session, rings: KeyRings, resident: UUID) -> Iterator[queries.Entry]:
    """Return all of a resident's scans, newest first, reading them in portions."""
    spans, after = holders(session, rings, resident), None
    while True:
        portion = queries.ledger(session, spans, limit=PORTION, after=after)
        yield from portion
        if len(portion) < PORTION:
            return
        after = portion[-1].at, portion[-1].id
