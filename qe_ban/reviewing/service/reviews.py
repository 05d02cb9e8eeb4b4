"""Review: another person than the editors approves a draft, or rejects it with a reason."""

from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.keys.rings import KeyRings
from qe_ban.reviewing import errors
from qe_ban.reviewing.models import DocumentKey, DraftColumns
from qe_ban.reviewing.rules.states import DraftState
from qe_ban.reviewing.service import documents, reasons
from qe_ban.reviewing.service.documents import DocumentType, LockedDocument


def approve(
    session: Session,
    document_type: DocumentType,
    key: DocumentKey,
    *,
    rings: KeyRings,
    precondition: audit.Precondition,
    change: audit.Change,
) -> DraftColumns:
    """Approve a submitted draft.

    Raises DocumentEnded, WrongState, OwnDraft, DraftOutdated, KeyMissing, and what the precondition raises.
    """
    locked = _lock(session, document_type, key, rings, precondition, change, DraftState.APPROVED, None)
    if not locked.is_repeat:
        documents.require_open(document_type, locked.row, change.at)
        documents.require_newest(document_type, locked.row)
        _set_outcome(locked, rings, DraftState.APPROVED, None, "approve")
    return locked.row


def reject(
    session: Session,
    document_type: DocumentType,
    key: DocumentKey,
    reason: str,
    *,
    rings: KeyRings,
    precondition: audit.Precondition,
    change: audit.Change,
) -> DraftColumns:
    """Send a submitted draft back to its editors.

    Raises WrongState, OwnDraft, KeyMissing, and what the precondition raises.
    """
    locked = _lock(session, document_type, key, rings, precondition, change, DraftState.REJECTED, reason)
    if not locked.is_repeat:
        _set_outcome(locked, rings, DraftState.REJECTED, reason, "reject")
    return locked.row


def _lock(
    session: Session,
    document_type: DocumentType,
    key: DocumentKey,
    rings: KeyRings,
    precondition: audit.Precondition,
    change: audit.Change,
    state: DraftState,
    reason: str | None,
) -> LockedDocument:
    """Lock a draft that the caller may review, or has reviewed with this outcome without receiving the answer."""

    def is_repeat(row: DraftColumns) -> bool:
        outcome = (row.state, row.reviewed_by, reasons.read_rejection(rings, document_type, row))
        return outcome == (state, change.by.id, reason) and documents.is_previous(row, precondition)

    locked = documents.lock(session, document_type, key, precondition=precondition, change=change, is_repeat=is_repeat)
    if locked.is_repeat:
        return locked
    documents.require_state(locked.row, DraftState.SUBMITTED)
    if change.by.id in locked.row.editors:
        raise errors.OwnDraft
    return locked


def _set_outcome(locked: LockedDocument, rings: KeyRings, state: DraftState, reason: str | None, verb: str) -> None:
    row, before, now = locked.row, locked.to_audit_details(), locked.change.at
    row.state = state.value
    reasons.set_rejection(rings, locked.document_type, row, reason, now)
    row.reviewed_by, row.reviewed_at = locked.change.by.id, now
    locked.record(verb, before, reason=reason and audit.seal_words(locked.session, rings, reason, now))
