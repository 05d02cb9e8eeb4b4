"""What was published of a document: its versions with their states, and what each contained."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from qe_ban.reviewing import errors
from qe_ban.reviewing.models import DocumentKey, DocumentTables, VersionColumns, WithdrawalColumns
from qe_ban.reviewing.queries import versions as queries
from qe_ban.reviewing.queries.versions import list_scheduled, list_withdrawn
from qe_ban.reviewing.rules.states import VersionState, state_of_version
from qe_ban.reviewing.rules.versions import VersionPeriod
from qe_ban.reviewing.service import documents
from qe_ban.reviewing.service.documents import DRAFT, Content, DocumentType
from qe_ban.reviewing.service.in_force import find_in_force

__all__ = [
    "Version",
    "list_scheduled",
    "list_versions",
    "list_withdrawn",
    "read_content",
    "read_row",
    "read_version",
]


@dataclass(frozen=True, slots=True)
class Version:
    """One version: who made it, when it can be in force, and its state now."""

    row: VersionColumns
    withdrawal: WithdrawalColumns | None
    state: VersionState


def list_versions(
    session: Session,
    document_type: DocumentType,
    key: DocumentKey,
    *,
    before: int | None,
    limit: int,
    now: datetime,
) -> Sequence[Version]:
    """Return at most `limit` versions below the number `before`, newest first, without their contents."""
    # first the version in force: its content cannot be read any more once it is listed without
    number, ends_at = _find_current(session, document_type, key, now)
    rows = queries.list_versions(session, document_type.tables, key, before, limit)
    return [_to_version(row, withdrawal, number, ends_at, now) for row, withdrawal in rows]


def read_version(
    session: Session, document_type: DocumentType, key: DocumentKey, number: int, *, now: datetime
) -> Version:
    """Return one version. Raises VersionNotFound."""
    row = read_row(session, document_type.tables, key, number)
    number_in_force, ends_at = _find_current(session, document_type, key, now)
    return _to_version(*row, number_in_force, ends_at, now)


def read_content(session: Session, document_type: DocumentType, key: DocumentKey, number: int) -> Content:
    """Return what a version contains, also when it is no longer in force; 0 is the draft. Raises VersionNotFound."""
    if number == DRAFT:
        return documents.read_document(session, document_type, key).content
    version = queries.find_version(session, document_type.tables, key, number)
    if version is None:
        raise errors.VersionNotFound
    return version.content


def read_row(
    session: Session, tables: DocumentTables, key: DocumentKey, number: int
) -> tuple[VersionColumns, WithdrawalColumns | None]:
    """Return one version with its withdrawal. Raises VersionNotFound."""
    row = queries.find_with_withdrawal(session, tables, key, number)
    if row is None:
        raise errors.VersionNotFound
    return row[0], row[1]


def _find_current(
    session: Session, document_type: DocumentType, key: DocumentKey, now: datetime
) -> tuple[int | None, datetime | None]:
    """Return the number of the version in force, and when the document ends."""
    current = find_in_force(session, document_type.tables, key, now)
    ends_at = documents.read_document(session, document_type, key).ends_at
    return current.number if current else None, ends_at


def _to_version(
    row: VersionColumns,
    withdrawal: WithdrawalColumns | None,
    number_in_force: int | None,
    document_ends_at: datetime | None,
    now: datetime,
) -> Version:
    period = VersionPeriod(row.number, row.starts_at, row.ends_at, withdrawn=withdrawal is not None)
    state = state_of_version(period, number_in_force=number_in_force, document_ends_at=document_ends_at, now=now)
    return Version(row, withdrawal, state)
