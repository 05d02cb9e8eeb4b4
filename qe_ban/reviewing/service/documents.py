"""A sort of document under review, and one document of it: read, or locked for a change."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.kernel.errors import DomainError
from qe_ban.keys.words import ClearColumn
from qe_ban.reviewing import errors
from qe_ban.reviewing.models import DocumentKey, DocumentTables, DraftColumns
from qe_ban.reviewing.queries import versions as queries
from qe_ban.reviewing.rules.states import DRAFT_STATE_NAMES, DraftState

Content: TypeAlias = Mapping[str, Any]

DRAFT: Final = 0
"""The number of a draft beside those of versions; an earlier draft has its own number, negated."""


@dataclass(frozen=True, slots=True)
class DocumentType:
    """What a slice brings for a sort of document: its tables, its names, and what only it knows of a content.

    `label`: the sort in Chinese. `prefix` begins the names of scopes and audit actions: `pages.review`, `pages.save`.
    `rejection` and `withdrawal`: the columns of typed reasons. `describe_changes` returns how two contents differ, for
    the audit. `has_overlap(in_force, scheduled, draft)` says whether a draft already contains what a scheduled version
    changes. `store_references` stores what a content uses, under the number of the draft, version or earlier draft
    (negated), in place of what that number used before; `delete_references` deletes it.
    """

    tables: DocumentTables
    label: str
    prefix: str
    empty_content: Content
    rejection: ClearColumn
    withdrawal: ClearColumn
    compute_digest: Callable[[Content], bytes]
    describe_changes: Callable[[Content, Content], Sequence[Mapping[str, str | None]]]
    has_overlap: Callable[[Content, Content, Content], bool]
    store_references: Callable[[Session, DocumentKey, int, Content], None]
    delete_references: Callable[[Session, Sequence[tuple[DocumentKey, int]]], None]

    def new_columns(self, key: DocumentKey) -> dict[str, Any]:
        """Return the columns of a document that nobody wrote yet."""
        return {
            **self.tables.to_columns(key),
            "revision": 0,
            "state": DraftState.DRAFT.value,
            "content": dict(self.empty_content),
            "base": 0,
            "latest": 0,
            "editors": [],
        }


@dataclass(frozen=True, slots=True)
class LockedDocument:
    """A document that the caller may change, locked, in the state that the caller believes it to have.

    `is_repeat`: the caller's change was made already, by a call whose answer the caller did not receive.
    """

    session: Session
    document_type: DocumentType
    row: DraftColumns
    change: audit.Change
    is_repeat: bool = False

    @property
    def tables(self) -> DocumentTables:
        """Return the tables of the document's sort."""
        return self.document_type.tables

    @property
    def key(self) -> DocumentKey:
        """Return what names the document."""
        return self.tables.key_of(self.row)

    def to_audit_details(self) -> dict[str, object]:
        """Return what the audit keeps of the document before and after a change."""
        return {"state": self.row.state, "revision": self.row.revision, "latest": self.row.latest}

    def record(self, verb: str, before: dict[str, object], **details: object) -> None:
        """Count the change and record it with the document before and after, and with further details."""
        self.row.revision += 1
        self.record_event(verb, before=before, after=self.to_audit_details(), **details)

    def record_event(
        self, verb: str, *, before: dict[str, object] | None, after: dict[str, object] | None, **details: object
    ) -> None:
        """Record an event about the document."""
        action, subject = f"{self.document_type.prefix}.{verb}", "/".join(self.key)
        audit.record_change(self.session, self.change, action, subject, before=before, after=after, **details)

    def add_editor(self) -> None:
        """Let the caller have had a hand in the draft: another person must review it."""
        self.row.editors = [*self.row.editors, *({self.change.by.id} - set(self.row.editors))]


def read_document(session: Session, document_type: DocumentType, key: DocumentKey) -> DraftColumns:
    """Return a document without locking it; of one that nobody wrote yet the row that a first write would make."""
    table = document_type.tables.drafts
    return session.get(table, key) or table(**document_type.new_columns(key))


def lock_row(session: Session, document_type: DocumentType, key: DocumentKey) -> DraftColumns:
    """Lock a document until the transaction ends; it is made when there is none. The caller has checked the key."""
    tables = document_type.tables
    new = insert(tables.drafts).values(document_type.new_columns(key))
    session.execute(new.on_conflict_do_nothing(index_elements=tables.key_columns))
    query = select(tables.drafts).where(tables.is_of(tables.drafts, key))
    return session.scalars(query.with_for_update().execution_options(populate_existing=True)).one()


def lock(
    session: Session,
    document_type: DocumentType,
    key: DocumentKey,
    *,
    precondition: audit.Precondition,
    change: audit.Change,
    is_repeat: Callable[[DraftColumns], bool] | None = None,
) -> LockedDocument:
    """Lock a document for a change. Raises what the precondition raises.

    `is_repeat` decides, where the precondition fails, whether this very change was made already.
    """
    row = lock_row(session, document_type, key)
    try:
        precondition(str(row.revision))
    except DomainError:
        if is_repeat is None or not is_repeat(row):
            raise
        return LockedDocument(session, document_type, row, change, is_repeat=True)
    return LockedDocument(session, document_type, row, change)


def is_current(row: DraftColumns, precondition: audit.Precondition) -> bool:
    """Return whether the caller saw the document as it is, or does not care."""
    return _holds(precondition, row.revision)


def is_previous(row: DraftColumns, precondition: audit.Precondition) -> bool:
    """Return whether the caller last saw the document as it was just before its last change."""
    return _holds(precondition, row.revision - 1)


def _holds(precondition: audit.Precondition, revision: int) -> bool:
    try:
        precondition(str(revision))
    except DomainError:
        return False
    return True


def require_state(row: DraftColumns, *states: DraftState) -> None:
    """Raise WrongState unless the draft has one of these states."""
    if row.state not in states:
        name = DRAFT_STATE_NAMES[DraftState(row.state)]
        state_names = "或".join(f"“{DRAFT_STATE_NAMES[state]}”" for state in states)
        raise errors.WrongState(f"草稿当前为“{name}”，须为{state_names}", state=row.state)


def require_open(document_type: DocumentType, row: DraftColumns, now: datetime) -> None:
    """Raise DocumentEnded where the document has ended."""
    if row.ends_at is not None and row.ends_at <= now:
        raise errors.DocumentEnded(f"这个{document_type.label}已经结束，不能再发布")


def require_newest(document_type: DocumentType, row: DraftColumns) -> None:
    """Raise DraftOutdated where a version was published since the draft was saved."""
    if row.base != row.latest:
        label = document_type.label
        raise errors.DraftOutdated(f"草稿保存之后{label}又有新版本发布，请在最新版本的基础上重新保存并提交审核")


def moment_of(document: LockedDocument) -> datetime:
    """Return the moment at which something published now begins.

    Not before what was published last: a change that waited for the lock, or came from a slower clock, would otherwise
    be replaced by it.
    """
    last = queries.last_published_at(document.session, document.tables, document.key)
    return max(document.change.at, last) if last is not None else document.change.at
