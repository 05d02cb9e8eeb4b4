"""The selects of published versions: their periods, their contents, their withdrawals."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import ColumnElement, Row, Select, func, or_, select
from sqlalchemy.orm import Session, defer

from qe_ban.reviewing.models import DocumentKey, DocumentTables, VersionColumns, WithdrawalColumns
from qe_ban.reviewing.rules.versions import VersionPeriod

VersionRow: TypeAlias = Row[VersionColumns, WithdrawalColumns | None]


def list_periods(session: Session, tables: DocumentTables, key: DocumentKey, now: datetime) -> list[VersionPeriod]:
    """Return the periods of those versions of a document that are, or can still come to be, in force."""
    version = tables.versions
    is_open = or_(version.ends_at.is_(None), version.ends_at > now)
    query = _periods(tables).where(tables.is_of(version, key), is_open, ~_has_withdrawal(tables))
    return [VersionPeriod(*row) for row in session.execute(query)]


def list_scheduled(
    session: Session, tables: DocumentTables, key: DocumentKey, now: datetime, limit: int
) -> Sequence[VersionColumns]:
    """Return at most `limit` versions that have not begun and were not withdrawn, in the order in which they will."""
    version = tables.versions
    query = select(version).where(tables.is_of(version, key), version.starts_at > now, ~_has_withdrawal(tables))
    return session.scalars(query.order_by(version.starts_at, version.number).limit(limit)).all()


def list_withdrawn(session: Session, tables: DocumentTables, key: DocumentKey, limit: int) -> Sequence[VersionColumns]:
    """Return at most `limit` versions that were withdrawn, newest first."""
    version = tables.versions
    query = select(version).join(tables.withdrawals, _is_same_version(tables)).where(tables.is_of(version, key))
    return session.scalars(query.order_by(version.number.desc()).limit(limit)).all()


def list_withdrawn_for(session: Session, tables: DocumentTables, key: DocumentKey, reason: str) -> list[VersionPeriod]:
    """Return the periods of the versions that were withdrawn for exactly this reason, by number."""
    query = _periods(tables).join(tables.withdrawals, _is_same_version(tables))
    query = query.where(tables.is_of(tables.versions, key), tables.withdrawals.reason == reason)
    return [VersionPeriod(*row, withdrawn=True) for row in session.execute(query.order_by(tables.versions.number))]


def list_versions(
    session: Session, tables: DocumentTables, key: DocumentKey, before: int | None, limit: int
) -> Sequence[VersionRow]:
    """Return at most `limit` versions below the number `before`, newest first, each with its withdrawal.

    Without their contents: a hundred of them may be 50 MiB.
    """
    version = tables.versions
    query = _with_withdrawal(tables, key).order_by(version.number.desc()).limit(limit)
    query = query.options(defer(version.content, raiseload=True))
    if before is not None:
        query = query.where(version.number < before)
    return session.execute(query).all()


def find_version(session: Session, tables: DocumentTables, key: DocumentKey, number: int) -> VersionColumns | None:
    """Return one version."""
    return session.get(tables.versions, (*key, number))


def find_with_withdrawal(session: Session, tables: DocumentTables, key: DocumentKey, number: int) -> VersionRow | None:
    """Return one version with its withdrawal."""
    return session.execute(_with_withdrawal(tables, key).where(tables.versions.number == number)).first()


def last_published_at(session: Session, tables: DocumentTables, key: DocumentKey) -> datetime | None:
    """Return when a version was last published."""
    version = tables.versions
    return session.scalar(select(func.max(version.published_at)).where(tables.is_of(version, key)))


def _periods(tables: DocumentTables) -> Select[int, datetime, datetime | None]:
    version = tables.versions
    return select(version.number, version.starts_at, version.ends_at)


def _with_withdrawal(tables: DocumentTables, key: DocumentKey) -> Select[VersionColumns, WithdrawalColumns | None]:
    query = select(tables.versions, tables.withdrawals).outerjoin(tables.withdrawals, _is_same_version(tables))
    return query.where(tables.is_of(tables.versions, key))


def _has_withdrawal(tables: DocumentTables) -> ColumnElement[bool]:
    return select(tables.withdrawals.number).where(_is_same_version(tables)).exists()


def _is_same_version(tables: DocumentTables) -> ColumnElement[bool]:
    version, withdrawal = tables.versions, tables.withdrawals
    is_same = withdrawal.number == version.number
    for name in tables.key_columns:
        is_same &= getattr(withdrawal, name) == getattr(version, name)
    return is_same
