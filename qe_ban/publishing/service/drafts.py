"""Drafts: read, saved, submitted for review."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.kernel.principal import Principal
from qe_ban.kernel.shapes import Fault
from qe_ban.publishing import errors
from qe_ban.publishing.models import Page
from qe_ban.publishing.rules import content as contents
from qe_ban.publishing.rules import differing, shrinking
from qe_ban.publishing.rules.states import PageKind, PageState
from qe_ban.publishing.service import access, links, media, outlook, pages, references, saves
from qe_ban.publishing.service.access import Held
from qe_ban.publishing.service.desks import Desk, Desks
from qe_ban.publishing.service.links import LinkState
from qe_ban.publishing.service.outlook import Scheduled
from qe_ban.publishing.service.references import Finding

DRAFT: Final = 0
"""The number under which a draft uses pictures, and is compared with versions."""
LONGEST_TOLD: Final = 2000
"""So many characters of a changed text the audit keeps."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A page's draft as its staff see it. `in_force`: the version that is shown now.

    `findings`: what the draft refers to that does not stand, links as they were last time that they were followed.
    `scheduled`: the versions that wait, and what the draft already says of each. `warnings` hinder nothing.
    """

    name: str
    page: Page
    in_force: int | None
    findings: Sequence[Finding]
    scheduled: Sequence[Scheduled]
    warnings: Sequence[Fault]

    @property
    def tag(self) -> str:
        """Give what changes whenever the page does."""
        return str(self.page.revision)


def read(session: Session, desks: Desks, kind: PageKind, slug: str, *, reader: Principal, now: datetime) -> Draft:
    """Give a page's draft; of a page that nobody wrote yet an empty one. Raises PageNotFound, OtherPlace."""
    desk = access.desk_of(desks, kind, slug, reader.place)
    return seen(session, desks, desk, pages.look(session, kind, slug), now)


def seen(
    session: Session, desks: Desks, desk: Desk, page: Page, now: datetime, *, shown_at: datetime | None = None
) -> Draft:
    """Return a page that is read or held already as its staff see it; `shown_at`: when the draft is to be shown."""
    shown = pages.in_force(session, desk.kind, page.slug, now)
    followed = {url: found.state for url, found in links.known(session, references.links(page.content)).items()}
    findings = references.inspect(session, desks.sources, page.content, now, followed)
    waiting = outlook.scheduled(session, page, shown, now)
    warnings = outlook.warnings(page, shown, waiting, max(now, shown_at or now))
    warnings += [*outlook.never_shown(session, page, now), *outlook.withdrawn_content(session, page, shown)]
    return Draft(desk.names[page.slug], page, shown.number if shown else None, findings, waiting, warnings)


def save(
    session: Session,
    desks: Desks,
    kind: PageKind,
    slug: str,
    content: Mapping[str, Any],
    *,
    precondition: audit.Precondition,
    change: audit.Change,
) -> tuple[Draft, Sequence[Fault]]:
    """Put a content in the place of a draft, whatever its state; gives it with what was noticed and hinders nothing.

    The caller becomes one of its editors; a review that it had lapses. Where the caller saved just this before and did
    not hear the answer, and where just this is approved, the state stays as it is. Raises PageNotFound, OtherPlace,
    PageInvalid with every fault of its shape, and what the precondition raises.
    """
    desk = access.desk_of(desks, kind, slug, change.by.place)
    content = contents.spelled(content)
    warnings = _check(session, desks, desk, slug, content, change.at)
    plain, taken_out = contents.cleaned(content, desks.link_hosts)
    held = access.hold(
        session,
        desks,
        kind,
        slug,
        precondition=precondition,
        change=change,
        repeats=lambda page: saves.is_repeat(session, page, plain, change.by.id),
    )
    if held.is_repeated or _is_approved(held.page, plain):
        return seen(session, desks, desk, held.page, change.at), [*warnings, *taken_out]
    warnings += shrinking.warnings(held.page.content, plain, origin="上次保存的草稿")
    _replace(held, plain)
    return seen(session, desks, desk, held.page, change.at), [*warnings, *taken_out]


def _is_approved(page: Page, plain: Mapping[str, Any]) -> bool:
    """Return whether a save would only undo an approval of just this; over a newer version it is to be undone."""
    stands = page.state == PageState.APPROVED and page.base == page.latest
    return stands and contents.digest(page.content) == contents.digest(plain)


def _replace(held: Held, plain: dict[str, Any]) -> None:
    """Put a clean content in the place of a held draft."""
    session, page, change = held.session, held.page, held.change
    before, changes = held.state(), differing.changes(page.content, plain)
    saves.keep_replaced(session, page, change.at)
    page.content, page.state, page.base = plain, PageState.DRAFT.value, page.latest
    page.editors = [*page.editors, *({change.by.id} - set(page.editors))]
    page.edited_at = change.at
    page.submitted_by = page.submitted_at = page.reviewed_by = page.reviewed_at = None
    held.record("pages.save", before, changes=told(changes))
    saves.keep(session, page, plain, change.by.id, change.at)
    media.use(session, held.kind.value, page.slug, DRAFT, references.pictures(plain))
    session.flush()
    # as the database gives it, whose order of names goes into the tag
    session.refresh(page, ["content"])


def links_of(
    session: Session,
    desks: Desks,
    kind: PageKind,
    slug: str,
    *,
    precondition: audit.Precondition,
    change: audit.Change,
) -> tuple[str, frozenset[str]] | None:
    """Give a draft's tag and the links that are to be followed before it is submitted; locks nothing.

    None where the caller submitted it already and did not hear the answer.

    Raises what `submit` raises for a page that cannot be submitted.
    """
    desk = access.desk_of(desks, kind, slug, change.by.place)
    page = pages.look(session, kind, slug)
    if _is_submitted(page, precondition, change):
        return None
    precondition(str(page.revision))
    _require_ready(Held(session, desks, desk, page, change))
    return str(page.revision), references.links(page.content)


def submit(
    session: Session,
    desks: Desks,
    kind: PageKind,
    slug: str,
    followed: Mapping[str, LinkState],
    *,
    precondition: audit.Precondition,
    change: audit.Change,
) -> Draft:
    """Hand a draft in for review; `followed`: what came of following its links, in no transaction.

    The caller becomes one of its editors.

    Raises PageNotFound, OtherPlace, PageEnded, WrongState, DraftOutdated, PageInvalid and ReferencesBroken with the
    places, and what the precondition raises.
    """
    held = access.hold(session, desks, kind, slug, precondition=precondition, change=change)
    _require_ready(held)
    page, before = held.page, held.state()
    # what may be said may have changed since it was saved: the allowed hosts, and what the city's hall says
    _check(session, desks, held.desk, slug, page.content, change.at)
    # a picture may have come since
    media.use(session, kind.value, slug, DRAFT, references.pictures(page.content))
    findings = references.inspect(session, desks.sources, page.content, change.at, followed)
    broken = references.told(findings, "error")
    if broken:
        raise errors.ReferencesBroken(errors=_by_place(broken))
    page.state, page.reason, page.reason_sealed = PageState.SUBMITTED.value, None, None
    page.submitted_by, page.submitted_at = change.by.id, change.at
    # who hands it in stands behind it, and cannot be the other person who approves
    page.editors = [*page.editors, *({change.by.id} - set(page.editors))]
    page.reviewed_by = page.reviewed_at = None
    held.record("pages.submit", before)
    return seen(session, desks, held.desk, page, change.at)


def _is_submitted(page: Page, precondition: audit.Precondition, change: audit.Change) -> bool:
    """Return whether the last change of the page was that this caller submitted what they now submit again."""
    is_mine = (page.state, page.submitted_by) == (PageState.SUBMITTED, change.by.id)
    return is_mine and not access.saw(page, precondition) and access.saw_previous(page, precondition)


def told(changes: Iterable[differing.Change]) -> list[dict[str, str | None]]:
    """Give changes as the audit keeps them: long texts cut."""
    return [
        {name: value and (value if len(value) <= LONGEST_TOLD else f"{value[:LONGEST_TOLD]}…") for name, value in row}
        for row in (asdict(change).items() for change in changes)
    ]


def _require_ready(held: Held) -> None:
    access.require_open(held)
    access.require_state(held.page, PageState.DRAFT, PageState.REJECTED)
    if not held.page.editors:
        # nobody's draft would be everybody's to approve
        raise errors.WrongState("草稿还没有保存过内容", state=held.page.state)
    access.require_newest(held.page)


def _check(
    session: Session, desks: Desks, desk: Desk, slug: str, content: Mapping[str, Any], now: datetime
) -> list[Fault]:
    """Give the warnings. Raises PageInvalid with every error, by place."""
    over = access.is_district_hall(desk.kind, slug)
    found = contents.faults(content, district_hall=over, link_hosts=desks.link_hosts)
    found += desk.faults(session, slug, content, now)
    wrong = [fault for fault in found if fault.severity == "error"]
    if wrong:
        # of several at one place the first is told
        raise errors.PageInvalid(fields={fault.place or "body": fault.message for fault in reversed(wrong)})
    return found


def _by_place(findings: Iterable[Finding]) -> dict[str, list[str]]:
    places: dict[str, list[str]] = {}
    for finding in findings:
        places.setdefault(finding.place, []).append(finding.message)
    return places
