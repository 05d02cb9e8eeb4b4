"""Pictures: handed in, shown on pages, and let go when nothing uses them any more.

PostgreSQL decides which pictures there are; the store keeps their files. A picture's files are there before its row
is, and go after it.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final, Literal

import structlog
from sqlalchemy import delete, exists, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.kernel.principal import Principal
from qe_ban.publishing.adapters.media import FULL, DirectoryStore, MediaStore
from qe_ban.publishing.adapters.pictures import MAX_BYTES, Picture, reencode, type_of
from qe_ban.publishing.models import Media, MediaUse

__all__ = [
    "FULL",
    "MAX_BYTES",
    "DirectoryStore",
    "MediaStore",
    "Picture",
    "Pictures",
    "collect",
    "reencode",
    "render",
    "source",
    "store_picture",
    "store_uses",
    "sweep_files",
    "type_of",
]

PATH: Final = "/api/v1/media"
UNUSED_LIFETIME: Final = timedelta(days=7)
FILES_LIFETIME: Final = timedelta(days=1)
SWEEP_SIZE: Final = 500

Owner = Literal["hall", "zone", "app"]

_log = structlog.get_logger("qe_ban.publishing")


@dataclass(frozen=True, slots=True)
class Pictures:
    """The pictures of this installation: where their files are."""

    store: MediaStore


def store_picture(
    session: Session,
    store: MediaStore,
    picture: Picture,
    by: Principal | None,
    now: datetime,
    *,
    request_id: str | None = None,
) -> tuple[Media, bool]:
    """Keep a picture; returns its row, and whether it is new. What is handed in again begins its time anew.

    Raises StoreAway.
    """
    _lock(session, picture.digest)
    # first the files: a row without them would be a picture that nobody can see
    store.store(picture.digest, picture.files)
    row = {
        "digest": picture.digest,
        "type": picture.type,
        "width": picture.width,
        "height": picture.height,
        "bytes": len(picture.full),
        "widths": list(picture.sizes),
        "created_at": now,
        "created_by": by.id if by else None,
    }
    new_row = session.scalar(insert(Media).values(row).on_conflict_do_nothing().returning(Media))
    if new_row is not None:
        details = {"type": picture.type, "width": picture.width, "height": picture.height, "bytes": len(picture.full)}
        audit.record(
            session,
            at=now,
            actor=by,
            action="media.put",
            subject=picture.digest,
            details=details,
            request_id=request_id,
        )
        return new_row, True
    row_in_place = session.get_one(Media, picture.digest, with_for_update=True, populate_existing=True)
    row_in_place.created_at = max(row_in_place.created_at, now)
    return row_in_place, False


def store_uses(session: Session, owner: Owner, slug: str, number: int, digests: Iterable[str]) -> frozenset[str]:
    """Note which pictures something uses, in place of those it used before; returns those that do not exist.

    `number`: of a page's version, 0 for its draft and for apps. What is used here is not let go before the transaction
    has ended, nor after it.
    """
    all_digests = frozenset(digests)
    # this waits for a sweep that is letting one of them go, and then does not find it
    query = select(Media.digest).where(Media.digest.in_(all_digests)).order_by(Media.digest)
    standing = set(session.scalars(query.with_for_update(read=True, key_share=True))) if all_digests else set()
    mine = (MediaUse.owner == owner, MediaUse.slug == slug, MediaUse.number == number)
    others = delete(MediaUse).where(*mine, MediaUse.digest.not_in(standing))
    session.execute(others.execution_options(synchronize_session=False))
    rows = [{"digest": digest, "owner": owner, "slug": slug, "number": number} for digest in sorted(standing)]
    if rows:
        session.execute(insert(MediaUse).values(rows).on_conflict_do_nothing())
    return all_digests - standing


def source(session: Session, keys: Collection[str], now: datetime) -> Mapping[str, dict[str, Any]]:  # noqa: ARG001
    """Return the stored ones of some digests, as a page shows each: `url`, `type`, `width`, `height`, `sizes`."""
    rows = session.scalars(select(Media).where(Media.digest.in_(keys))) if keys else ()
    return {row.digest: render(row) for row in rows}


def render(row: Media) -> dict[str, Any]:
    """Return a picture as pages show it: its address, and those of its smaller sizes, by width in pixels."""
    url = f"{PATH}/{row.digest}"
    sizes = [{"width": width, "url": f"{url}/{width}"} for width in row.widths]
    return {"url": url, "type": row.type, "width": row.width, "height": row.height, "sizes": sizes}


def collect(
    session: Session,
    now: datetime,
    *,
    older_than: timedelta = UNUSED_LIFETIME,
    at_most: int = SWEEP_SIZE,
) -> int:
    """Let go of pictures that nothing has used since they were handed in longer ago than that; returns how many.

    Only the rows: the files go with `sweep_files`, once this is certain to stand.
    """
    used = exists().where(MediaUse.digest == Media.digest)
    query = select(Media.digest).where(Media.created_at < now - older_than, ~used).order_by(Media.created_at)
    digests = list(session.scalars(query.limit(at_most).with_for_update(skip_locked=True)))
    return sum(_let_go(session, digest, now) for digest in digests)


def _let_go(session: Session, digest: str, now: datetime) -> bool:
    """Delete a locked picture, unless it is used."""
    # looked at again: who used it before it was locked may have committed since the first look
    if session.scalar(select(exists().where(MediaUse.digest == digest))):
        return False
    try:
        with session.begin_nested():
            session.execute(delete(Media).where(Media.digest == digest).execution_options(synchronize_session=False))
    except IntegrityError:
        # some other table refers to it and noted no use: one picture too many is better than a page without
        _log.error("media.use_not_noted", digest=digest)
        return False
    audit.record(session, at=now, actor=None, action="media.let_go", subject=digest)
    return True


def sweep_files(
    session: Session,
    store: MediaStore,
    now: datetime,
    *,
    older_than: timedelta = FILES_LIFETIME,
    at_most: int = SWEEP_SIZE,
) -> int:
    """Remove the files of pictures that are let go, and what a crash left behind; returns how many pictures.

    In a transaction of its own, after that of `collect`. Raises StoreAway.
    """
    store.tidy(before=now - older_than)
    digests, count = store.digests(before=now - older_than), 0
    while count < at_most and (batch := list(islice(digests, SWEEP_SIZE))):
        rows = set(session.scalars(select(Media.digest).where(Media.digest.in_(batch))))
        for digest in batch:
            if count < at_most and digest not in rows and _is_let_go(session, digest):
                store.remove(digest)
                count += 1
    return count


def _is_let_go(session: Session, digest: str) -> bool:
    """Return whether nobody is handing a picture in, nor has lately; nobody will before the transaction ends."""
    if not session.scalar(select(func.pg_try_advisory_xact_lock(_lock_of(digest)))):
        return False
    return not session.scalar(select(exists().where(Media.digest == digest)))


def _lock(session: Session, digest: str) -> None:
    """Keep the sweep of files off a picture until the transaction ends."""
    session.execute(select(func.pg_advisory_xact_lock(_lock_of(digest))))


def _lock_of(digest: str) -> int:
    """Return the number (64 bits, signed) of a picture's lock."""
    return int.from_bytes(bytes.fromhex(digest[:16]), signed=True)
