"""What residents agree to, purpose by purpose, and take back; scans read what stands here, so both work at once."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from qe_ban.accounts import errors
from qe_ban.accounts.models import Consent, ConsentEvent
from qe_ban.accounts.rules import ConsentState
from qe_ban.kernel.city import Basis, City


def list_consents(session: Session, *, resident_id: UUID, after: str | None, limit: int) -> Sequence[Consent]:
    """Give at most `limit` consents that were asked for, given or taken back, by purpose, those after `after`."""
    wanted = select(Consent).where(Consent.resident_id == resident_id).order_by(Consent.purpose).limit(limit)
    if after is not None:
        wanted = wanted.where(Consent.purpose > after)
    return session.scalars(wanted).all()


def consent_history(session: Session, *, resident_id: UUID, before: int | None, limit: int) -> Sequence[ConsentEvent]:
    """Give at most `limit` of a resident's grants and withdrawals, newest first, those before the event `before`."""
    wanted = select(ConsentEvent).where(ConsentEvent.resident_id == resident_id)
    if before is not None:
        wanted = wanted.where(ConsentEvent.id < before)
    return session.scalars(wanted.order_by(ConsentEvent.id.desc()).limit(limit)).all()


def grant_consent(session: Session, city: City, *, resident_id: UUID, purpose: str, now: datetime) -> Consent:
    """Agree to a purpose, whether or not somebody asked; a repeat keeps the first time.

    Raises PurposeNotFound, ConsentNotNeeded.
    """
    _require(city, purpose)
    granted = {"state": ConsentState.GRANTED.value, "granted_at": now, "withdrawn_at": None}
    row = insert(Consent).values(resident_id=resident_id, purpose=purpose, **granted)
    changed = row.on_conflict_do_update(
        index_elements=["resident_id", "purpose"], set_=granted, where=Consent.state != ConsentState.GRANTED.value
    ).returning(Consent.purpose)
    if session.scalar(changed) is not None:
        _note(session, resident_id, purpose, ConsentState.GRANTED, now)
    return session.get_one(Consent, (resident_id, purpose), populate_existing=True)


def withdraw_consent(session: Session, city: City, *, resident_id: UUID, purpose: str, now: datetime) -> Consent:
    """Take a consent back, or decline one that was asked for; a repeat keeps the first time.

    Also of a purpose that the city has no more. A scan that asks again leaves it withdrawn: only the resident grants.
    Raises PurposeNotFound, ConsentNotNeeded, ConsentNotFound.
    """
    withdrawn = {"state": ConsentState.WITHDRAWN.value, "granted_at": None, "withdrawn_at": now}
    mine = (Consent.resident_id == resident_id) & (Consent.purpose == purpose)
    changed = update(Consent).where(mine, Consent.state != ConsentState.WITHDRAWN.value).values(withdrawn)
    if session.scalar(changed.returning(Consent.purpose).execution_options(synchronize_session=False)) is not None:
        _note(session, resident_id, purpose, ConsentState.WITHDRAWN, now)
    found = session.get(Consent, (resident_id, purpose), populate_existing=True)
    if found is None:
        _require(city, purpose)
        raise errors.ConsentNotFound
    return found


def _require(city: City, purpose: str) -> None:
    known = city.purposes.get(purpose)
    if known is None:
        raise errors.PurposeNotFound
    if known.basis is not Basis.CONSENT:
        raise errors.ConsentNotNeeded


def _note(session: Session, resident_id: UUID, purpose: str, state: ConsentState, now: datetime) -> None:
    session.add(ConsentEvent(resident_id=resident_id, purpose=purpose, state=state.value, at=now))
