"""Drafts as they were saved: each for thirty days, the last fifty of a page, with the pictures that they show."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, defer

from qe_ban.db.retention import Ending
from qe_ban.kernel.principal import Principal
from qe_ban.publishing import errors
from qe_ban.publishing.models import MediaUse, Page, PageSave
from qe_ban.publishing.rules import content as contents
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.service import access, media, references
from qe_ban.publishing.service.desks import Desks

KEPT_FOR: Final = timedelta(days=30)
MAX_KEPT: Final = 50
SWEPT_PER_RUN: Final = 500


def keep_replaced(session: Session, page: Page, now: datetime) -> None:
    """Keep the content of a held page that is about to be replaced, unless it is the one that was saved last.

    It came by a rollback, or a program of an earlier release saved it.
    """
    newest = _newest(session, page)
    if page.revision and (newest is None or newest.digest != contents.digest(page.content)):
        _add(session, page, page.content, None, page.edited_at or now)


def keep(session: Session, page: Page, content: Mapping[str, Any], by: UUID, now: datetime) -> None:
    """Keep a content that was saved just now, under the page's revision; of too many the oldest goes."""
    _add(session, page, content, by, now)
    numbers = select(PageSave.number).where(_of(PageKind(page.kind), page.slug)).order_by(PageSave.number.desc())
    old = session.scalars(numbers.offset(MAX_KEPT)).all()
    _forget(session, [(page.kind, page.slug, number) for number in old])


def is_repeat(session: Session, page: Page, content: Mapping[str, Any], by: UUID) -> bool:
    """Return whether a page holds just this content, and the same person saved it last: they heard no answer."""
    newest, digest = _newest(session, page), contents.digest(content)
    return newest is not None and (newest.saved_by, newest.digest) == (by, digest) == (
        by,
        contents.digest(page.content),
    )


def listed(session: Session, desks: Desks, kind: PageKind, slug: str, *, reader: Principal) -> Sequence[PageSave]:
    """Return the saved drafts of a page, newest first. Raises PageNotFound, OtherPlace."""
    access.desk_of(desks, kind, slug, reader.place)
    return session.scalars(select(PageSave).where(_of(kind, slug)).order_by(PageSave.number.desc())).all()


def one(session: Session, desks: Desks, kind: PageKind, slug: str, number: int, *, reader: Principal) -> PageSave:
    """Return one saved draft. Raises PageNotFound, OtherPlace, SaveNotFound."""
    access.desk_of(desks, kind, slug, reader.place)
    found = session.get(PageSave, (kind.value, slug, number))
    if found is None:
        raise errors.SaveNotFound
    return found


def _forget_old(session: Session, before: datetime) -> int:
    """Delete what was saved before a moment, at most 500, with its uses of pictures; returns how many."""
    keys = select(PageSave.kind, PageSave.slug, PageSave.number).where(PageSave.saved_at < before)
    locked = keys.limit(SWEPT_PER_RUN).with_for_update(skip_locked=True)
    old = [tuple(row) for row in session.execute(locked)]
    _forget(session, old)
    return len(old)


ENDINGS: Final = (Ending(PageSave, KEPT_FOR, _forget_old, also=(MediaUse,)),)


def _add(session: Session, page: Page, content: Mapping[str, Any], by: UUID | None, now: datetime) -> None:
    row = {
        "kind": page.kind,
        "slug": page.slug,
        "number": page.revision,
        "content": dict(content),
        "digest": contents.digest(content),
        "saved_at": now,
        "saved_by": by,
    }
    session.execute(insert(PageSave).values(row).on_conflict_do_nothing())
    media.use(session, PageKind(page.kind).value, page.slug, -page.revision, references.pictures(content))


def _forget(session: Session, keys: Sequence[tuple[Any, ...]]) -> None:
    if not keys:
        return
    uses = tuple_(MediaUse.owner, MediaUse.slug, MediaUse.number).in_([(kind, slug, -n) for kind, slug, n in keys])
    rows = tuple_(PageSave.kind, PageSave.slug, PageSave.number).in_(keys)
    for statement in (delete(MediaUse).where(uses), delete(PageSave).where(rows)):
        session.execute(statement.execution_options(synchronize_session=False))


def _newest(session: Session, page: Page) -> PageSave | None:
    wanted = select(PageSave).where(_of(PageKind(page.kind), page.slug)).order_by(PageSave.number.desc()).limit(1)
    return session.scalar(wanted.options(defer(PageSave.content)))


def _of(kind: PageKind, slug: str) -> ColumnElement[bool]:
    return (PageSave.kind == kind.value) & (PageSave.slug == slug)
