"""Publication: an approved draft becomes a version, or an old version is published again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from qe_ban.accounts import service as accounts
from qe_ban.audit import service as audit
from qe_ban.kernel.clock import rfc3339
from qe_ban.kernel.principal import Place
from qe_ban.reviewing import errors
from qe_ban.reviewing.models import DocumentKey, DraftColumns, VersionColumns
from qe_ban.reviewing.queries import versions as queries
from qe_ban.reviewing.rules import versions
from qe_ban.reviewing.rules.states import DraftState
from qe_ban.reviewing.rules.versions import ScheduledPolicy, VersionPeriod
from qe_ban.reviewing.service import documents, history, scheduled
from qe_ban.reviewing.service.documents import DRAFT, Content, DocumentType, LockedDocument
from qe_ban.reviewing.service.in_force import VersionInForce, find_in_force
from qe_ban.reviewing.service.scheduled import ScheduledOutcome

MAX_COMPARED: Final = 10
"""How many scheduled versions are compared with a draft, the next ones: each may be half a mebibyte."""


@dataclass(frozen=True, slots=True)
class Publication:
    """A version that was published, with its document; `at`: the moment of the publication.

    `upcoming`: all versions that have not begun, in the order in which they will. `later`: the scheduled versions that
    this one affects, and what became of each.
    """

    row: DraftColumns
    version: VersionColumns
    at: datetime
    upcoming: Sequence[VersionPeriod]
    later: Sequence[ScheduledOutcome]


def publish(
    session: Session,
    document_type: DocumentType,
    key: DocumentKey,
    *,
    at: datetime | None,
    end_at: datetime | None,
    policy: ScheduledPolicy | None = None,
    covers: Callable[[Place], bool],
    precondition: audit.Precondition,
    change: audit.Change,
) -> Publication | errors.ApprovalLapsed:
    """Make a version of an approved draft, in force immediately or from `at`, for good or until `end_at`.

    Returns ApprovalLapsed, for the caller to commit and then to raise, where the reviewer may no longer review this
    document: the draft waits for review again. `covers` says whether staff of a place answer for the document.

    Raises DocumentEnded, WrongState, DraftOutdated, ScheduleInvalid with the fields at fault, LaterUndecided without a
    policy for scheduled versions that would replace it or that the draft makes public early; and what the
    precondition raises.
    """

    def is_repeat(row: DraftColumns) -> bool:
        version = queries.find_version(session, document_type.tables, key, row.latest)
        return (
            version is not None
            and row.state == DraftState.PUBLISHED
            and (version.published_by, version.rollback_of, version.ends_at) == (change.by.id, None, end_at)
            and version.starts_at == (version.published_at if at is None or at < version.published_at else at)
            and documents.is_previous(row, precondition)
        )

    document = documents.lock(
        session, document_type, key, precondition=precondition, change=change, is_repeat=is_repeat
    )
    row = document.row
    if document.is_repeat:
        return _repeat(document)
    documents.require_open(document_type, row, change.at)
    documents.require_state(row, DraftState.APPROVED)
    documents.require_newest(document_type, row)
    starts_at = _find_start(document, at, end_at)
    reviewer = row.reviewed_by
    if reviewer is None or not _may_review(document, reviewer, covers):
        return _lapse(document)
    current = find_in_force(session, document_type.tables, key, change.at)
    before = document.to_audit_details()
    later = scheduled.settle(document, _list_affected(document, current, starts_at, end_at), policy)
    version = _add(document, row.content, starts_at, end_at, editors=row.editors, approved_by=reviewer)
    row.state, row.base, row.editors = DraftState.PUBLISHED.value, row.latest, []
    row.reviewed_by = row.reviewed_at = row.submitted_by = row.submitted_at = row.reason = row.reason_sealed = None
    document.record("publish", before, **_to_audit_details(document_type, version, current, later))
    return _to_publication(document, version, later)


def roll_back(
    session: Session,
    document_type: DocumentType,
    key: DocumentKey,
    number: int,
    *,
    policy: ScheduledPolicy | None = None,
    precondition: audit.Precondition,
    change: audit.Change,
) -> Publication:
    """Make a new version of an old one's content, in force immediately. An unpublished draft stays, outdated.

    Raises DocumentEnded, VersionNotFound, AlreadyWithdrawn (what was withdrawn comes back by review only),
    LaterUndecided as `publish`, and what the precondition raises.
    """

    def is_repeat(row: DraftColumns) -> bool:
        version = queries.find_version(session, document_type.tables, key, row.latest)
        is_mine = version is not None and (version.published_by, version.rollback_of) == (change.by.id, number)
        return is_mine and documents.is_previous(row, precondition)

    document = documents.lock(
        session, document_type, key, precondition=precondition, change=change, is_repeat=is_repeat
    )
    if document.is_repeat:
        return _repeat(document)
    documents.require_open(document_type, document.row, change.at)
    old, withdrawal = history.read_row(session, document_type.tables, key, number)
    if withdrawal is not None:
        raise errors.AlreadyWithdrawn("这个版本已被撤下，不能直接恢复；如需恢复，请重新编辑并提交审核")
    current = find_in_force(session, document_type.tables, key, change.at)
    row, before, starts_at = document.row, document.to_audit_details(), documents.moment_of(document)
    successors = versions.find_successors(scheduled.list_scheduled(document), starts_at, None)
    later = scheduled.settle(document, successors, policy)
    version = _add(
        document, old.content, starts_at, None, editors=old.editors, approved_by=old.approved_by, rollback_of=number
    )
    if row.state == DraftState.PUBLISHED:
        row.content, row.base = old.content, row.latest
        document_type.store_references(session, key, DRAFT, old.content)
    details = _to_audit_details(document_type, version, current, later)
    document.record("rollback", before, rollback_of=number, **details)
    return _to_publication(document, version, later)


def _find_start(document: LockedDocument, at: datetime | None, end_at: datetime | None) -> datetime:
    """Return when a version begins. Raises ScheduleInvalid."""
    now, document_ends_at = document.change.at, document.row.ends_at
    faults = {fault.place: fault.message for fault in versions.find_schedule_faults(at, end_at, now)}
    if at is not None and document_ends_at is not None and at >= document_ends_at:
        faults.setdefault("at", f"{document.document_type.label}在此之前已经结束")
    if faults:
        raise errors.ScheduleInvalid(fields=faults)
    return at if at is not None and at > now else documents.moment_of(document)


def _may_review(document: LockedDocument, staff_id: UUID, covers: Callable[[Place], bool]) -> bool:
    standing = accounts.standing(document.session, staff_id)
    scope = f"{document.document_type.prefix}.review"
    return standing is not None and scope in standing.scopes and covers(standing.place)


def _lapse(document: LockedDocument) -> errors.ApprovalLapsed:
    row, before = document.row, document.to_audit_details()
    reviewer = row.reviewed_by
    row.state = DraftState.SUBMITTED.value
    row.reviewed_by = row.reviewed_at = None
    document.record("lapse", before, reviewed_by=str(reviewer))
    label = document.document_type.label
    return errors.ApprovalLapsed(f"审核人已停用或不再负责此{label}，原审核失效，草稿已退回待审核")


def _add(
    document: LockedDocument,
    content: Content,
    starts_at: datetime,
    ends_at: datetime | None,
    *,
    editors: Sequence[UUID],
    approved_by: UUID,
    rollback_of: int | None = None,
) -> VersionColumns:
    """Add the document's next version, with what it refers to."""
    session, document_type, row = document.session, document.document_type, document.row
    # an end a moment after the start may lie before the moment at which the lock was free
    if ends_at is not None and ends_at <= starts_at:
        ends_at = starts_at + timedelta(microseconds=1)
    row.latest += 1
    version = document.tables.versions(
        **document.tables.to_columns(document.key),
        number=row.latest,
        content=dict(content),
        digest=document_type.compute_digest(content),
        starts_at=starts_at,
        ends_at=ends_at,
        editors=list(editors),
        approved_by=approved_by,
        published_by=document.change.by.id,
        published_at=documents.moment_of(document),
        rollback_of=rollback_of,
    )
    session.add(version)
    session.flush()
    document_type.store_references(session, document.key, row.latest, content)
    return version


def _list_affected(
    document: LockedDocument, current: VersionInForce | None, starts_at: datetime, ends_at: datetime | None
) -> list[VersionPeriod]:
    """Return the scheduled versions that would replace a draft, or that it makes public early."""
    document_type, content = document.document_type, document.row.content
    periods = scheduled.list_scheduled(document)
    numbers = {period.number for period in versions.find_successors(periods, starts_at, ends_at)}
    base = current.content if current is not None else document_type.empty_content
    for period in periods[:MAX_COMPARED]:
        version = queries.find_version(document.session, document.tables, document.key, period.number)
        if period.starts_at > starts_at and version and document_type.has_overlap(base, version.content, content):
            numbers.add(period.number)
    return [period for period in periods if period.number in numbers]


def _repeat(document: LockedDocument) -> Publication:
    """Return the newest version again to whoever published it and did not receive the answer."""
    number = document.row.latest
    version = history.read_row(document.session, document.tables, document.key, number)[0]
    others = [outcome for outcome in scheduled.list_kept(document) if outcome.number != number]
    return _to_publication(document, version, scheduled.list_replaced(document, number) or others)


def _to_publication(
    document: LockedDocument, version: VersionColumns, later: Sequence[ScheduledOutcome]
) -> Publication:
    at = documents.moment_of(document)
    return Publication(document.row, version, at, scheduled.list_scheduled(document), later)


def _to_audit_details(
    document_type: DocumentType,
    version: VersionColumns,
    current: VersionInForce | None,
    later: Sequence[ScheduledOutcome],
) -> dict[str, object]:
    """Return what the audit keeps of a new version: its period, and how it differs from what is in force now."""
    base = current.content if current is not None else document_type.empty_content
    return {
        "version": version.number,
        "starts_at": rfc3339(version.starts_at),
        "ends_at": rfc3339(version.ends_at) if version.ends_at else None,
        "replaces": current.number if current else None,
        "later": scheduled.to_audit_details(later),
        "changes": document_type.describe_changes(base, version.content),
    }
