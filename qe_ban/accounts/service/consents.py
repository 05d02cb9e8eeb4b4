"""What residents agree to, purpose by purpose, and take back; scans read what stands here, so both work at once.

A guardian may do both for a ward. What a guardian gave counts as long as that guardianship stands: whoever reads a
consent, a scan too, looks at the guardianship itself, so that it is over however and whenever that ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from qe_ban.accounts import errors
from qe_ban.accounts.models import Consent, ConsentEvent, Guardianship, Resident
from qe_ban.accounts.rules import ConsentState, WardBasis
from qe_ban.accounts.service import fresh_consents, notices, residents
from qe_ban.accounts.service.collaborators import Accounts
from qe_ban.accounts.service.consents_shown import ConsentStatus, as_decided, is_active, status_of
from qe_ban.accounts.service.fresh_decisions import Decision
from qe_ban.db import overlaps
from qe_ban.kernel.city import Basis, City
from qe_ban.kernel.clock import start_of_day
from qe_ban.keys import data_keys, moments
from qe_ban.keys.data_keys import Owner


@dataclass(frozen=True, slots=True)
class ConsentDecision:
    """Whose consent to what is given or taken back, when, and by which guardianship (None: by the resident)."""

    resident_id: UUID
    purpose: str
    at: datetime
    guardianship_id: UUID | None = None


def grant_consent(accounts: Accounts, session: Session, city: City, decision: ConsentDecision) -> ConsentStatus:
    """Agree to a purpose, whether or not somebody asked; a repeat keeps the first time.

    What a guardian gave becomes the resident's own when the resident gives it, too; the other way round nothing
    changes. Raises PurposeNotFound, ConsentNotNeeded; WardDecided where a ward with a phone took it back, WardNotFound.
    """
    _require(city, decision.purpose)
    return _change(accounts, session, city, decision, ConsentState.GRANTED)


def withdraw_consent(accounts: Accounts, session: Session, city: City, decision: ConsentDecision) -> ConsentStatus:
    """Take a consent back, or decline one that was asked for; a repeat keeps the first time.

    Also of a purpose that the city has no more. A scan that asks again leaves it withdrawn: only the resident, or a
    guardian, grants. Custody and a court's order include taking back what the ward gave; whom a ward with a phone
    entrusted may not. Raises PurposeNotFound, ConsentNotNeeded, ConsentNotFound, WardDecided, WardNotFound.
    """
    return _change(accounts, session, city, decision, ConsentState.WITHDRAWN)


def request_consents(session: Session, requests: Sequence[tuple[UUID, str, datetime]]) -> None:
    """Show residents for which purposes they are asked to agree, and since which day; asked again nothing changes."""
    if requests:
        rows = [
            {"resident_id": resident, "purpose": purpose, "state": ConsentState.REQUESTED.value, "requested_at": day}
            for resident, purpose, day in requests
        ]
        session.execute(insert(Consent).on_conflict_do_nothing(), rows)


def withdraw_with_guardianship(
    accounts: Accounts, session: Session, guardianship: Guardianship, *, at: datetime, now: datetime
) -> None:
    """Take back what was given by a locked guardianship that has ended `at`; scans refuse it without this, too."""
    if guardianship.ward_id is None:
        return
    fresh_consents.fold(accounts.rings, session, guardianship.ward_id, now)
    grants = (
        (Consent.resident_id == guardianship.ward_id)
        & (Consent.guardianship_id == guardianship.id)
        & (Consent.state == ConsentState.GRANTED.value)
    )
    rows = select(Consent).where(grants).order_by(Consent.purpose).with_for_update()
    for consent in session.scalars(rows.execution_options(populate_existing=True)).all():
        decision = ConsentDecision(consent.resident_id, consent.purpose, at, guardianship.id)
        _decide(accounts, session, consent, decision, ConsentState.WITHDRAWN, now)


def _change(
    accounts: Accounts, session: Session, city: City, decision: ConsentDecision, state: ConsentState
) -> ConsentStatus:
    numbers = _scanned(accounts, session, city, decision)
    if numbers:
        return _decide_fresh(accounts, session, city, decision, state, numbers)
    ward, guardianship = _lock(accounts, session, decision)
    consent = _row(session, decision, add=state is ConsentState.GRANTED)
    if consent is None:
        _require(city, decision.purpose)
        raise errors.ConsentNotFound
    status = status_of(accounts, session, consent, decision.at)
    has_phone = ward is not None and ward.phone_sealed is not None
    if _is_settled(status, state, guardianship, ward_has_phone=has_phone):
        return status
    _decide(accounts, session, consent, decision, state, decision.at)
    _tell(accounts, session, decision)
    return status_of(accounts, session, consent, decision.at)


def _scanned(accounts: Accounts, session: Session, city: City, decision: ConsentDecision) -> Sequence[int]:
    """Return by which entitlements scans find a fresh decision; none where it is written into `consents` at once.

    So it is while release 0.3.0 may serve, which reads nothing else, and of who has no code that could be scanned.
    """
    if not overlaps.is_over(session, decision.at):
        return ()
    purpose = city.purposes.get(decision.purpose)
    return accounts.entitlements(session, decision.resident_id, purpose.kinds if purpose is not None else None)


def _decide_fresh(
    accounts: Accounts,
    session: Session,
    city: City,
    decision: ConsentDecision,
    state: ConsentState,
    numbers: Sequence[int],
) -> ConsentStatus:
    """Keep what is decided where scans find it at once, without the resident's id and without a lock of any row."""
    purpose, resident_id = decision.purpose, decision.resident_id
    decisions = fresh_consents.lock(accounts.rings, session, resident_id, decision.at)
    guardianship = _active(session, decision)
    consent = session.get(Consent, (resident_id, purpose))
    status = status_of(accounts, session, consent, decision.at) if consent is not None else None
    for fresh in decisions:
        if fresh.purpose == purpose:
            status = as_decided(session, purpose, status, fresh.newest, decision.at)
    if status is None and state is ConsentState.WITHDRAWN:
        _require(city, purpose)
        raise errors.ConsentNotFound
    has_phone = guardianship is not None and residents.has_phone(session, resident_id)
    if status is not None and _is_settled(status, state, guardianship, ward_has_phone=has_phone):
        return status
    written_decision = fresh_consents.write(
        accounts.rings,
        session,
        numbers,
        decisions,
        Decision(state, decision.at, decision.guardianship_id),
        resident_id=resident_id,
        purpose=purpose,
    )
    _tell(accounts, session, decision)
    return as_decided(session, purpose, status, written_decision, decision.at)


def _is_settled(
    status: ConsentStatus, state: ConsentState, guardianship: Guardianship | None, *, ward_has_phone: bool
) -> bool:
    """Return whether a decision changes nothing.

    What a guardian decided becomes the resident's own when the resident decides the same; the other way round nothing
    changes. Raises WardDecided where a guardian may not change what a ward with a phone decided.
    """
    if status.state == state:
        return guardianship is not None or not status.guardian
    if guardianship is not None and ward_has_phone and not status.guardian and status.state != ConsentState.REQUESTED:
        may_withdraw = guardianship.basis != WardBasis.ENTRUSTED
        if state is ConsentState.GRANTED or not may_withdraw:
            raise errors.WardDecided
    return False


def _active(session: Session, decision: ConsentDecision) -> Guardianship | None:
    """Return the guardianship of a decision. Raises WardNotFound.

    It is not locked: the number of the transaction would stand on its row, which names the ward. The account is held
    alone. Who ends a guardianship turns over what is fresh while holding it, so that has been done, or will take along
    what is decided here.
    """
    if decision.guardianship_id is None:
        return None
    guardianship = session.get(Guardianship, decision.guardianship_id, populate_existing=True)
    if guardianship is None or not is_active(guardianship, decision.at):
        raise errors.WardNotFound
    return guardianship


def _lock(
    accounts: Accounts, session: Session, decision: ConsentDecision
) -> tuple[Resident | None, Guardianship | None]:
    """Lock resident and guardianship, which come before consents everywhere. Raises WardNotFound.

    A guardianship that ends at this moment has ended before, or ends after and takes along what is given here. What the
    resident decided just now comes before what is decided here.
    """
    resident = session.get(Resident, decision.resident_id, with_for_update={"read": True, "key_share": True})
    guardianship = None
    if decision.guardianship_id is not None:
        guardianship = session.get(
            Guardianship, decision.guardianship_id, with_for_update={"read": True}, populate_existing=True
        )
        if guardianship is None or not is_active(guardianship, decision.at):
            raise errors.WardNotFound
    # last, as where a guardianship ends
    fresh_consents.fold(accounts.rings, session, decision.resident_id, decision.at)
    return resident, guardianship


def _row(session: Session, decision: ConsentDecision, *, add: bool) -> Consent | None:
    """Return the locked consent; `add`: one that nobody asked for begins here, in the state that it will not keep."""
    key = {"resident_id": decision.resident_id, "purpose": decision.purpose}
    if add:
        row = insert(Consent).values(key | {"state": ConsentState.REQUESTED.value})
        # locks one that is there: a request without an answer is deleted one day (retention)
        session.execute(row.on_conflict_do_update(index_elements=list(key), set_={"purpose": row.excluded.purpose}))
    return session.get(Consent, tuple(key.values()), with_for_update=True, populate_existing=True)


def _decide(
    accounts: Accounts,
    session: Session,
    consent: Consent,
    decision: ConsentDecision,
    state: ConsentState,
    now: datetime,
) -> None:
    consent.state, consent.guardianship_id, consent.turned_over_at = state.value, decision.guardianship_id, None
    granted_at, withdrawn_at = (decision.at, None) if state is ConsentState.GRANTED else (None, decision.at)
    data_key = data_keys.number_for(session, Owner.RESIDENT, decision.resident_id)
    moments.write(accounts.rings, consent, now, data_key=data_key, granted_at=granted_at, withdrawn_at=withdrawn_at)
    session.flush()
    event = _add_event(session, decision, state)
    moments.write(accounts.rings, event, now, data_key=data_key, at=decision.at)


def _require(city: City, purpose: str) -> None:
    known_purpose = city.purposes.get(purpose)
    if known_purpose is None:
        raise errors.PurposeNotFound
    if known_purpose.basis is not Basis.CONSENT:
        raise errors.ConsentNotNeeded


def _add_event(session: Session, decision: ConsentDecision, state: ConsentState) -> ConsentEvent:
    event = ConsentEvent(
        resident_id=decision.resident_id,
        purpose=decision.purpose,
        state=state.value,
        at=start_of_day(decision.at),
        guardianship_id=decision.guardianship_id,
    )
    session.add(event)
    # a seal is bound to the row's id, which the database gives
    session.flush()
    return event


def _tell(accounts: Accounts, session: Session, decision: ConsentDecision) -> None:
    """Tell a ward with a phone that a guardian decided: which purpose is personal and stands in the app."""
    if decision.guardianship_id is not None:
        notices.tell(
            session,
            accounts.rings,
            resident_id=decision.resident_id,
            template="consent_by_guardian",
            now=decision.at,
        )
