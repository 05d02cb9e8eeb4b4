"""Which page is meant, whether it is the caller's, and the caller's hold of it: the first step of every use case."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.kernel.city import CITY_HALL
from qe_ban.kernel.errors import DomainError
from qe_ban.kernel.principal import Place
from qe_ban.publishing import errors
from qe_ban.publishing.models import Page, PageVersion, PageWithdrawal
from qe_ban.publishing.queries import versions as queries
from qe_ban.publishing.rules.states import STATE_NAMES, PageKind, PageState
from qe_ban.publishing.service import pages
from qe_ban.publishing.service.desks import Desk, Desks


@dataclass(frozen=True, slots=True)
class Held:
    """A page that the caller may change, locked, in the state that the caller believes it to have.

    `is_repeated`: the caller's change was made already, by a call whose answer the caller did not hear.
    """

    session: Session
    desks: Desks
    desk: Desk
    page: Page
    change: audit.Change
    is_repeated: bool = False

    @property
    def kind(self) -> PageKind:
        """Give what the page belongs to."""
        return self.desk.kind

    @property
    def slug(self) -> str:
        """Give what the page is named by."""
        return self.page.slug

    def state(self) -> dict[str, object]:
        """Give what the audit tells of the page before and after."""
        return {"state": self.page.state, "revision": self.page.revision, "latest": self.page.latest}

    def record(self, action: str, before: dict[str, object], **more: object) -> None:
        """Count the change and record it: how the page stood, how it stands, and what more there is to tell."""
        pages.touch(self.page)
        audit.record_change(
            self.session,
            self.change,
            action,
            subject(self.kind, self.slug),
            before=before,
            after=self.state(),
            **more,
        )


def desk_of(desks: Desks, kind: PageKind, slug: str, place: Place) -> Desk:
    """Give the desk of a page that staff of a place answer for. Raises PageNotFound, OtherPlace."""
    desk = named(desks, kind, slug)
    if not desk.covers(place, slug):
        raise errors.OtherPlace
    return desk


def named(desks: Desks, kind: PageKind, slug: str) -> Desk:
    """Give the desk of a page that the city has. Raises PageNotFound."""
    desk = desks.desks[kind]
    if slug not in desk.names:
        raise errors.PageNotFound
    return desk


def hold(
    session: Session,
    desks: Desks,
    kind: PageKind,
    slug: str,
    *,
    precondition: audit.Precondition,
    change: audit.Change,
    repeats: Callable[[Page], bool] | None = None,
) -> Held:
    """Lock a page for a change. Raises PageNotFound, OtherPlace, and what the precondition raises.

    `repeats` says, where the precondition fails, whether the page stands already as this very change makes it.
    """
    desk = desk_of(desks, kind, slug, change.by.place)
    page = pages.hold(session, kind, slug)
    try:
        precondition(str(page.revision))
    except DomainError:
        if repeats is None or not repeats(page):
            raise
        return Held(session, desks, desk, page, change, is_repeated=True)
    return Held(session, desks, desk, page, change)


def saw(page: Page, precondition: audit.Precondition) -> bool:
    """Return whether the caller saw the page as it is, or does not care."""
    return _holds(precondition, page.revision)


def saw_previous(page: Page, precondition: audit.Precondition) -> bool:
    """Return whether the caller last saw the page as it was just before its last change."""
    return _holds(precondition, page.revision - 1)


def _holds(precondition: audit.Precondition, revision: int) -> bool:
    try:
        precondition(str(revision))
    except DomainError:
        return False
    return True


def require_state(page: Page, *states: PageState) -> None:
    """Raise WrongState unless the draft stands in one of these."""
    if page.state not in states:
        name = STATE_NAMES[PageState(page.state)]
        wanted = "或".join(f"“{STATE_NAMES[state]}”" for state in states)
        raise errors.WrongState(f"草稿当前为“{name}”，须为{wanted}", state=page.state)


def require_open(held: Held) -> None:
    """Raise PageEnded where the page is shown no longer."""
    if held.page.ends_at is not None and held.page.ends_at <= held.change.at:
        raise errors.PageEnded


def require_newest(page: Page) -> None:
    """Raise DraftOutdated where a version was published since the draft was saved."""
    if page.base != page.latest:
        raise errors.DraftOutdated


def is_district_hall(kind: PageKind, slug: str) -> bool:
    """Tell whether a page lies over the city's."""
    return kind is PageKind.HALL and slug != CITY_HALL


def subject(kind: PageKind, slug: str) -> str:
    """Give what the audit calls a page: `hall/shinan`."""
    return f"{kind.value}/{slug}"


def moment(held: Held) -> datetime:
    """Return the moment at which something published now begins.

    Not before what was published last: who waited for the lock, or has a slower clock, would else be replaced by it.
    """
    last = queries.last_published_at(held.session, held.kind, held.slug)
    return max(held.change.at, last) if last is not None else held.change.at


def version(held: Held, number: int) -> tuple[PageVersion, PageWithdrawal | None]:
    """Return one of a held page's versions with its withdrawal. Raises VersionNotFound."""
    found = queries.one(held.session, held.kind, held.slug, number)
    if found is None:
        raise errors.VersionNotFound
    return found[0], found[1]
