"""The tables of pages with their drafts, versions, withdrawals, previews and findings, and of pictures."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Integer, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from qe_ban.db.base import Base, one_of
from qe_ban.publishing.rules.states import PageKind
from qe_ban.reviewing.models import (
    DocumentTables,
    DraftColumns,
    SaveColumns,
    VersionColumns,
    WithdrawalColumns,
    draft_checks,
    version_checks,
)

_KIND = one_of("kind", PageKind)


class Page(DraftColumns):
    """A hall's or a zone's page with its one draft; made by the first write."""

    __tablename__ = "pages"
    __table_args__ = (CheckConstraint(_KIND, name="kind"), *draft_checks())

    kind: Mapped[str] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(primary_key=True)


class PageSave(SaveColumns):
    """A page's draft as it was saved once."""

    __tablename__ = "page_saves"
    __table_args__ = (ForeignKeyConstraint(["kind", "slug"], ["pages.kind", "pages.slug"]),)

    kind: Mapped[str] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(primary_key=True)


class PageVersion(VersionColumns):
    """What was published of a page."""

    __tablename__ = "page_versions"
    __table_args__ = (ForeignKeyConstraint(["kind", "slug"], ["pages.kind", "pages.slug"]), *version_checks())

    kind: Mapped[str] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(primary_key=True)


class PageWithdrawal(WithdrawalColumns):
    """A version of a page that is shown no more, or that will not be shown at its time."""

    __tablename__ = "page_withdrawals"
    __table_args__ = (
        ForeignKeyConstraint(
            ["kind", "slug", "number"], ["page_versions.kind", "page_versions.slug", "page_versions.number"]
        ),
    )

    kind: Mapped[str] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(primary_key=True)


PAGE_TABLES: Final = DocumentTables(
    drafts=Page,
    saves=PageSave,
    versions=PageVersion,
    withdrawals=PageWithdrawal,
    key_columns=("kind", "slug"),
)


class PagePreview(Base):
    """A link that shows the draft to whoever holds it; of the link only the SHA-256 is kept."""

    __tablename__ = "page_previews"
    __table_args__ = (ForeignKeyConstraint(["kind", "slug"], ["pages.kind", "pages.slug"]),)

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    kind: Mapped[str]
    slug: Mapped[str]
    made_by: Mapped[UUID]
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class PageFinding(Base):
    """A reference of the version in force that the worker found broken; gone when it is mended."""

    __tablename__ = "page_findings"
    __table_args__ = (
        ForeignKeyConstraint(
            ["kind", "slug", "number"], ["page_versions.kind", "page_versions.slug", "page_versions.number"]
        ),
    )

    kind: Mapped[str] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    place: Mapped[str] = mapped_column(primary_key=True)
    reference: Mapped[str]
    key: Mapped[str]
    message: Mapped[str]
    found_at: Mapped[datetime]


class PageStamp(Base):
    """How often what a page shows has changed: by it a process knows that it must load it anew.

    `page` is the kind and the slug, or empty for what any page may tell of.
    """

    __tablename__ = "page_stamps"

    page: Mapped[str] = mapped_column(primary_key=True)
    stamp: Mapped[int] = mapped_column(BigInteger)


class LinkCheck(Base):
    """What came of following a link last."""

    __tablename__ = "link_checks"

    url: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    status: Mapped[int | None]
    checked_at: Mapped[datetime] = mapped_column(index=True)


class Media(Base):
    """A picture; `digest` is the SHA-256 (hexadecimal) of the file as it is kept, `widths` the sizes made of it."""

    __tablename__ = "media"
    __table_args__ = (CheckConstraint("type IN ('image/jpeg', 'image/png')", name="type"),)

    digest: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    width: Mapped[int]
    height: Mapped[int]
    bytes: Mapped[int]
    widths: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    created_at: Mapped[datetime] = mapped_column(index=True)
    created_by: Mapped[UUID | None]


class MediaUse(Base):
    """Where a picture is used: a version of a page (`number`), a page's draft (0), or something else of its own.

    A draft that was saved earlier uses it under its number below zero.

    A picture that is used cannot be deleted: the foreign key holds that, also against a draft saved meanwhile.
    """

    __tablename__ = "media_uses"
    __table_args__ = (
        CheckConstraint("owner IN ('hall', 'zone', 'app')", name="owner"),
        Index("ix_media_uses_owner_slug_number", "owner", "slug", "number"),
    )

    digest: Mapped[str] = mapped_column(ForeignKey("media.digest"), primary_key=True)
    owner: Mapped[str] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, server_default=text("0"))
