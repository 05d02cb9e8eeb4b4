"""Pages as documents under review: what reviewing needs to know of them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import delete, tuple_
from sqlalchemy.orm import Session

from qe_ban.keys import words
from qe_ban.publishing.models import PAGE_TABLES, MediaUse
from qe_ban.publishing.rules import content as contents
from qe_ban.publishing.rules import differences, overlaps
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.service import media, references
from qe_ban.reviewing.models import DocumentKey
from qe_ban.reviewing.service.documents import DocumentType

MAX_AUDIT_TEXT: Final = 2000
"""How many characters of a changed text the audit keeps."""

Content = Mapping[str, Any]

EMPTY: Final[Content] = {"blocks": []}
"""The draft of a page before anybody wrote one."""


def key_of(kind: PageKind, slug: str) -> DocumentKey:
    """Return what names a page among documents: also what the audit calls it, joined (`hall/shinan`)."""
    return kind.value, slug


def _describe_changes(before: Content, after: Content) -> list[dict[str, str | None]]:
    """Return how two contents differ, as the audit keeps it: long texts cut."""
    return [
        {name: _shorten(text) for name, text in asdict(change).items()} for change in differences.changes(before, after)
    ]


def _shorten(text: str | None) -> str | None:
    return f"{text[:MAX_AUDIT_TEXT]}…" if text is not None and len(text) > MAX_AUDIT_TEXT else text


def _has_overlap(in_force: Content, scheduled_content: Content, draft: Content) -> bool:
    return bool(overlaps.overlaps(in_force, scheduled_content, draft))


def _store_uses(session: Session, key: DocumentKey, number: int, content: Content) -> None:
    """Store which pictures a content uses: a picture that is used cannot be deleted."""
    kind, slug = key
    media.store_uses(session, PageKind(kind).value, slug, number, references.pictures(content))


def _delete_uses(session: Session, contents_of: Sequence[tuple[DocumentKey, int]]) -> None:
    rows = tuple_(MediaUse.owner, MediaUse.slug, MediaUse.number).in_([(*key, number) for key, number in contents_of])
    session.execute(delete(MediaUse).where(rows).execution_options(synchronize_session=False))


PAGES: Final = DocumentType(
    tables=PAGE_TABLES,
    label="页面",
    prefix="pages",
    empty_content=EMPTY,
    rejection=words.REJECTION,
    withdrawal=words.WITHDRAWAL,
    compute_digest=contents.digest,
    describe_changes=_describe_changes,
    has_overlap=_has_overlap,
    store_references=_store_uses,
    delete_references=_delete_uses,
)
