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
from qe_ban.publishing.models import PageVersion, PageWithdrawal
from qe_ban.publishing.queries import versions as queries
from qe_ban.publishing.rules import content as contents
from qe_ban.publishing.rules import differing, versions
from qe_ban.publishing.rules.states import PageKind, PageState
from qe_ban.publishing.rules.versions import Mark
from qe_ban.publishing.service import access, drafts, media, pages, references, stamps
from qe_ban.publishing.service.access import Held
from qe_ban.publishing.service.desks import Desks
from qe_ban.publishing.service.drafts import Draft

REVIEW = "pages.review"
WITHDRAW = "pages.withdraw"


@dataclass(frozen=True, slots=True)
class Published:
    """What became of a publication; `upcoming`: all versions that have not begun, in the order in which they will."""

    draft: Draft
    number: int
    starts_at: datetime
    ends_at: datetime | None
    upcoming: Sequence[Mark]


def publish(
    session: Session,
    desks: Desks,
    kind: PageKind,
    slug: str,
    *,
    at: datetime | None,
    end_at: datetime | None,
    precondition: audit.Precondition,
    change: audit.Change,
) -> Published | errors.ApprovalLapsed:
    """Make a version of an approved draft, in force at once or from `at`, for good or until `end_at`.

    Gives ApprovalLapsed, for the caller to commit and then to raise, where the reviewer may no longer review this page:
    the draft waits for review again. Raises PageNotFound, OtherPlace, PageEnded, WrongState, DraftOutdated,
    ScheduleInvalid with the fields at fault, and what the precondition raises.
    """
    held = access.hold(session, desks, kind, slug, precondition=precondition, change=change)
    page = held.page
    access.require_open(held)
    access.require_state(page, PageState.APPROVED)
    access.require_newest(page)
    starts_at = _start(held, at, end_at)
    reviewer = page.reviewed_by
    if reviewer is None or not _may_review(held, reviewer):
        return _lapse(held)
    shown = pages.in_force(session, kind, slug, change.at)
    before = held.state()
    version = _add(held, page.content, starts_at, end_at, editors=page.editors, approved_by=reviewer)
    page.state, page.base, page.editors = PageState.PUBLISHED.value, page.latest, []
    page.reviewed_by = page.reviewed_at = page.submitted_by = page.submitted_at = page.reason = None
    held.record("pages.publish", before, **_told(version, shown))
    return _published(held, version)


def rollback(
    session: Session,
    desks: Desks,
    kind: PageKind,
    slug: str,
    number: int,
    *,
    precondition: audit.Precondition,
    change: audit.Change,
) -> Published:
    """Make a new version of an old one's content, in force at once. A draft that is not published yet stays, outdated.

    Raises PageNotFound, OtherPlace, PageEnded, VersionNotFound, AlreadyWithdrawn (what was withdrawn comes back by way
    of review only), and what the precondition raises.
    """
    held = access.hold(session, desks, kind, slug, precondition=precondition, change=change)
    access.require_open(held)
    old, withdrawal = _version(held, number)
    if withdrawal is not None:
        raise errors.AlreadyWithdrawn("这个版本已被撤下，不能直接恢复；如需恢复，请重新编辑并提交审核")
    shown = pages.in_force(session, kind, slug, change.at)
    page, before = held.page, held.state()
    version = _add(
        held,
        old.content,
        _moment(held),
        None,
        editors=old.editors,
        approved_by=old.approved_by,
        rollback_of=number,
    )
    if page.state == PageState.PUBLISHED:
        page.content, page.base = old.content, page.latest
        media.use(session, kind.value, slug, drafts.DRAFT, references.pictures(old.content))
    held.record("pages.rollback", before, rollback_of=number, **_told(version, shown))
    return _published(held, version)


def withdraw(
    session: Session,
    desks: Desks,
    kind: PageKind,
    slug: str,
    number: int,
    reason: str,
    *,
    precondition: audit.Precondition,
    change: audit.Change,
) -> Draft:
    """Take a version away: from residents at once, or before its time; what it had replaced comes to the fore.

    What has begun only whoever has `pages.withdraw` takes away. Raises PageNotFound, OtherPlace, VersionNotFound,
    AlreadyWithdrawn, WithdrawalRefused, and what the precondition raises.
    """
    held = access.hold(session, desks, kind, slug, precondition=precondition, change=change)
    version, withdrawal = _version(held, number)
    if WITHDRAW not in change.by.scopes and version.starts_at <= change.at:
        raise errors.WithdrawalRefused
    if withdrawal is not None:
        raise errors.AlreadyWithdrawn
    before = held.state()
    shown = pages.in_force(session, kind, slug, change.at)
    session.add(PageWithdrawal(kind=kind.value, slug=slug, number=number, at=change.at, by=change.by.id, reason=reason))
    session.flush()
    after = pages.in_force(session, kind, slug, change.at)
    held.record(
        "pages.withdraw",
        before,
        version=number,
        reason=reason,
        in_force={"before": shown.number if shown else None, "after": after.number if after else None},
    )
    draft = drafts.seen(session, desks, held.desk, held.page, change.at)
    stamps.bump(session, kind, slug)
    return draft


def _start(held: Held, at: datetime | None, end_at: datetime | None) -> datetime:
    """Give when a version begins. Raises ScheduleInvalid."""
    now, page_ends_at = held.change.at, held.page.ends_at
    faults = {fault.place: fault.message for fault in versions.faults_of_times(at, end_at, now)}
    if at is not None and page_ends_at is not None and at >= page_ends_at:
        faults.setdefault("at", "页面在此之前已经结束")
    if faults:
        raise errors.ScheduleInvalid(fields=faults)
    return at if at is not None and at > now else _moment(held)


def _moment(held: Held) -> datetime:
    """Give the moment at which something published now begins.

    Not before what was published last: who waited for the lock, or has a slower clock, would else be replaced by it.
    """
    last = queries.last_published_at(held.session, held.kind, held.slug)
    return max(held.change.at, last) if last is not None else held.change.at


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
        published_at=_moment(held),
        rollback_of=rollback_of,
    )
    session.add(version)
    session.flush()
    media.use(session, held.kind.value, page.slug, page.latest, references.pictures(content))
    return version


def _version(held: Held, number: int) -> tuple[PageVersion, PageWithdrawal | None]:
    found = queries.one(held.session, held.kind, held.slug, number)
    if found is None:
        raise errors.VersionNotFound
    return found[0], found[1]


def _published(held: Held, version: PageVersion) -> Published:
    session, now = held.session, held.change.at
    marks = queries.marks(session, held.kind, held.slug, now)
    upcoming = sorted((mark for mark in marks if mark.starts_at > now), key=lambda mark: (mark.starts_at, mark.number))
    draft = drafts.seen(session, held.desks, held.desk, held.page, now)
    stamps.bump(session, held.kind, held.slug)
    return Published(draft, version.number, version.starts_at, version.ends_at, upcoming)


def _told(version: PageVersion, shown: pages.InForce | None) -> dict[str, object]:
    """Give what the audit tells of a new version: its times, and how it differs from what is shown now."""
    return {
        "version": version.number,
        "starts_at": rfc3339(version.starts_at),
        "ends_at": rfc3339(version.ends_at) if version.ends_at else None,
        "replaces": shown.number if shown else None,
        "changes": drafts.told(differing.changes(shown.content if shown else pages.EMPTY, version.content)),
    }
