"""Drafts: saved, and submitted for review."""

from datetime import datetime

from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.reviewing import errors
from qe_ban.reviewing.models import DocumentKey, DraftColumns
from qe_ban.reviewing.rules.states import DraftState
from qe_ban.reviewing.service import documents, saves
from qe_ban.reviewing.service.documents import DRAFT, Content, DocumentType, LockedDocument


def save(
    session: Session,
    document_type: DocumentType,
    key: DocumentKey,
    content: Content,
    *,
    precondition: audit.Precondition,
    change: audit.Change,
) -> tuple[DraftColumns, Content | None]:
    """Replace the content of a draft, whatever its state; return the draft, and the content that was replaced.

    The caller becomes one of its editors; an approval lapses. Nothing is replaced (None) where the caller saved just
    this before and did not receive the answer, and where just this is approved. Raises what the precondition raises.
    """
    document = documents.lock(
        session,
        document_type,
        key,
        precondition=precondition,
        change=change,
        is_repeat=lambda row: saves.is_repeat(session, document_type, row, content, change.by.id),
    )
    if document.is_repeat or _is_approved(document, content):
        return document.row, None
    old_content = document.row.content
    _replace(document, content)
    return document.row, old_content


def require_ready(document_type: DocumentType, row: DraftColumns, now: datetime) -> None:
    """Raise DocumentEnded, WrongState or DraftOutdated unless a draft can be submitted."""
    documents.require_open(document_type, row, now)
    documents.require_state(row, DraftState.DRAFT, DraftState.REJECTED)
    if not row.editors:
        # nobody's draft would be everybody's to approve
        raise errors.WrongState("草稿还没有保存过内容", state=row.state)
    documents.require_newest(document_type, row)


def lock_ready(
    session: Session,
    document_type: DocumentType,
    key: DocumentKey,
    *,
    precondition: audit.Precondition,
    change: audit.Change,
) -> LockedDocument:
    """Lock a draft that can be submitted. Raises as `require_ready`, and what the precondition raises."""
    document = documents.lock(session, document_type, key, precondition=precondition, change=change)
    require_ready(document_type, document.row, change.at)
    return document


def submit(document: LockedDocument) -> None:
    """Submit a draft for review that `lock_ready` locked, and whose content the caller has checked.

    The caller becomes one of its editors.
    """
    row, before = document.row, document.to_audit_details()
    row.state, row.reason, row.reason_sealed = DraftState.SUBMITTED.value, None, None
    row.submitted_by, row.submitted_at = document.change.by.id, document.change.at
    # who submits it stands behind it, and cannot be the other person who approves
    document.add_editor()
    row.reviewed_by = row.reviewed_at = None
    document.record("submit", before)


def is_submission_repeat(row: DraftColumns, precondition: audit.Precondition, change: audit.Change) -> bool:
    """Return whether the last change of the document was that this caller submitted what they now submit again."""
    is_mine = (row.state, row.submitted_by) == (DraftState.SUBMITTED, change.by.id)
    return is_mine and not documents.is_current(row, precondition) and documents.is_previous(row, precondition)


def _is_approved(document: LockedDocument, content: Content) -> bool:
    """Return whether a save would only undo an approval of just this; over a newer version it is to be undone."""
    row, digest = document.row, document.document_type.compute_digest
    is_approved = row.state == DraftState.APPROVED and row.base == row.latest
    return is_approved and digest(row.content) == digest(content)


def _replace(document: LockedDocument, content: Content) -> None:
    """Replace the content of a locked draft."""
    session, document_type, row, change = document.session, document.document_type, document.row, document.change
    before, changes = document.to_audit_details(), document_type.describe_changes(row.content, content)
    saves.keep_replaced(session, document_type, row, change.at)
    row.content, row.state, row.base = dict(content), DraftState.DRAFT.value, row.latest
    document.add_editor()
    row.edited_at = change.at
    row.submitted_by = row.submitted_at = row.reviewed_by = row.reviewed_at = None
    document.record("save", before, changes=changes)
    saves.keep(session, document_type, row, content, change.by.id, change.at)
    document_type.store_references(session, document.key, DRAFT, content)
    session.flush()
    # as the database returns it, whose order of names goes into the ETag
    session.refresh(row, ["content"])
