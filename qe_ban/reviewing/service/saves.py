"""Earlier drafts: each as it was saved, for thirty days, the last fifty of a document, with what they refer to."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, defer

from qe_ban.reviewing import errors
from qe_ban.reviewing.models import DocumentKey, DocumentTables, DraftColumns, SaveColumns
from qe_ban.reviewing.service.documents import Content, DocumentType

MAX_AGE: Final = timedelta(days=30)
MAX_SAVES: Final = 50
MAX_DELETED: Final = 500
"""How many one transaction deletes."""


def list_saves(session: Session, tables: DocumentTables, key: DocumentKey) -> Sequence[SaveColumns]:
    """Return the earlier drafts of a document, newest first."""
    query = select(tables.saves).where(tables.is_of(tables.saves, key))
    return session.scalars(query.order_by(tables.saves.number.desc())).all()


def read_save(session: Session, tables: DocumentTables, key: DocumentKey, number: int) -> SaveColumns:
    """Return one earlier draft. Raises SaveNotFound."""
    row = session.get(tables.saves, (*key, number))
    if row is None:
        raise errors.SaveNotFound
    return row


def keep_replaced(session: Session, document_type: DocumentType, row: DraftColumns, now: datetime) -> None:
    """Keep the content of a locked draft that is about to be replaced, unless it is the one that was saved last.

    It came by a rollback, or an earlier release saved it.
    """
    newest = _find_newest(session, document_type, row)
    if row.revision and (newest is None or newest.digest != document_type.compute_digest(row.content)):
        _add(session, document_type, row, row.content, None, row.edited_at or now)


def keep(
    session: Session, document_type: DocumentType, row: DraftColumns, content: Content, by: UUID, now: datetime
) -> None:
    """Keep a content that was saved just now, under the document's revision; of too many the oldest goes."""
    _add(session, document_type, row, content, by, now)
    tables = document_type.tables
    key = tables.key_of(row)
    numbers = select(tables.saves.number).where(tables.is_of(tables.saves, key)).order_by(tables.saves.number.desc())
    _delete(session, document_type, [(key, number) for number in session.scalars(numbers.offset(MAX_SAVES))])


def is_repeat(session: Session, document_type: DocumentType, row: DraftColumns, content: Content, by: UUID) -> bool:
    """Return whether a draft has just this content, and the same person saved it last: they received no answer."""
    newest, digest = _find_newest(session, document_type, row), document_type.compute_digest(content)
    if newest is None:
        return False
    is_same_save = (newest.saved_by, newest.digest) == (by, digest)
    return is_same_save and document_type.compute_digest(row.content) == digest


def delete_old(session: Session, document_type: DocumentType, before: datetime) -> int:
    """Delete what was saved before a moment, at most 500, with what it refers to; return how many."""
    tables = document_type.tables
    table = tables.saves
    keys = select(*(getattr(table, name) for name in tables.key_columns), table.number).where(table.saved_at < before)
    rows = session.execute(keys.limit(MAX_DELETED).with_for_update(skip_locked=True)).all()
    _delete(session, document_type, [(tuple(key), number) for *key, number in rows])
    return len(rows)


def _add(
    session: Session,
    document_type: DocumentType,
    row: DraftColumns,
    content: Content,
    by: UUID | None,
    now: datetime,
) -> None:
    tables = document_type.tables
    key = tables.key_of(row)
    columns: dict[str, Any] = {
        **tables.to_columns(key),
        "number": row.revision,
        "content": dict(content),
        "digest": document_type.compute_digest(content),
        "saved_at": now,
        "saved_by": by,
    }
    session.execute(insert(tables.saves).values(columns).on_conflict_do_nothing())
    document_type.store_references(session, key, -row.revision, content)


def _delete(session: Session, document_type: DocumentType, saves: Sequence[tuple[DocumentKey, int]]) -> None:
    if not saves:
        return
    document_type.delete_references(session, [(key, -number) for key, number in saves])
    tables = document_type.tables
    columns = [getattr(tables.saves, name) for name in (*tables.key_columns, "number")]
    rows = delete(tables.saves).where(tuple_(*columns).in_([(*key, number) for key, number in saves]))
    session.execute(rows.execution_options(synchronize_session=False))


def _find_newest(session: Session, document_type: DocumentType, row: DraftColumns) -> SaveColumns | None:
    tables = document_type.tables
    query = select(tables.saves).where(tables.is_of(tables.saves, tables.key_of(row)))
    query = query.order_by(tables.saves.number.desc()).limit(1)
    return session.scalar(query.options(defer(tables.saves.content)))
