"""The tables of imports: the file as it came, and its rows between being read and being put into the catalogue."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from qe_ban.db.base import Base


class Import(Base):
    """One file and what is to be done with it; its id is its job's. The file goes when the job is over for good.

    `imported_by` and the place are the importer's: none of both for the operator at a shell, who acts for the city.
    """

    __tablename__ = "imports"
    __table_args__ = (
        CheckConstraint("format IN ('csv', 'xlsx')", name="format"),
        CheckConstraint("missing IN ('keep', 'end')", name="missing"),
    )

    job_id: Mapped[UUID] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    file_name: Mapped[str]
    format: Mapped[str]
    size: Mapped[int]
    digest: Mapped[bytes]
    dry_run: Mapped[bool]
    skip_invalid: Mapped[bool]
    missing: Mapped[str]
    ending_at_most: Mapped[int]
    imported_by: Mapped[UUID | None]
    district: Mapped[str | None]
    department: Mapped[str | None]
    created_at: Mapped[datetime]


class ImportChunk(Base):
    """A piece of an import's file, of at most a mebibyte."""

    __tablename__ = "import_chunks"

    job_id: Mapped[UUID] = mapped_column(ForeignKey("imports.job_id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    data: Mapped[bytes]


class ImportRow(Base):
    """A row that was read: `table` is `items` or one of its tables, `row` its number in the file.

    `content` says what it holds, or only that it is faulty. Two tables of its own sort: what new `departments` are
    called, and which items are to be `ending`.
    """

    __tablename__ = "import_rows"

    job_id: Mapped[UUID] = mapped_column(ForeignKey("imports.job_id", ondelete="CASCADE"), primary_key=True)
    table: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    row: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
