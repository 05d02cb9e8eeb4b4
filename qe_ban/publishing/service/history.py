"""What was published of a page: its versions, what each said, and how two of them differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from qe_ban.kernel.principal import Principal
from qe_ban.publishing import errors
from qe_ban.publishing.models import PageVersion, PageWithdrawal
from qe_ban.publishing.queries import versions as queries
from qe_ban.publishing.rules import differing
from qe_ban.publishing.rules.states import PageKind, VersionState
from qe_ban.publishing.service import access, pages
from qe_ban.publishing.service.desks import Desks
from qe_ban.publishing.service.drafts import DRAFT


@dataclass(frozen=True, slots=True)
class Version:
    """One version: who made it, when it is shown, and where it stands now."""

    row: PageVersion
    withdrawal: PageWithdrawal | None
    state: VersionState


def listed(
    session: Session,
    desks: Desks,
    kind: PageKind,
    slug: str,
    *,
    before: int | None,
    limit: int,
    reader: Principal,
    now: datetime,
) -> Sequence[Version]:
    """Give at most `limit` versions below the number `before`, newest first. Raises PageNotFound, OtherPlace."""
    access.desk_of(desks, kind, slug, reader.place)
    shown, ends_at = _shown(session, kind, slug, now)
    rows = queries.listed(session, kind, slug, before, limit)
    return [Version(row, withdrawal, _state(row, withdrawal, shown, ends_at, now)) for row, withdrawal in rows]


def version(
    session: Session, desks: Desks, kind: PageKind, slug: str, number: int, *, reader: Principal, now: datetime
) -> Version:
    """Give one version. Raises PageNotFound, OtherPlace, VersionNotFound."""
    access.desk_of(desks, kind, slug, reader.place)
    found = queries.one(session, kind, slug, number)
    if found is None:
        raise errors.VersionNotFound
    shown, ends_at = _shown(session, kind, slug, now)
    return Version(found[0], found[1], _state(found[0], found[1], shown, ends_at, now))


def difference(
    session: Session, desks: Desks, kind: PageKind, slug: str, before: int, after: int, *, reader: Principal
) -> Sequence[differing.Change]:
    """Give how two versions differ; 0 is the draft as it is now. Raises PageNotFound, OtherPlace, VersionNotFound."""
    access.desk_of(desks, kind, slug, reader.place)
    old, new = (_content(session, kind, slug, number) for number in (before, after))
    return differing.changes(old, new)


def _content(session: Session, kind: PageKind, slug: str, number: int) -> Mapping[str, Any]:
    if number == DRAFT:
        return pages.look(session, kind, slug).content
    found = queries.version(session, kind, slug, number)
    if found is None:
        raise errors.VersionNotFound
    return found.content


def _shown(session: Session, kind: PageKind, slug: str, now: datetime) -> tuple[int | None, datetime | None]:
    shown = pages.in_force(session, kind, slug, now)
    return shown.number if shown else None, pages.look(session, kind, slug).ends_at


def _state(
    row: PageVersion, withdrawal: PageWithdrawal | None, shown: int | None, ends_at: datetime | None, now: datetime
) -> VersionState:
    if withdrawal is not None:
        return VersionState.WITHDRAWN
    if row.number == shown:
        return VersionState.IN_FORCE
    if row.starts_at > now and (ends_at is None or row.starts_at < ends_at):
        return VersionState.SCHEDULED
    over = ends_at is not None and ends_at <= now
    if over or row.starts_at > now or (row.ends_at is not None and row.ends_at <= now):
        return VersionState.ENDED
    return VersionState.REPLACED
