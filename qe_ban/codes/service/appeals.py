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
from qe_ban.codes.rules.disputes import ANSWER_WITHIN, DisputeState, appeal_until, state_of
from qe_ban.codes.service import disputes, ledger
from qe_ban.codes.service.disputes import Opened
from qe_ban.keys import vault
from qe_ban.keys.rings import KeyRings


def open_appeal(
    session: Session,
    rings: KeyRings,
    *,
    resident: UUID,
    guardian: UUID | None,
    dispute_id: UUID,
    text: str,
    change: audit.Change,
) -> Opened:
    """Appeal of a dismissal, once and within thirty days; a `guardian` only of what the same person disputed.

    Raises DisputeNotFound, NothingToAppeal, AppealExists, AppealLate, KeyMissing.
    """
    dispute = _own(session, rings, resident, guardian, dispute_id)
    _require_open(dispute, change.at)
    dispute.appeal_state = DisputeState.OPEN.value
    dispute.appeal_sealed = vault.seal(rings, disputes.APPEAL, dispute.id, text, change.at)
    dispute.appeal_by_guardian = guardian is not None
    dispute.appealed_at, dispute.appeal_due_at = change.at, change.at + ANSWER_WITHIN
    session.flush()
    # not who, as with the dispute itself: the audit would name the resident beside the scan
    audit.record(
        session,
        at=change.at,
        actor=None,
        action="disputes.appeal",
        subject=str(dispute.id),
        details={"before": {"state": DisputeState.DISMISSED.value}, "after": {"state": DisputeState.APPEALED.value}},
        request_id=change.request_id if guardian is None else None,
    )
    return disputes.shown(rings, dispute, guardian)


def answer_appeal(
    session: Session, rings: KeyRings, *, dispute_id: UUID, text: str, upheld: bool, change: audit.Change
) -> Opened:
    """Answer an appeal, once and finally, as the city and as somebody who neither answered before nor had a part.

    Raises DisputeNotFound, AppealForCity, DisputeInvolved, AppealAnswered.
    """
    dispute = disputes.covered(session, dispute_id, change.by, lock=True)
    if not change.by.place.is_city:
        raise AppealForCity
    if dispute.answered_by == change.by.id:
        raise DisputeInvolved
    disputes.require_uninvolved(session, dispute, change.by)
    if dispute.appeal_state != DisputeState.OPEN.value:
        raise AppealAnswered
    dispute.appeal_state = (DisputeState.UPHELD if upheld else DisputeState.DISMISSED).value
    dispute.appeal_answer_sealed = vault.seal(rings, disputes.APPEAL_ANSWER, dispute.id, text, change.at)
    dispute.appeal_answered_by, dispute.appeal_answered_at = change.by.id, change.at
    session.flush()
    after = {"state": state_of(dispute.state, dispute.appeal_state).value}
    details = {"before": {"state": DisputeState.APPEALED.value}, "after": after}
    disputes.record(session, change, "disputes.answer_appeal", dispute, details)
    for concerned in disputes.to_tell(session, rings, dispute, change.at):
        notices.tell(session, rings, resident_id=concerned, template="appeal_answered", now=change.at)
    return disputes.opened(rings, dispute)


def _own(session: Session, rings: KeyRings, resident: UUID, guardian: UUID | None, dispute_id: UUID) -> Dispute:
    """Lock a dispute of the resident's own scan. Raises DisputeNotFound."""
    holders = list(ledger.holders(session, rings, resident))
    mine = select(Dispute).where(Dispute.id == dispute_id, Dispute.holder.in_(holders)).with_for_update()
    dispute = session.scalars(mine).one_or_none()
    if dispute is None or (guardian is not None and guardian not in disputes.parties(rings, dispute)[1:2]):
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
