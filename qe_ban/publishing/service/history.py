"""What was published of a page, as its staff read it: its versions, what each contained, and how two of them differ."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from qe_ban.kernel.principal import Principal
from qe_ban.publishing.rules import differences
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.service import access
from qe_ban.publishing.service.page_documents import PAGES, key_of
from qe_ban.publishing.service.page_types import PageTypes
from qe_ban.reviewing.service import history
from qe_ban.reviewing.service.history import Version


def list_versions(
    session: Session,
    page_types: PageTypes,
    kind: PageKind,
    slug: str,
    *,
    before: int | None,
    limit: int,
    reader: Principal,
    now: datetime,
) -> Sequence[Version]:
    """Return at most `limit` versions below the number `before`, newest first. Raises PageNotFound, OtherPlace."""
    access.page_type_of(page_types, kind, slug, reader.place)
    return history.list_versions(session, PAGES, key_of(kind, slug), before=before, limit=limit, now=now)


def read_version(
    session: Session, page_types: PageTypes, kind: PageKind, slug: str, number: int, *, reader: Principal, now: datetime
) -> Version:
    """Return one version. Raises PageNotFound, OtherPlace, VersionNotFound."""
    access.page_type_of(page_types, kind, slug, reader.place)
    return history.read_version(session, PAGES, key_of(kind, slug), number, now=now)


def compare(
    session: Session, page_types: PageTypes, kind: PageKind, slug: str, before: int, after: int, *, reader: Principal
) -> Sequence[differences.Change]:
    """Return how two versions differ; 0 is the draft as it is now. Raises PageNotFound, OtherPlace, VersionNotFound."""
    access.page_type_of(page_types, kind, slug, reader.place)
    key = key_of(kind, slug)
    return differences.changes(*(history.read_content(session, PAGES, key, number) for number in (before, after)))
