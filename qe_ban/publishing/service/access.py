"""Which page is meant, whether it is the caller's, and the caller's hold of it: the first step of every use case."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.kernel.city import CITY_HALL
from qe_ban.kernel.principal import Place
from qe_ban.publishing import errors
from qe_ban.publishing.models import Page
from qe_ban.publishing.rules.states import STATE_NAMES, PageKind, PageState
from qe_ban.publishing.service import pages
from qe_ban.publishing.service.desks import Desk, Desks


@dataclass(frozen=True, slots=True)
class Held:
    """A page that the caller may change, locked, in the state that the caller believes it to have."""

    session: Session
    desks: Desks
    desk: Desk
    page: Page
    change: audit.Change

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
) -> Held:
    """Lock a page for a change. Raises PageNotFound, OtherPlace, and what the precondition raises."""
    desk = desk_of(desks, kind, slug, change.by.place)
    page = pages.hold(session, kind, slug)
    precondition(str(page.revision))
    return Held(session, desks, desk, page, change)


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
