"""What residents agreed to, purpose by purpose."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from qe_ban.accounts import errors
from qe_ban.accounts.models import Consent
from qe_ban.accounts.rules import ConsentState
from qe_ban.kernel.city import Basis, City


def list_consents(session: Session, *, resident_id: UUID, after: str | None, limit: int) -> Sequence[Consent]:
    """Give at most `limit` consents that were asked for or given, by purpose, those after `after`."""
    wanted = select(Consent).where(Consent.resident_id == resident_id).order_by(Consent.purpose).limit(limit)
    if after is not None:
        wanted = wanted.where(Consent.purpose > after)
    return session.scalars(wanted).all()


def grant_consent(session: Session, city: City, *, resident_id: UUID, purpose: str, now: datetime) -> Consent:
    """Agree to a purpose, whether or not somebody asked; a repeat keeps the first time.

    Raises PurposeNotFound, ConsentNotNeeded.
    """
    known = city.purposes.get(purpose)
    if known is None:
        raise errors.PurposeNotFound
    if known.basis is not Basis.CONSENT:
        raise errors.ConsentNotNeeded
    row = insert(Consent).values(
        resident_id=resident_id, purpose=purpose, state=ConsentState.GRANTED.value, granted_at=now
    )
    granted = row.on_conflict_do_update(
        index_elements=["resident_id", "purpose"],
        set_={"state": ConsentState.GRANTED.value, "granted_at": now},
        where=Consent.state != ConsentState.GRANTED.value,
    )
    session.execute(granted)
    return session.get_one(Consent, (resident_id, purpose), populate_existing=True)
