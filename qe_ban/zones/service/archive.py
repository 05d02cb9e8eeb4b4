"""A zone's end, now or planned, with or without the deletion of its data, and the end's taking back."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.kernel.city import City
from qe_ban.kernel.clock import rfc3339
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.service import page_end, pages, stamps
from qe_ban.zones import errors
from qe_ban.zones.models import Sunset

FARTHEST: Final = timedelta(days=3660)


@dataclass(frozen=True, slots=True)
class EndRequest:
    """How a zone is to end: at a moment (None: now), and whether its data go; `confirm` repeats the zone's slug."""

    at: datetime | None
    delete: bool
    confirm: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """How a zone stands with its end; `tag` is what a change must believe it to be."""

    slug: str
    name: str
    tag: str
    ends_at: datetime | None
    ended: bool
    deletion: Sunset | None
    deletion_due: bool


def standing(session: Session, city: City, slug: str, now: datetime) -> Standing:
    """Return how a zone stands with its end, and the report of its deletion. Raises ZoneNotFound."""
    if slug not in city.zones:
        raise errors.ZoneNotFound
    page, deletion = pages.look(session, PageKind.ZONE, slug), sunset_of(session, slug)
    return Standing(
        slug=slug,
        name=city.zones[slug],
        tag=str(page.revision),
        ends_at=page.ends_at,
        ended=page.ends_at is not None and page.ends_at <= now,
        deletion=deletion,
        deletion_due=deletion is not None and _is_due(deletion, now),
    )


def end(
    session: Session,
    city: City,
    *,
    slug: str,
    request: EndRequest,
    precondition: audit.Precondition,
    change: audit.Change,
) -> None:
    """Let a zone end, and say whether its data are deleted then; what was planned before is replaced.

    A zone that has ended may still be told to delete its data. Raises ZoneNotFound, EndInvalid, ZoneEnded, DataDeleted,
    and what the precondition raises.
    """
    if slug not in city.zones:
        raise errors.ZoneNotFound
    page = pages.hold(session, PageKind.ZONE, slug)
    precondition(str(page.revision))
    _check(request, slug, change.at)
    sunset = _find_planned(session, slug, change.at)
    over = page.ends_at is not None and page.ends_at <= change.at
    if over and not request.delete:
        raise errors.ZoneEnded
    at = request.at or change.at
    before = _to_audit_details(page.ends_at, sunset)
    # what has ended stays ended, however late its data are deleted
    page_end.set_end(page, page.ends_at if over else at)
    if sunset is not None:
        session.delete(sunset)
        session.flush()
    new_sunset = (
        Sunset(zone=slug, requested_at=change.at, requested_by=change.by.id, due_at=at) if request.delete else None
    )
    if new_sunset is not None:
        session.add(new_sunset)
    audit.record_change(
        session, change, "zones.end", slug, before=before, after=_to_audit_details(page.ends_at, new_sunset)
    )
    stamps.bump(session)


def reopen(session: Session, city: City, *, slug: str, precondition: audit.Precondition, change: audit.Change) -> None:
    """Take a zone's end back, past or planned, and with it a deletion that is not due yet.

    Raises ZoneNotFound, ZoneNotEnded, DataDeleted, and what the precondition raises.
    """
    if slug not in city.zones:
        raise errors.ZoneNotFound
    page = pages.hold(session, PageKind.ZONE, slug)
    precondition(str(page.revision))
    sunset = _find_planned(session, slug, change.at)
    if page.ends_at is None:
        raise errors.ZoneNotEnded
    before = _to_audit_details(page.ends_at, sunset)
    page_end.set_end(page, None)
    if sunset is not None:
        session.delete(sunset)
    audit.record_change(session, change, "zones.reopen", slug, before=before, after=_to_audit_details(None, None))
    stamps.bump(session)


def sunset_of(session: Session, slug: str) -> Sunset | None:
    """Return the deletion that was asked for a zone, planned or done."""
    return session.scalar(select(Sunset).where(Sunset.zone == slug).order_by(Sunset.requested_at.desc()).limit(1))


def _find_planned(session: Session, slug: str, now: datetime) -> Sunset | None:
    """Return a deletion that is still to come. Raises DataDeleted where it is due: the worker may be at it."""
    sunset = sunset_of(session, slug)
    if sunset is not None and _is_due(sunset, now):
        raise errors.DataDeleted
    return sunset


def _is_due(deletion: Sunset, now: datetime) -> bool:
    return deletion.due_at <= now or deletion.progress is not None


def _check(request: EndRequest, slug: str, now: datetime) -> None:
    faults = {}
    if request.at is not None and request.at < now:
        faults["at"] = "结束时间不能早于现在"
    elif request.at is not None and request.at > now + FARTHEST:
        faults["at"] = "结束时间不能晚于十年以后"
    if request.delete and request.confirm != slug:
        faults["confirm"] = "删除数据不可恢复：请填写专区代号以确认"
    if faults:
        raise errors.EndInvalid(fields=faults)


def _to_audit_details(ends_at: datetime | None, deletion: Sunset | None) -> dict[str, Any]:
    return {
        "ends_at": rfc3339(ends_at) if ends_at else None,
        "delete_at": rfc3339(deletion.due_at) if deletion else None,
    }
