"""The version of a document that is in force at a moment."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from qe_ban.reviewing.models import DocumentKey, DocumentTables
from qe_ban.reviewing.queries import versions as queries
from qe_ban.reviewing.rules import versions
from qe_ban.reviewing.service.documents import Content


@dataclass(frozen=True, slots=True)
class VersionInForce:
    """The version in force; at `next_change_at` another one, or none, takes its place."""

    number: int
    content: Content
    starts_at: datetime
    ends_at: datetime | None
    next_change_at: datetime | None
    published_at: datetime


def find_in_force(session: Session, tables: DocumentTables, key: DocumentKey, now: datetime) -> VersionInForce | None:
    """Return the version in force at a moment; None where there is none, or the document has ended."""
    document_ends_at = _ends_at(session, tables, key)
    if document_ends_at is not None and document_ends_at <= now:
        return None
    periods = queries.list_periods(session, tables, key, now)
    period = versions.find_in_force(periods, now)
    version = queries.find_version(session, tables, key, period.number) if period is not None else None
    if version is None:
        return None
    changes = (versions.find_next_change(periods, now), document_ends_at)
    return VersionInForce(
        number=version.number,
        content=version.content,
        starts_at=version.starts_at,
        ends_at=version.ends_at,
        next_change_at=min((moment for moment in changes if moment is not None), default=None),
        published_at=version.published_at,
    )


def find_start(session: Session, tables: DocumentTables, key: DocumentKey, now: datetime) -> datetime | None:
    """Return when a document of which no version is in force will have one, as it is scheduled now."""
    document_ends_at = _ends_at(session, tables, key)
    start = versions.find_next_change(queries.list_periods(session, tables, key, now), now)
    is_after_end = start is not None and document_ends_at is not None and document_ends_at <= start
    return None if is_after_end else start


def _ends_at(session: Session, tables: DocumentTables, key: DocumentKey) -> datetime | None:
    return session.scalar(select(tables.drafts.ends_at).where(tables.is_of(tables.drafts, key)))
