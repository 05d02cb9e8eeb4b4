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
    document = _lock(session, document_type, key, rings, precondition, change, DraftState.APPROVED, None)
    if not document.is_repeat:
        documents.require_open(document_type, document.row, change.at)
        documents.require_newest(document_type, document.row)
        _set_outcome(document, rings, DraftState.APPROVED, None, "approve")
    return document.row


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
    document = _lock(session, document_type, key, rings, precondition, change, DraftState.REJECTED, reason)
    if not document.is_repeat:
        _set_outcome(document, rings, DraftState.REJECTED, reason, "reject")
    return document.row


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

    document = documents.lock(
        session, document_type, key, precondition=precondition, change=change, is_repeat=is_repeat
    )
    if document.is_repeat:
        return document
    documents.require_state(document.row, DraftState.SUBMITTED)
    if change.by.id in document.row.editors:
        raise errors.OwnDraft
    return document


def _set_outcome(document: LockedDocument, rings: KeyRings, state: DraftState, reason: str | None, verb: str) -> None:
    row, before, now = document.row, document.to_audit_details(), document.change.at
    row.state = state.value
    reasons.set_rejection(rings, document.document_type, row, reason, now)
    row.reviewed_by, row.reviewed_at = document.change.by.id, now
    document.record(verb, before, reason=reason and audit.seal_words(document.session, rings, reason, now))
