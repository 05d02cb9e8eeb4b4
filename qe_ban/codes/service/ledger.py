"""The resident's ledger of scans, and forgetting the uses that are over."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from qe_ban.codes import queries
from qe_ban.codes.models import Entitlement, Use
from qe_ban.codes.service.wallet import holder_hash
from qe_ban.keys.rings import KeyRings


def entries(
    session: Session, rings: KeyRings, resident: UUID, *, limit: int, after: tuple[datetime, UUID] | None = None
) -> list[queries.Entry]:
    """Give a resident's newest scans, refused ones too, those older than `after` (moment and id) where given."""
    numbers = session.scalars(select(Entitlement.number).where(Entitlement.resident_id == resident)).all()
    return queries.ledger(session, [holder_hash(rings, number) for number in numbers], limit=limit, after=after)


def sweep(session: Session, now: datetime) -> None:
    """Forget the uses whose codes are long over."""
    session.execute(delete(Use).where(Use.expires_at < now))
