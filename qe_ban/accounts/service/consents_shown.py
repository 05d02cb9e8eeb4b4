"""What is shown of consents: as they count at a moment, with what the worker has not turned over yet."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import collate, func, select
from sqlalchemy.orm import Session

from qe_ban.accounts.models import Consent, ConsentEvent, Guardianship
from qe_ban.accounts.rules import ConsentState, GuardianshipState
from qe_ban.accounts.service import fresh_consents
from qe_ban.accounts.service.collaborators import Accounts
from qe_ban.accounts.service.fresh_decisions import Decision
from qe_ban.accounts.service.wards import held
from qe_ban.keys import moments


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


def list_consents(
    accounts: Accounts, session: Session, *, resident_id: UUID, now: datetime, after: str | None, limit: int
) -> Sequence[ConsentStatus]:
    """Return at most `limit` consents that were asked for, given or taken back, by purpose, those after `after`."""
    fresh = fresh_consents.of_resident(accounts.rings, session, resident_id, now)
    decisions = {one.purpose: one.newest for one in fresh if after is None or one.purpose > after}
    # as Python compares, whatever the database's collation
    purpose = collate(Consent.purpose, "C")
    query = (
        select(Consent, Guardianship)
        .outerjoin(Guardianship, Guardianship.id == Consent.guardianship_id)
        .where(Consent.resident_id == resident_id)
        .order_by(purpose)
        .limit(limit)
    )
    if after is not None:
        query = query.where(purpose > after)
    statuses = {row.purpose: _status(accounts, row, guardianship, now) for row, guardianship in session.execute(query)}
    statuses |= {
        purpose: as_decided(session, purpose, statuses.get(purpose), decision, now)
        for purpose, decision in decisions.items()
    }
    return [statuses[purpose] for purpose in sorted(statuses)][:limit]


def consent_history(
    accounts: Accounts, session: Session, *, resident_id: UUID, now: datetime, before: int | None, limit: int
) -> Sequence[ConsentAct]:
    """Return at most `limit` of a resident's grants and withdrawals, newest first, those before the act `before`.

    An act's id is its place in the whole history, counted below zero: events take other ids when their day is over, and
    what the worker has not turned over has no event yet. Release 0.4.0 gave events' own ids, which are taken here.
    """
    fresh = fresh_consents.of_resident(accounts.rings, session, resident_id, now) if (before or 0) <= 0 else []
    # of one day the ids are in the order of the moments
    place = func.row_number().over(order_by=(ConsentEvent.at, ConsentEvent.id)).label("place")
    mine = select(ConsentEvent.id, place).where(ConsentEvent.resident_id == resident_id).subquery()
    statement = select(ConsentEvent, mine.c.place).join(mine, mine.c.id == ConsentEvent.id)
    if before is not None:
        statement = statement.where(mine.c.place < -before if before < 0 else ConsentEvent.id < before)
    rows = session.execute(statement.order_by(mine.c.place.desc()).limit(limit)).all()
    row_count = rows[0].place if rows else 0
    events = [_act(accounts, event, -at) for event, at in rows]
    turned_over = {(event.purpose, event.at) for event in events}
    acts = sorted(
        (decision.at, one.purpose, decision.state.value, decision.guardianship_id is not None)
        for one in fresh
        for decision in one.decisions
    )
    waiting = [act for act in acts if (act[1], act[0]) not in turned_over]
    places = range(-row_count - 1, -row_count - len(waiting) - 1, -1)
    newer = [
        ConsentAct(place, purpose, state, at, guardian)
        for place, (at, purpose, state, guardian) in zip(places, waiting, strict=True)
        if before is None or place > before
    ]
    return [*reversed(newer), *events][:limit]


def status_of(accounts: Accounts, session: Session, consent: Consent, now: datetime) -> ConsentStatus:
    """Return a consent as it counts."""
    by = consent.guardianship_id
    return _status(accounts, consent, session.get(Guardianship, by) if by is not None else None, now)


def _status(accounts: Accounts, consent: Consent, guardianship: Guardianship | None, now: datetime) -> ConsentStatus:
    granted_at, withdrawn_at = (moments.read(accounts.rings, consent, name) for name in ("granted_at", "withdrawn_at"))
    stored = ConsentStatus(
        consent.purpose,
        consent.state,
        consent.requested_at,
        granted_at,
        withdrawn_at,
        consent.guardianship_id is not None,
    )
    return _as_counts(stored, guardianship, now)


def _as_counts(status: ConsentStatus, guardianship: Guardianship | None, now: datetime) -> ConsentStatus:
    """Return a consent as it counts: what was given by a guardianship that is over is withdrawn, written so or not."""
    if status.state != ConsentState.GRANTED or guardianship is None or is_active(guardianship, now):
        return status
    withdrawn_at = guardianship.ended_at or guardianship.ends_at
    return replace(status, state=ConsentState.WITHDRAWN.value, granted_at=None, withdrawn_at=withdrawn_at)


def is_active(guardianship: Guardianship, now: datetime) -> bool:
    """Return whether what was given by a guardianship counts."""
    return guardianship.state == GuardianshipState.ACTIVE and held.is_standing(guardianship, now)


def as_decided(
    session: Session, purpose: str, status: ConsentStatus | None, decision: Decision, now: datetime
) -> ConsentStatus:
    """Return a consent as a fresh decision leaves it."""
    is_granted, by = decision.is_grant, decision.guardianship_id
    new_status = ConsentStatus(
        purpose=purpose,
        state=decision.state.value,
        requested_at=status.requested_at if status is not None else None,
        granted_at=decision.at if is_granted else None,
        withdrawn_at=None if is_granted else decision.at,
        guardian=by is not None,
    )
    return _as_counts(new_status, session.get(Guardianship, by) if by is not None else None, now)


def _act(accounts: Accounts, event: ConsentEvent, place: int) -> ConsentAct:
    at = moments.read(accounts.rings, event, "at") or event.at
    return ConsentAct(place, event.purpose, event.state, at, event.guardianship_id is not None)
