"""Scanners of a venue: listed, and shut out."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from qe_ban.accounts import service as accounts
from qe_ban.audit import service as audit
from qe_ban.kernel.principal import Principal
from qe_ban.venues import rules
from qe_ban.venues.errors import ScannerNotFound
from qe_ban.venues.models import Scanner, Venue
from qe_ban.venues.service.places import venue


def scanners(
    session: Session, *, reader: Principal, venue_id: UUID, before: UUID | None, limit: int
) -> Sequence[Scanner]:
    """Return at most `limit` scanners of a venue, newest first, revoked ones too. Raises VenueNotFound."""
    place = venue(session, reader=reader, venue_id=venue_id)
    query = select(Scanner).where(Scanner.venue_id == place.id).order_by(Scanner.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Scanner.id < before)
    return session.scalars(query).all()


def revoke(session: Session, *, scanner_id: UUID, change: audit.Change) -> None:
    """Shut a scanner out immediately and for good; doing it again changes nothing. Raises ScannerNotFound."""
    scanner = session.get(Scanner, scanner_id)
    if scanner is None or not rules.answers_for(change.by, session.get_one(Venue, scanner.venue_id).district):
        raise ScannerNotFound
    revoked = session.execute(
        update(Scanner)
        .where(Scanner.id == scanner_id, Scanner.revoked_at.is_(None))
        .values(revoked_at=change.at)
        .returning(Scanner.id)
    ).first()
    if revoked is None:
        return
    accounts.revoke_client(session, scanner_id, change.at)
    after = {"revoked": True, "venue": str(scanner.venue_id)}
    audit.record_change(
        session, change, "venues.revoke_scanner", str(scanner_id), before={"revoked": False}, after=after
    )
