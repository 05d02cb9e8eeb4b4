"""What residents agree to, purpose by purpose, and take back; scans read what stands here, so both work at once.

A guardian may do both for a ward. What a guardian gave counts as long as that guardianship stands: whoever reads a
consent, a scan too, looks at the guardianship itself, so that it is over however and whenever that ends.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from qe_ban.accounts import errors
from qe_ban.accounts.models import Consent, ConsentEvent, Guardianship, Resident
from qe_ban.accounts.rules import ConsentState, GuardianshipState, WardBasis
from qe_ban.accounts.service import notices
from qe_ban.accounts.service.collaborators import Accounts
from qe_ban.accounts.service.wards import held
from qe_ban.kernel.city import Basis, City
from qe_ban.kernel.clock import start_of_day
from qe_ban.keys import data_keys, moments
from qe_ban.keys.data_keys import Owner


@dataclass(frozen=True, slots=True)
class ConsentStatus:
    """A consent as it counts at a moment; `guardian`: one gave it or took it back, or it ended with them."""

    purpose: str
    state: str
    requested_at: datetime | None
    granted_at: datetime | None
    withdrawn_at: datetime | None
    guardian: bool


@dataclass(frozen=True, slots=True)
class ConsentAct:
    """That a consent was given or taken back; `guardian`: a guardian did so."""

    id: int
    purpose: str
    state: str
    at: datetime
    guardian: bool


@dataclass(frozen=True, slots=True)
class ConsentDecision:
    """Whose consent to what is given or taken back, when, and by which guardianship (None: by the resident)."""

    resident_id: UUID
    purpose: str
    at: datetime
    guardianship_id: UUID | None = None


def list_consents(
    accounts: Accounts, session: Session, *, resident_id: UUID, now: datetime, after: str | None, limit: int
) -> Sequence[ConsentStatus]:
    """Return at most `limit` consents that were asked for, given or taken back, by purpose, those after `after`."""
    query = (
        select(Consent, Guardianship)
        .outerjoin(Guardianship, Guardianship.id == Consent.guardianship_id)
        .where(Consent.resident_id == resident_id)
        .order_by(Consent.purpose)
        .limit(limit)
    )
    if after is not None:
        query = query.where(Consent.purpose > after)
    return [_status(accounts, consent, guardianship, now) for consent, guardianship in session.execute(query)]


def consent_history(
    accounts: Accounts, session: Session, *, resident_id: UUID, before: int | None, limit: int
) -> Sequence[ConsentAct]:
    """Return at most `limit` of a resident's grants and withdrawals, newest first, those before the event `before`."""
    wanted = select(ConsentEvent).where(ConsentEvent.resident_id == resident_id)
    if before is not None:
        wanted = wanted.where(ConsentEvent.id < before)
    events = session.scalars(wanted.order_by(ConsentEvent.id.desc()).limit(limit)).all()
    return [
        ConsentAct(
            id=event.id,
            purpose=event.purpose,
            state=event.state,
            at=moments.read(accounts.rings, event, "at") or event.at,
            guardian=event.guardianship_id is not None,
        )
        for event in events
    ]


def grant_consent(accounts: Accounts, session: Session, city: City, decision: ConsentDecision) -> ConsentStatus:
    """Agree to a purpose, whether or not somebody asked; a repeat keeps the first time.

    What a guardian gave becomes the resident's own when the resident gives it, too; the other way round nothing
    changes. Raises PurposeNotFound, ConsentNotNeeded; WardDecided where a ward with a phone took it back, WardNotFound.
    """
    _require(city, decision.purpose)
    ward, guardianship = _lock(session, decision)
    consent = _row(session, decision)
    standing = _is_granted(accounts, session, consent, decision.at)
    if standing and (guardianship is not None or consent.guardianship_id is None):
        return _status_of(accounts, session, consent, decision.at)
    if guardianship is not None and consent.state == ConsentState.WITHDRAWN and _is_decided_by(ward, consent):
        raise errors.WardDecided
    _decide(accounts, session, consent, decision, ConsentState.GRANTED, decision.at)
    _tell(accounts, session, decision)
    return _status_of(accounts, session, consent, decision.at)


def withdraw_consent(accounts: Accounts, session: Session, city: City, decision: ConsentDecision) -> ConsentStatus:
    """Take a consent back, or decline one that was asked for; a repeat keeps the first time.

    Also of a purpose that the city has no more. A scan that asks again leaves it withdrawn: only the resident, or a
    guardian, grants. Custody and a court's order include taking back what the ward gave; whom a ward with a phone
    entrusted may not. Raises PurposeNotFound, ConsentNotNeeded, ConsentNotFound, WardDecided, WardNotFound.
    """
    ward, guardianship = _lock(session, decision)
    consent = session.get(
        Consent, (decision.resident_id, decision.purpose), with_for_update=True, populate_existing=True
    )
    if consent is None:
        _require(city, decision.purpose)
        raise errors.ConsentNotFound
    withdrawn = consent.state == ConsentState.WITHDRAWN
    if withdrawn and (guardianship is not None or consent.guardianship_id is None):
        return _status_of(accounts, session, consent, decision.at)
    granted_by_ward = consent.state == ConsentState.GRANTED and _is_decided_by(ward, consent)
    if guardianship is not None and guardianship.basis == WardBasis.ENTRUSTED and granted_by_ward:
        raise errors.WardDecided
    _decide(accounts, session, consent, decision, ConsentState.WITHDRAWN, decision.at)
    _tell(accounts, session, decision)
    return _status_of(accounts, session, consent, decision.at)


def lock_reachable(session: Session, residents: Collection[UUID]) -> dict[UUID, bool]:
    """Lock those of these residents whom nobody else holds, against their closing; gives whether each has an account.

    Waits for nobody, so that one who is held hinders no other.
    """
    query = select(Resident.id, Resident.closed_at.is_(None)).where(Resident.id.in_(residents)).order_by(Resident.id)
    rows = session.execute(query.with_for_update(read=True, key_share=True, skip_locked=True))
    return {row[0]: row[1] for row in rows}


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
    granted = (
        (Consent.resident_id == guardianship.ward_id)
        & (Consent.guardianship_id == guardianship.id)
        & (Consent.state == ConsentState.GRANTED.value)
    )
    rows = select(Consent).where(granted).order_by(Consent.purpose).with_for_update()
    for consent in session.scalars(rows.execution_options(populate_existing=True)).all():
        decision = ConsentDecision(consent.resident_id, consent.purpose, at, guardianship.id)
        _decide(accounts, session, consent, decision, ConsentState.WITHDRAWN, now)


def _lock(session: Session, decision: ConsentDecision) -> tuple[Resident | None, Guardianship | None]:
    """Lock resident and guardianship, which come before consents everywhere. Raises WardNotFound.

    A guardianship that ends at this moment has ended before, or ends after and takes along what is given here.
    """
    resident = session.get(Resident, decision.resident_id, with_for_update={"read": True, "key_share": True})
    if decision.guardianship_id is None:
        return resident, None
    guardianship = session.get(
        Guardianship, decision.guardianship_id, with_for_update={"read": True}, populate_existing=True
    )
    if guardianship is None or not _is_active(guardianship, decision.at):
        raise errors.WardNotFound
    return resident, guardianship


def _row(session: Session, decision: ConsentDecision) -> Consent:
    """Return the locked consent; one that nobody asked for begins here, in the state that it will not keep."""
    key = {"resident_id": decision.resident_id, "purpose": decision.purpose}
    row = insert(Consent).values(key | {"state": ConsentState.REQUESTED.value})
    # locks one that is there: a request without an answer is deleted one day (retention)
    session.execute(row.on_conflict_do_update(index_elements=list(key), set_={"purpose": row.excluded.purpose}))
    return session.get_one(Consent, tuple(key.values()), with_for_update=True, populate_existing=True)


def _is_granted(accounts: Accounts, session: Session, consent: Consent, now: datetime) -> bool:
    return _status_of(accounts, session, consent, now).state == ConsentState.GRANTED


def _is_decided_by(ward: Resident | None, consent: Consent) -> bool:
    """Return whether a ward who signs in with a phone decided this consent."""
    return consent.guardianship_id is None and ward is not None and ward.phone_sealed is not None


def _decide(
    accounts: Accounts,
    session: Session,
    consent: Consent,
    decision: ConsentDecision,
    state: ConsentState,
    now: datetime,
) -> None:
    consent.state, consent.guardianship_id = state.value, decision.guardianship_id
    granted_at, withdrawn_at = (decision.at, None) if state is ConsentState.GRANTED else (None, decision.at)
    data_key = data_keys.number_for(session, Owner.RESIDENT, decision.resident_id)
    moments.write(accounts.rings, consent, now, data_key=data_key, granted_at=granted_at, withdrawn_at=withdrawn_at)
    session.flush()
    event = _add_event(session, decision, state)
    moments.write(accounts.rings, event, now, data_key=data_key, at=decision.at)


def _status_of(accounts: Accounts, session: Session, consent: Consent, now: datetime) -> ConsentStatus:
    by = consent.guardianship_id
    return _status(accounts, consent, session.get(Guardianship, by) if by is not None else None, now)


def _status(accounts: Accounts, consent: Consent, guardianship: Guardianship | None, now: datetime) -> ConsentStatus:
    """Return a consent as it counts: what was given by a guardianship that is over is withdrawn, written so or not."""
    state = consent.state
    granted_at, withdrawn_at = (moments.read(accounts.rings, consent, name) for name in ("granted_at", "withdrawn_at"))
    if state == ConsentState.GRANTED and guardianship is not None and not _is_active(guardianship, now):
        state, granted_at = ConsentState.WITHDRAWN.value, None
        withdrawn_at = guardianship.ended_at or guardianship.ends_at
    return ConsentStatus(
        consent.purpose, state, consent.requested_at, granted_at, withdrawn_at, consent.guardianship_id is not None
    )


def _is_active(guardianship: Guardianship, now: datetime) -> bool:
    return guardianship.state == GuardianshipState.ACTIVE and held.is_standing(guardianship, now)


def _require(city: City, purpose: str) -> None:
    known = city.purposes.get(purpose)
    if known is None:
        raise errors.PurposeNotFound
    if known.basis is not Basis.CONSENT:
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
