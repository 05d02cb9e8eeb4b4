"""The audit's events of disputes and appeals, recorded when the day is over: none tells when a resident acted.

An event at its moment would name the dispute beside what the resident did at that moment: the access log, a guardian's
own event, the row that the same transaction wrote. So the audit has the day, in the order of random ids.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.codes.models import Dispute
from qe_ban.codes.rules.disputes import DisputeState
from qe_ban.codes.service import dispute_seals
from qe_ban.kernel.clock import CITY_TIME, start_of_day
from qe_ban.keys.rings import KeyRings

STEP: Final = 500


def record_step(session: Session, now: datetime) -> int:
    """Record what residents opened and appealed of before today, at most 500 disputes; return how many.

    The events bear the moment of the recording, and the day in their details.
    """
    today = start_of_day(now)
    is_due = or_(
        ~Dispute.open_recorded & (Dispute.opened_at < today), ~Dispute.appeal_recorded & (Dispute.appealed_at < today)
    )
    query = select(Dispute).where(is_due).order_by(Dispute.id).limit(STEP).with_for_update(skip_locked=True)
    disputes = session.scalars(query).all()
    for dispute in disputes:
        if not dispute.open_recorded:
            after = {"state": DisputeState.OPEN.value, "district": dispute.district}
            _record(session, dispute, "disputes.open", dispute.opened_at, now, before=None, after=after)
            dispute.open_recorded = True
        if dispute.appealed_at is not None and not dispute.appeal_recorded and dispute.appealed_at < today:
            before, after = {"state": DisputeState.DISMISSED.value}, {"state": DisputeState.APPEALED.value}
            _record(session, dispute, "disputes.appeal", dispute.appealed_at, now, before=before, after=after)
            dispute.appeal_recorded = True
    return len(disputes)


def conceal_step(session: Session, rings: KeyRings, now: datetime) -> int:
    """Seal what rows that the previous release wrote say in clear, at most 500 of them; return how many.

    Raises KeyMissing.
    """
    in_clear = or_(Dispute.scan_sealed.is_(None), Dispute.appealed_at.is_not(None) & Dispute.appellant_sealed.is_(None))
    query = select(Dispute).where(in_clear).order_by(Dispute.id).limit(STEP).with_for_update(skip_locked=True)
    disputes = session.scalars(query).all()
    for dispute in disputes:
        dispute_seals.conceal(rings, dispute, now)
    return len(disputes)


def _record(
    session: Session,
    dispute: Dispute,
    action: str,
    day: datetime,
    now: datetime,
    *,
    before: dict[str, str] | None,
    after: dict[str, str],
) -> None:
    details = {"before": before, "after": after, "day": day.astimezone(CITY_TIME).date().isoformat()}
    audit.record(session, at=now, actor=None, action=action, subject=str(dispute.id), details=details)
