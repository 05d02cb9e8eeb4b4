"""Preview links: whoever holds one sees the draft as it is now, until the link expires."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.db.retention import Ending, delete_rows
from qe_ban.kernel.clock import rfc3339
from qe_ban.publishing import errors
from qe_ban.publishing.models import PagePreview
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.rules.views import ResolvedPage
from qe_ban.publishing.service import access, pages
from qe_ban.publishing.service.page_types import PageTypes

TOKEN_BYTES: Final = 32


def make(
    session: Session, page_types: PageTypes, kind: PageKind, slug: str, hours: int, *, change: audit.Change
) -> tuple[str, datetime]:
    """Return the secret of a new link to a page's draft, and when it expires. Raises PageNotFound, OtherPlace."""
    access.page_type_of(page_types, kind, slug, change.by.place)
    # the link hangs on the page's row, which nobody may have made yet
    pages.hold(session, kind, slug)
    token, expires_at = secrets.token_urlsafe(TOKEN_BYTES), change.at + timedelta(hours=hours)
    session.add(
        PagePreview(
            token_hash=_hash(token),
            kind=kind.value,
            slug=slug,
            made_by=change.by.id,
            made_at=change.at,
            expires_at=expires_at,
        )
    )
    after = {"expires_at": rfc3339(expires_at)}
    audit.record_change(session, change, "pages.preview", f"{kind.value}/{slug}", before=None, after=after)
    return token, expires_at


def look(session: Session, page_types: PageTypes, kind: PageKind, slug: str, token: str, now: datetime) -> ResolvedPage:
    """Return the draft that a link shows, as its page would look now. Raises PreviewNotFound, whatever is wrong."""
    # looked up by the hash: how long that takes says nothing of the tokens there are
    link = session.get(PagePreview, _hash(token))
    if link is None or link.expires_at <= now or (link.kind, link.slug) != (kind.value, slug):
        raise errors.PreviewNotFound
    page_type = page_types.types[kind]
    if slug not in page_type.names:
        raise errors.PreviewNotFound
    page = pages.look(session, kind, slug)
    if page.ends_at is not None and page.ends_at <= now:
        raise errors.PreviewNotFound
    return page_type.resolve(session, slug, page.content, now)


ENDINGS: Final = (Ending(PagePreview, timedelta(0), delete_rows(PagePreview, lambda at: PagePreview.expires_at <= at)),)
"""Links say themselves until when."""


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
