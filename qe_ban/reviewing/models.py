"""The tables of a sort of document under review: their columns, their checks, and the triggers of versions.

A slice declares four tables of its own on these columns, adds the columns that name a document to each primary key and
the foreign keys between them, and binds them as DocumentTables.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias
from uuid import UUID

from sqlalchemy import CheckConstraint, ColumnElement, Uuid, and_
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from qe_ban.db.base import Base, one_of
from qe_ban.reviewing.rules.states import DraftState

DocumentKey: TypeAlias = tuple[str, ...]
"""The values of the columns that name a document, in their order."""
_LAST: Final = 1
"""A primary key begins with what names the document; a number follows it."""


class DraftColumns(Base):
    """A document with its one draft; the row is also the document's lock.

    `revision` counts every change of the document. `base` is the newest version when the draft was last saved, `latest`
    the newest there is; `editors` are all who had a hand in the draft since it was last published. From `ends_at` on no
    version is in force.
    """

    __abstract__ = True

    revision: Mapped[int]
    state: Mapped[str]
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    base: Mapped[int]
    latest: Mapped[int]
    editors: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    edited_at: Mapped[datetime | None]
    submitted_by: Mapped[UUID | None]
    submitted_at: Mapped[datetime | None]
    reviewed_by: Mapped[UUID | None]
    reviewed_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    reason_sealed: Mapped[bytes | None]
    ends_at: Mapped[datetime | None]


class SaveColumns(Base):
    """A draft as it was saved once: kept for a while, so that what was saved over it can be restored.

    `number` is the document's revision that the save made. `saved_by` is empty where an earlier release saved.
    """

    __abstract__ = True

    number: Mapped[int] = mapped_column(primary_key=True, sort_order=_LAST)
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    digest: Mapped[bytes]
    saved_at: Mapped[datetime] = mapped_column(index=True)
    saved_by: Mapped[UUID | None]


class VersionColumns(Base):
    """What was published, for the time from `starts_at` until `ends_at`; never changed (`immutability_statements`).

    In force is, of all versions whose time it is and that were not withdrawn, the one that started last; of those that
    started together the one with the highest number. `digest`: the SHA-256 of the content as canonical JSON.
    """

    __abstract__ = True

    number: Mapped[int] = mapped_column(primary_key=True, sort_order=_LAST)
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    digest: Mapped[bytes]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    editors: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    approved_by: Mapped[UUID]
    published_by: Mapped[UUID]
    published_at: Mapped[datetime]
    rollback_of: Mapped[int | None]


class WithdrawalColumns(Base):
    """A version that is no longer in force, or that will not be at its time."""

    __abstract__ = True

    number: Mapped[int] = mapped_column(primary_key=True, sort_order=_LAST)
    at: Mapped[datetime]
    by: Mapped[UUID]
    reason: Mapped[str]
    reason_sealed: Mapped[bytes | None]


AnyColumns: TypeAlias = DraftColumns | SaveColumns | VersionColumns | WithdrawalColumns


@dataclass(frozen=True, slots=True)
class DocumentTables:
    """The four tables of a sort of document, and the columns that name a document in each of them."""

    drafts: type[DraftColumns]
    saves: type[SaveColumns]
    versions: type[VersionColumns]
    withdrawals: type[WithdrawalColumns]
    key_columns: tuple[str, ...]

    def key_of(self, row: AnyColumns) -> DocumentKey:
        """Return what names the document of a row."""
        return tuple(getattr(row, name) for name in self.key_columns)

    def to_columns(self, key: DocumentKey) -> Mapping[str, str]:
        """Return what names a document, by column."""
        return dict(zip(self.key_columns, key, strict=True))

    def is_of(self, table: type[AnyColumns], key: DocumentKey) -> ColumnElement[bool]:
        """Return the condition that a row is a document's."""
        return and_(*(getattr(table, name) == value for name, value in self.to_columns(key).items()))


def draft_checks() -> tuple[CheckConstraint, ...]:
    """Return the checks of a table of drafts: nobody reviews a draft in which they had a hand."""
    return (
        CheckConstraint(one_of("state", DraftState), name="state"),
        CheckConstraint("reviewed_by IS NULL OR NOT reviewed_by = ANY (editors)", name="four_eyes"),
        CheckConstraint("state NOT IN ('approved', 'rejected') OR reviewed_by IS NOT NULL", name="reviewed"),
        CheckConstraint("base <= latest", name="base"),
    )


def version_checks() -> tuple[CheckConstraint, ...]:
    """Return the checks of a table of versions: nobody approved what they edited."""
    return (
        CheckConstraint("NOT approved_by = ANY (editors)", name="four_eyes"),
        CheckConstraint("ends_at > starts_at", name="times"),
        CheckConstraint("rollback_of < number", name="rollback"),
    )


def immutability_statements(table: str) -> tuple[str, ...]:
    """Return the SQL by which a migration lets PostgreSQL refuse every change of a table of versions."""
    return (
        f"""
    CREATE FUNCTION {table}_stand() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'a published version never changes' USING ERRCODE = 'restrict_violation';
    END
    $$
    """,
        f"""
    CREATE TRIGGER {table}_rows_stand BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION {table}_stand()
    """,
        f"""
    CREATE TRIGGER {table}_table_stands BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION {table}_stand()
    """,
    )
