"""Appeals: what a district dismissed goes to the city once, to somebody who had no part in it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from qe_ban.accounts.service import notices
from qe_ban.audit import service as audit
from qe_ban.codes.errors import (
    AppealAnswered,
    AppealExists,
    AppealForCity,
    AppealLate,
    DisputeInvolved,
    DisputeNotFound,
    NothingToAppeal,
)
from qe_ban.codes.models import Dispute
from qe_ban.codes.rules.disputes import DisputeState, answer_due, appeal_until, state_of
from qe_ban.codes.service import dispute_seals, disputes, ledger
from qe_ban.codes.service.disputes import DisputeContent
from qe_ban.kernel.clock import start_of_day
from qe_ban.keys.rings import KeyRings


def open_appeal(
    session: Session,
    rings: KeyRings,
    *,
    resident: UUID,
    guardian: UUID | None,
    ward: UUID | None = None,
    dispute_id: UUID,
    text: str,
    change: audit.Change,
) -> DisputeContent:
    """Appeal of a dismissal, once and within thirty days; a `guardian` only of what the same person disputed.

    `ward` is the guardianship by which a guardian does so.
    Raises DisputeNotFound, NothingToAppeal, AppealExists, AppealLate, KeyMissing.
    """
    dispute = _own(session, rings, resident, guardian, dispute_id)
    _require_open(dispute, change.at)
    appellant = dispute_seals.Appellant(guardian is not None, change.at, ward)
    dispute.appeal_state = DisputeState.OPEN.value
    dispute.appeal_sealed = disputes.seal(rings, disputes.APPEAL, dispute, text, change.at)
    dispute.appellant_sealed = dispute_seals.seal_appellant(rings, dispute, appellant, change.at)
    # always: the column stands in clear, and the previous release wants one of two words in it
    dispute.appeal_by_guardian = False
    dispute.appealed_at, dispute.appeal_due_at = start_of_day(change.at), answer_due(change.at)
    dispute.appeal_recorded = False
    session.flush()
    return disputes.open_for(rings, dispute, guardian)


def answer_appeal(
    session: Session, rings: KeyRings, *, dispute_id: UUID, text: str, upheld: bool, change: audit.Change
) -> DisputeContent:
    """Answer an appeal, once and finally, as the city and as somebody who neither answered before nor had a part.

    Raises DisputeNotFound, AppealForCity, DisputeInvolved, AppealAnswered.
    """
    dispute = disputes.find_covered(session, dispute_id, change.by, lock=True)
    if not change.by.place.is_city:
        raise AppealForCity
    if dispute.answered_by == change.by.id:
        raise DisputeInvolved
    disputes.require_uninvolved(session, dispute, change.by)
    if dispute.appeal_state != DisputeState.OPEN.value:
        raise AppealAnswered
    dispute.appeal_state = (DisputeState.UPHELD if upheld else DisputeState.DISMISSED).value
    dispute.appeal_answer_sealed = disputes.seal(rings, disputes.APPEAL_ANSWER, dispute, text, change.at)
    dispute.appeal_answered_by, dispute.appeal_answered_at = change.by.id, change.at
    session.flush()
    after = {"state": state_of(dispute.state, dispute.appeal_state).value}
    details = {"before": {"state": DisputeState.APPEALED.value}, "after": after}
    disputes.record(session, change, "disputes.answer_appeal", dispute, details)
    for recipient in disputes.list_recipients(session, rings, dispute, change.at):
        notices.tell(session, rings, resident_id=recipient, template="appeal_answered", now=change.at)
    return disputes.open_for_staff(rings, dispute)


def _own(session: Session, rings: KeyRings, resident: UUID, guardian: UUID | None, dispute_id: UUID) -> Dispute:
    """Lock and return a dispute of the resident's own scan. Raises DisputeNotFound."""
    holders = ledger.dispute_holders(session, rings, resident)
    mine = select(Dispute).where(Dispute.id == dispute_id, Dispute.holder.in_(holders))
    dispute = session.scalars(mine.with_for_update()).one_or_none()
    if dispute is None or (guardian is not None and guardian not in dispute_seals.open_parties(rings, dispute)[1:2]):
        raise DisputeNotFound
    return dispute


def _require_open(dispute: Dispute, now: datetime) -> None:
    """Raise NothingToAppeal, AppealExists or AppealLate where the dispute cannot be appealed."""
    if dispute.appeal_state is not None:
        raise AppealExists
    until = appeal_until(DisputeState(dispute.state), dispute.answered_at)
    if until is None:
        raise NothingToAppeal
    if until <= now:
        raise AppealLate
