"""What staff should know of a draft before it is public: what waits, dates that are hardly meant, what is gone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from qe_ban.kernel.shapes import Fault
from qe_ban.publishing.rules import overlaps, removals, timeliness
from qe_ban.publishing.rules.overlaps import Overlap
from qe_ban.publishing.service.page_documents import EMPTY, PAGES
from qe_ban.reviewing.models import DraftColumns
from qe_ban.reviewing.rules.states import DraftState
from qe_ban.reviewing.service import history
from qe_ban.reviewing.service.in_force import VersionInForce
from qe_ban.reviewing.service.publications import MAX_COMPARED
from qe_ban.reviewing.service.scheduled import format_in_city

MAX_WITHDRAWN: Final = 3
"""So many versions that were withdrawn are compared with a draft, the newest ones."""
_MAX_HEADINGS: Final = 3


@dataclass(frozen=True, slots=True)
class ScheduledVersion:
    """A version that has not begun, and what the draft already says of it."""

    number: int
    starts_at: datetime
    ends_at: datetime | None
    overlaps: Sequence[Overlap]


def list_scheduled(
    session: Session, page: DraftColumns, current: VersionInForce | None, now: datetime
) -> list[ScheduledVersion]:
    """Return the next versions that wait, the first first; none that begins when the page has ended."""
    rows = history.list_scheduled(session, PAGES.tables, PAGES.tables.key_of(page), now, MAX_COMPARED)
    base = current.content if current is not None else EMPTY
    return [
        ScheduledVersion(row.number, row.starts_at, row.ends_at, overlaps.overlaps(base, row.content, page.content))
        for row in rows
        if page.ends_at is None or row.starts_at < page.ends_at
    ]


def never_shown(session: Session, page: DraftColumns, now: datetime) -> list[Fault]:
    """Return a warning for each of the next versions that wait and would begin when the page has ended."""
    ends_at = page.ends_at
    if ends_at is None:
        return []
    rows = history.list_scheduled(session, PAGES.tables, PAGES.tables.key_of(page), now, MAX_COMPARED)
    end = format_in_city(ends_at)
    messages = (
        f"版本 {row.number} 定于 {format_in_city(row.starts_at)} 生效，但页面于 {end} 结束，该版本不会显示"
        for row in rows
        if row.starts_at >= ends_at
    )
    return [Fault("", message, "warning", "version_after_end") for message in messages]


def withdrawn_content(session: Session, page: DraftColumns, current: VersionInForce | None) -> list[Fault]:
    """Return a warning for each version that was withdrawn and of which the draft still says something.

    A withdrawal leaves the draft as it is, so the next publication would show again what was taken away.
    """
    rows = history.list_withdrawn(session, PAGES.tables, PAGES.tables.key_of(page), MAX_WITHDRAWN)
    base = current.content if current is not None else EMPTY
    common = ((row.number, overlaps.overlaps(base, row.content, page.content)) for row in rows)
    return [
        Fault(
            "blocks",
            f"草稿含有已撤下的版本 {number} 的内容（{_headings(overlap)}），发布会重新公开{_restart(current)}",
            "warning",
            "withdrawn_content",
        )
        for number, overlap in common
        if overlap
    ]


def warnings(
    page: DraftColumns, current: VersionInForce | None, scheduled_versions: Sequence[ScheduledVersion], at: datetime
) -> list[Fault]:
    """Return what is to be noticed of a draft that would be shown at a moment."""
    return [
        *_of_scheduled(current, scheduled_versions),
        *timeliness.warnings(page.content, at),
        *_of_removals(page, current),
    ]


def _of_scheduled(current: VersionInForce | None, scheduled_versions: Sequence[ScheduledVersion]) -> Iterator[Fault]:
    for version in scheduled_versions:
        begins = format_in_city(version.starts_at)
        message = f"版本 {version.number} 将于 {begins} 生效，届时会替换在此之前发布的内容"
        yield Fault("", message, "warning", "version_waiting")
        if version.overlaps:
            start = f"草稿含有版本 {version.number} 的内容（{_headings(version.overlaps)}）"
            early = f"{start}，该版本 {begins} 才生效，提前发布会提前公开{_restart(current)}"
            yield Fault("blocks", early, "warning", "not_in_force")


def _headings(overlaps_: Sequence[Overlap]) -> str:
    headings = [overlap.heading for overlap in overlaps_]
    return "、".join(headings[:_MAX_HEADINGS]) + ("等" if len(headings) > _MAX_HEADINGS else "")


def _restart(current: VersionInForce | None) -> str:
    return f"；可用 restore 以生效中的版本 {current.number} 重新开始" if current is not None else ""


def _of_removals(page: DraftColumns, current: VersionInForce | None) -> Iterator[Fault]:
    if current is not None and page.state != DraftState.PUBLISHED:
        yield from removals.warnings(current.content, page.content, origin=f"生效中的版本 {current.number}")
