"""Publication: an approved draft becomes a version, an old version comes again, a version is taken away."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from qe_ban.accounts import service as accounts
from qe_ban.audit import service as audit
from qe_ban.kernel.clock import rfc3339
from qe_ban.publishing import errors
from qe_ban.publishing.models import Page, PageVersion
from qe_ban.publishing.queries import versions as queries
from qe_ban.publishing.rules import content as contents
from qe_ban.publishing.rules import differing, overlaps, versions
from qe_ban.publishing.rules.states import PageKind, PageState
from qe_ban.publishing.rules.versions import Later, Mark
from qe_ban.publishing.service import access, drafts, later, media, pages, references, stamps
from qe_ban.publishing.service.access import Held
from qe_ban.publishing.service.desks import Desks
from qe_ban.publishing.service.drafts import Draft
from qe_ban.publishing.service.later import LaterVersion
from qe_ban.publishing.service.outlook import MAX_COMPARED

REVIEW = "pages.review"


@dataclass(frozen=True, slots=True)
class Published:
    """What became of a publication; `upcoming`: all versions that have not begun, in the order in which they will.

    `later`: those that waited and would take its place, and what became of each.
    """

    draft: Draft
    number: int
    starts_at: datetime
    ends_at: datetime | None
    upcoming: Sequence[Mark]
    later: Sequence[LaterVersion]


def publish(
    session: Session,
    desks: Desks,
    kind: PageKind,
    slug: str,
    *,
    at: datetime | None,
    end_at: datetime | None,
    choice: Later | None = None,
    precondition: audit.Precondition,
    change: audit.Change,
) -> Published | errors.ApprovalLapsed:
    """Make a version of an approved draft, in force at once or from `at`, for good or until `end_at`.

    Gives ApprovalLapsed, for the caller to commit and then to raise, where the reviewer may no longer review this page:
    the draft waits for review again. Raises PageNotFound, OtherPlace, PageEnded, WrongState, DraftOutdated,
    ScheduleInvalid with the fields at fault, LaterUndecided where `choice` says nothing of versions that wait and would
    take its place, or of which the draft says something already; and what the precondition raises.
    """

    def repeats(page: Page) -> bool:
        version = queries.version(session, kind, slug, page.latest)
        return (
            version is not None
            and page.state == PageState.PUBLISHED
            and (version.published_by, version.rollback_of, version.ends_at) == (change.by.id, None, end_at)
            and version.starts_at == (version.published_at if at is None or at < version.published_at else at)
            and access.saw_previous(page, precondition)
        )

    held = access.hold(session, desks, kind, slug, precondition=precondition, change=change, repeats=repeats)
    page = held.page
    if held.is_repeated:
        return _again(held)
    access.require_open(held)
    access.require_state(page, PageState.APPROVED)
    access.require_newest(page)
    starts_at = _start(held, at, end_at)
    reviewer = page.reviewed_by
    if reviewer is None or not _may_review(held, reviewer):
        return _lapse(held)
    shown = pages.in_force(session, kind, slug, change.at)
    before = held.state()
    settled = _settle(held, shown, starts_at, end_at, choice)
    version = _add(held, page.content, starts_at, end_at, editors=page.editors, approved_by=reviewer)
    page.state, page.base, page.editors = PageState.PUBLISHED.value, page.latest, []
    page.reviewed_by = page.reviewed_at = page.submitted_by = page.submitted_at = page.reason = page.reason_sealed = (
        None
    )
    held.record("pages.publish", before, **_told(version, shown, settled))
    return _published(held, version, settled)


def rollback(
    session: Session,
    desks: Desks,
    kind: PageKind,
    slug: str,
    number: int,
    *,
    choice: Later | None = None,
    precondition: audit.Precondition,
    change: audit.Change,
) -> Published:
    """Make a new version of an old one's content, in force at once. A draft that is not published yet stays, outdated.

    Raises PageNotFound, OtherPlace, PageEnded, VersionNotFound, AlreadyWithdrawn (what was withdrawn comes back by way
    of review only), LaterUndecided as `publish`, and what the precondition raises.
    """

    def repeats(page: Page) -> bool:
        version = queries.version(session, kind, slug, page.latest)
        is_mine = version is not None and (version.published_by, version.rollback_of) == (change.by.id, number)
        return is_mine and access.saw_previous(page, precondition)

    held = access.hold(session, desks, kind, slug, precondition=precondition, change=change, repeats=repeats)
    if held.is_repeated:
        return _again(held)
    access.require_open(held)
    old, withdrawal = access.version(held, number)
    if withdrawal is not None:
        raise errors.AlreadyWithdrawn("这个版本已被撤下，不能直接恢复；如需恢复，请重新编辑并提交审核")
    shown = pages.in_force(session, kind, slug, change.at)
    page, before, starts_at = held.page, held.state(), access.moment(held)
    settled = later.wait(held, versions.interrupting(later.waiting(held), starts_at, None), choice)
    version = _add(
        held,
        old.content,
        starts_at,
        None,
        editors=old.editors,
        approved_by=old.approved_by,
        rollback_of=number,
    )
    if page.state == PageState.PUBLISHED:
        page.content, page.base = old.content, page.latest
        media.use(session, kind.value, slug, drafts.DRAFT, references.pictures(old.content))
    held.record("pages.rollback", before, rollback_of=number, **_told(version, shown, settled))
    return _published(held, version, settled)


def _start(held: Held, at: datetime | None, end_at: datetime | None) -> datetime:
    """Give when a version begins. Raises ScheduleInvalid."""
    now, page_ends_at = held.change.at, held.page.ends_at
    faults = {fault.place: fault.message for fault in versions.faults_of_times(at, end_at, now)}
    if at is not None and page_ends_at is not None and at >= page_ends_at:
        faults.setdefault("at", "页面在此之前已经结束")
    if faults:
        raise errors.ScheduleInvalid(fields=faults)
    return at if at is not None and at > now else access.moment(held)


def _may_review(held: Held, staff_id: UUID) -> bool:
    standing = accounts.standing(held.session, staff_id)
    return standing is not None and REVIEW in standing.scopes and held.desk.covers(standing.place, held.slug)


def _lapse(held: Held) -> errors.ApprovalLapsed:
    page, before = held.page, held.state()
    reviewer = page.reviewed_by
    page.state = PageState.SUBMITTED.value
    page.reviewed_by = page.reviewed_at = None
    held.record("pages.lapse", before, reviewed_by=str(reviewer))
    return errors.ApprovalLapsed()


def _add(
    held: Held,
    content: Mapping[str, Any],
    starts_at: datetime,
    ends_at: datetime | None,
    *,
    editors: Sequence[UUID],
    approved_by: UUID,
    rollback_of: int | None = None,
) -> PageVersion:
    """Add the page's next version, with the pictures that it uses."""
    session, page = held.session, held.page
    # an end a moment after the start may lie before what the lock was waited for
    if ends_at is not None and ends_at <= starts_at:
        ends_at = starts_at + timedelta(microseconds=1)
    page.latest += 1
    version = PageVersion(
        kind=page.kind,
        slug=page.slug,
        number=page.latest,
        content=dict(content),
        digest=contents.digest(content),
        starts_at=starts_at,
        ends_at=ends_at,
        editors=list(editors),
        approved_by=approved_by,
        published_by=held.change.by.id,
        published_at=access.moment(held),
        rollback_of=rollback_of,
    )
    session.add(version)
    session.flush()
    media.use(session, held.kind.value, page.slug, page.latest, references.pictures(content))
    return version


def _settle(
    held: Held, shown: pages.InForce | None, starts_at: datetime, ends_at: datetime | None, choice: Later | None
) -> list[LaterVersion]:
    """Settle what becomes of the versions that would take the place of a draft, or that it makes public early."""
    marks, content = later.waiting(held), held.page.content
    numbers = {mark.number for mark in versions.interrupting(marks, starts_at, ends_at)}
    base = shown.content if shown is not None else pages.EMPTY
    for mark in marks[:MAX_COMPARED]:
        version = queries.version(held.session, held.kind, held.slug, mark.number)
        if mark.starts_at > starts_at and version and overlaps.overlaps(base, version.content, content):
            numbers.add(mark.number)
    return later.wait(held, [mark for mark in marks if mark.number in numbers], choice)


def _again(held: Held) -> Published:
    """Return the newest version once more to whoever published it and did not hear the answer."""
    number = held.page.latest
    version = queries.version(held.session, held.kind, held.slug, number)
    if version is None:
        raise errors.VersionNotFound
    gone = queries.withdrawn_for(held.session, held.kind, held.slug, later.cause(number))
    settled = [LaterVersion(mark.number, mark.starts_at, mark.ends_at, "withdrawn") for mark in gone]
    return _published(held, version, settled or [one for one in later.kept(held) if one.number != number])


def _published(held: Held, version: PageVersion, settled: Sequence[LaterVersion]) -> Published:
    session, now = held.session, access.moment(held)
    draft = drafts.seen(session, held.desks, held.desk, held.page, now, shown_at=version.starts_at)
    stamps.bump(session, held.kind, held.slug)
    return Published(draft, version.number, version.starts_at, version.ends_at, later.waiting(held), settled)


def _told(version: PageVersion, shown: pages.InForce | None, settled: Sequence[LaterVersion]) -> dict[str, object]:
    """Give what the audit tells of a new version: its times, and how it differs from what is shown now."""
    return {
        "version": version.number,
        "starts_at": rfc3339(version.starts_at),
        "ends_at": rfc3339(version.ends_at) if version.ends_at else None,
        "replaces": shown.number if shown else None,
        "later": later.outcomes(settled),
        "changes": drafts.told(differing.changes(shown.content if shown else pages.EMPTY, version.content)),
    }
