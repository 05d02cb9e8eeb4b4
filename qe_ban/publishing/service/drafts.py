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
from qe_ban.publishing.rules import removals
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.service import access, links, outlook, pages, references
from qe_ban.publishing.service.links import LinkState
from qe_ban.publishing.service.outlook import ScheduledVersion
from qe_ban.publishing.service.page_documents import PAGES, key_of
from qe_ban.publishing.service.page_types import PageType, PageTypes
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
    scheduled: Sequence[ScheduledVersion]
    warnings: Sequence[Fault]

    @property
    def tag(self) -> str:
        """Return what changes whenever the page does."""
        return str(self.page.revision)


def read(
    session: Session, page_types: PageTypes, kind: PageKind, slug: str, *, reader: Principal, now: datetime
) -> Draft:
    """Return a page's draft; of a page that nobody wrote yet an empty one. Raises PageNotFound, OtherPlace."""
    page_type = access.page_type_of(page_types, kind, slug, reader.place)
    return to_draft(session, page_types, page_type, slug, pages.look(session, kind, slug), now)


def to_draft(
    session: Session,
    page_types: PageTypes,
    page_type: PageType,
    slug: str,
    page: DraftColumns,
    now: datetime,
    *,
    shown_at: datetime | None = None,
) -> Draft:
    """Return a page that was read or locked as its staff see it; `shown_at`: when the draft is to be shown."""
    current = pages.in_force(session, page_type.kind, slug, now)
    link_states = {
        url: check.state for url, check in links.find_results(session, references.links(page.content)).items()
    }
    findings = references.inspect(session, page_types.sources, page.content, now, link_states)
    scheduled_versions = outlook.list_scheduled(session, page, current, now)
    warnings = outlook.warnings(page, current, scheduled_versions, max(now, shown_at or now))
    warnings += [*outlook.never_shown(session, page, now), *outlook.withdrawn_content(session, page, current)]
    return Draft(
        page_type.names[slug], page, current.number if current else None, findings, scheduled_versions, warnings
    )


def save(
    session: Session,
    page_types: PageTypes,
    kind: PageKind,
    slug: str,
    content: Mapping[str, Any],
    *,
    precondition: audit.Precondition,
    change: audit.Change,
) -> tuple[Draft, Sequence[Fault]]:
    """Put a content in the place of a draft, whatever its state; returns it with what was noticed and hinders nothing.

    The caller becomes one of its editors; a review that it had lapses. Where the caller saved just this before and did
    not hear the answer, and where just this is approved, the state stays as it is. Raises PageNotFound, OtherPlace,
    PageInvalid with every fault of its shape, and what the precondition raises.
    """
    page_type = access.page_type_of(page_types, kind, slug, change.by.place)
    content = contents.normalize_texts(content)
    warnings = _check(session, page_types, page_type, slug, content, change.at)
    plain, cleaning_warnings = contents.clean(content, page_types.link_hosts)
    page, old_content = reviewed.save(
        session, PAGES, key_of(kind, slug), plain, precondition=precondition, change=change
    )
    if old_content is not None:
        # what cleaning took out last: what the whole page lost comes before what single texts lost
        warnings += removals.warnings(old_content, plain, origin="上次保存的草稿")
    return to_draft(session, page_types, page_type, slug, page, change.at), [*warnings, *cleaning_warnings]


def links_of(
    session: Session,
    page_types: PageTypes,
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
    access.page_type_of(page_types, kind, slug, change.by.place)
    page = pages.look(session, kind, slug)
    if reviewed.is_submission_repeat(page, precondition, change):
        return None
    precondition(str(page.revision))
    reviewed.require_ready(PAGES, page, change.at)
    return str(page.revision), references.links(page.content)


def submit(
    session: Session,
    page_types: PageTypes,
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
    page_type, key = access.page_type_of(page_types, kind, slug, change.by.place), key_of(kind, slug)
    locked_page = reviewed.lock_ready(session, PAGES, key, precondition=precondition, change=change)
    page = locked_page.row
    # what is allowed may have changed since it was saved: the hosts of links, and the city's hall
    _check(session, page_types, page_type, slug, page.content, change.at)
    # a picture may have come since
    PAGES.store_references(session, key, documents.DRAFT, page.content)
    findings = references.inspect(session, page_types.sources, page.content, change.at, link_states)
    broken = references.of_severity(findings, "error")
    if broken:
        raise errors.ReferencesBroken(errors=_by_place(broken))
    reviewed.submit(locked_page)
    return to_draft(session, page_types, page_type, slug, page, change.at)


def _check(
    session: Session, page_types: PageTypes, page_type: PageType, slug: str, content: Mapping[str, Any], now: datetime
) -> list[Fault]:
    """Return the warnings. Raises PageInvalid with every error, by place."""
    over = access.is_district_hall(page_type.kind, slug)
    faults = contents.faults(content, district_hall=over, link_hosts=page_types.link_hosts)
    faults += page_type.faults(session, slug, content, now)
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
