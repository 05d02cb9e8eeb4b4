"""Takes from consents and their history the order in which half minutes of a day came one after the other.

What scans ask for and residents decide is written in batches of half a minute (`fresh_consents`), and scans say exactly
when they asked for a purpose and when they were accepted after that: the order of the batches would tell in which half
minute each resident agreed. So when a day of the city is over, the worker writes its rows anew in the order of
residents' ids, by which nothing is learned of that day. Events get new ids in that order; of one resident's they keep
their own, which is the order of the history.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, bindparam, literal_column, select, text, update
from sqlalchemy.orm import Session

from qe_ban.accounts.models import Consent, ConsentEvent
from qe_ban.accounts.models.residents import CONSENT_DAY
from qe_ban.accounts.service.turning_over import write_anew
from qe_ban.db import overlaps
from qe_ban.kernel.clock import start_of_day
from qe_ban.keys import moments
from qe_ban.keys.rings import KeyRings

STEP: Final = 2000
LATE: Final = timedelta(minutes=10)
"""What was decided in the last half minute of a day is written after it: so long each day is waited for."""
_DAY: Final = literal_column(CONSENT_DAY, Consent.granted_at.type)
_NEW_IDS: Final = text("SELECT nextval(pg_get_serial_sequence('consent_events', 'id')) FROM generate_series(1, :count)")
_CONSENT_ANEW: Final = (
    update(Consent)
    .where(Consent.resident_id == bindparam("resident"), Consent.purpose == bindparam("of"))
    .values(turned_over_at=bindparam("day"))
)
_RENUMBER: Final = (
    update(ConsentEvent)
    .where(ConsentEvent.id == bindparam("row"))
    .values(id=bindparam("new"), moments_sealed=bindparam("sealed"))
)
_EVENT_ANEW: Final = (
    update(ConsentEvent).where(ConsentEvent.id == bindparam("new")).values(turned_over_at=bindparam("day"))
)


def turn_over(session: Session, rings: KeyRings, now: datetime) -> int:
    """Write anew the consents and events of days that are over, at most 2,000 of each; return how many rows.

    Who is locked is passed over until the next time, and nobody is waited for. What release 0.3.0 left in a form of its
    own, with exact moments, is left until it is rewritten. Raises KeyMissing, DataKeysAway.
    """
    if not overlaps.is_rewritten(session):
        return 0
    today = start_of_day(now - LATE)
    return _consents(session, today) + _events(session, rings, today, now)


def _consents(session: Session, today: datetime) -> int:
    due = (Consent.turned_over_at.is_distinct_from(_DAY)) & (today > _DAY)
    query = select(Consent.resident_id, Consent.purpose, _DAY).where(due)
    query = query.order_by(_DAY, Consent.resident_id, Consent.purpose).limit(STEP)
    rows = [
        {"resident": resident, "of": purpose, "day": day}
        for resident, purpose, day in session.execute(query.with_for_update(skip_locked=True, key_share=True))
    ]
    write_anew(session, _CONSENT_ANEW, rows)
    return len(rows)


def _events(session: Session, rings: KeyRings, today: datetime, now: datetime) -> int:
    due = ConsentEvent.turned_over_at.is_(None) & (ConsentEvent.at < today)
    query = select(ConsentEvent.id, ConsentEvent.at, ConsentEvent.moments_sealed).where(due)
    query = query.order_by(ConsentEvent.at, ConsentEvent.resident_id, ConsentEvent.id).limit(STEP)
    events = session.execute(query.with_for_update(skip_locked=True)).all()
    new_ids = sorted(session.scalars(_NEW_IDS, {"count": len(events)}))
    rows = [_renumbered(rings, event, new_id, now) for event, new_id in zip(events, new_ids, strict=True)]
    if rows:
        session.connection().execute(_RENUMBER, rows)
    write_anew(session, _EVENT_ANEW, [{"new": row["new"], "day": row["day"]} for row in rows])
    return len(rows)


def _renumbered(rings: KeyRings, event: Row[int, datetime, bytes | None], new_id: int, now: datetime) -> dict[str, Any]:
    sealed = event.moments_sealed
    if sealed is not None:
        sealed = moments.move(rings, "consent_events", sealed, (event.id,), (new_id,), now)
    return {"row": event.id, "new": new_id, "day": event.at, "sealed": sealed}
