"""Drafts: read, saved, submitted for review."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.kernel.principal import Principal
from qe_ban.kernel.shapes import Fault
from qe_ban.publishing import errors
from qe_ban.publishing.rules import content as contents
from qe_ban.publishing.rules import shrinking
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.service import access, links, outlook, pages, references
from qe_ban.publishing.service.desks import Desk, Desks
from qe_ban.publishing.service.links import LinkState
from qe_ban.publishing.service.outlook import Scheduled
from qe_ban.publishing.service.page_documents import PAGES, key_of
from qe_ban.publishing.service.references import Finding
from qe_ban.reviewing.models import DraftColumns
from qe_ban.reviewing.service import documents
from qe_ban.reviewing.service import drafts as reviewed


@dataclass(frozen=True, slots=True)
class Draft:
    """A page's draft as its staff see it. `in_force`: the version that is shown now.

    `findings`: what the draft refers to that does not stand, links as they were last time that they were followed.
    `scheduled`: the versions that wait, and what the draft already says of each. `warnings` hinder nothing.
    """

    name: str
    page: DraftColumns
    in_force: int | None
    findings: Sequence[Finding]
    scheduled: Sequence[Scheduled]
    warnings: Sequence[Fault]

    @property
    def tag(self) -> str:
        """Return what changes whenever the page does."""
        return str(self.page.revision)


def read(session: Session, desks: Desks, kind: PageKind, slug: str, *, reader: Principal, now: datetime) -> Draft:
    """Return a page's draft; of a page that nobody wrote yet an empty one. Raises PageNotFound, OtherPlace."""
    desk = access.desk_of(desks, kind, slug, reader.place)
    return to_draft(session, desks, desk, slug, pages.look(session, kind, slug), now)


def to_draft(
    session: Session,
    desks: Desks,
    desk: Desk,
    slug: str,
    page: DraftColumns,
    now: datetime,
    *,
    shown_at: datetime | None = None,
) -> Draft:
    """Return a page that was read or locked as its staff see it; `shown_at`: when the draft is to be shown."""
    current = pages.in_force(session, desk.kind, slug, now)
    link_states = {url: check.state for url, check in links.known(session, references.links(page.content)).items()}
    findings = references.inspect(session, desks.sources, page.content, now, link_states)
    scheduled = outlook.scheduled(session, page, current, now)
    warnings = outlook.warnings(page, current, scheduled, max(now, shown_at or now))
    warnings += [*outlook.never_shown(session, page, now), *outlook.withdrawn_content(session, page, current)]
    return Draft(desk.names[slug], page, current.number if current else None, findings, scheduled, warnings)


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
    plain, removals = contents.cleaned(content, desks.link_hosts)
    page, replaced = reviewed.save(session, PAGES, key_of(kind, slug), plain, precondition=precondition, change=change)
    if replaced is not None:
        # removals last: what the whole page lost comes before what single texts lost
        warnings += shrinking.warnings(replaced, plain, origin="上次保存的草稿")
    return to_draft(session, desks, desk, slug, page, change.at), [*warnings, *removals]


def links_of(
    session: Session,
    desks: Desks,
    kind: PageKind,
    slug: str,
    *,
    precondition: audit.Precondition,
    change: audit.Change,
) -> tuple[str, frozenset[str]] | None:
    """Return a draft's tag and the links that are to be followed before it is submitted; locks nothing.

    None where the caller submitted it already and did not hear the answer.

    Raises what `submit` raises for a page that cannot be submitted.
    """
    access.desk_of(desks, kind, slug, change.by.place)
    page = pages.look(session, kind, slug)
    if reviewed.is_submission_repeat(page, precondition, change):
        return None
    precondition(str(page.revision))
    reviewed.require_ready(PAGES, page, change.at)
    return str(page.revision), references.links(page.content)


def submit(
    session: Session,
    desks: Desks,
    kind: PageKind,
    slug: str,
    link_states: Mapping[str, LinkState],
    *,
    precondition: audit.Precondition,
    change: audit.Change,
) -> Draft:
    """Submit a draft for review; `link_states`: what came of following its links, in no transaction.

    The caller becomes one of its editors.

    Raises PageNotFound, OtherPlace, PageEnded, WrongState, DraftOutdated, PageInvalid and ReferencesBroken with the
    places, and what the precondition raises.
    """
    desk, key = access.desk_of(desks, kind, slug, change.by.place), key_of(kind, slug)
    locked = reviewed.lock_ready(session, PAGES, key, precondition=precondition, change=change)
    page = locked.row
    # what is allowed may have changed since it was saved: the hosts of links, and the city's hall
    _check(session, desks, desk, slug, page.content, change.at)
    # a picture may have come since
    PAGES.store_references(session, key, documents.DRAFT, page.content)
    findings = references.inspect(session, desks.sources, page.content, change.at, link_states)
    broken = references.told(findings, "error")
    if broken:
        raise errors.ReferencesBroken(errors=_by_place(broken))
    reviewed.submit(locked)
    return to_draft(session, desks, desk, slug, page, change.at)


def _check(
    session: Session, desks: Desks, desk: Desk, slug: str, content: Mapping[str, Any], now: datetime
) -> list[Fault]:
    """Return the warnings. Raises PageInvalid with every error, by place."""
    over = access.is_district_hall(desk.kind, slug)
    faults = contents.faults(content, district_hall=over, link_hosts=desks.link_hosts)
    faults += desk.faults(session, slug, content, now)
    wrong = [fault for fault in faults if fault.severity == "error"]
    if wrong:
        # of several at one place the first is told
        raise errors.PageInvalid(fields={fault.place or "body": fault.message for fault in reversed(wrong)})
    return faults


def _by_place(findings: Iterable[Finding]) -> dict[str, list[str]]:
    places: dict[str, list[str]] = {}
    for finding in findings:
        places.setdefault(finding.place, []).append(finding.message)
    return places
