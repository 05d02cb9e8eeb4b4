"""The deletion of an ended zone's demands, some at a time, and the report that proves it; the worker runs it."""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.keys import data_keys
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.service import pages
from qe_ban.zones.models import Demand, DemandStep, Sunset
from qe_ban.zones.rules import purge as rules

DELETION_ACTION: Final = "zones.data_deleted"


def run(session: Session, now: datetime, backups: timedelta) -> None:
    """Delete what is due, at most `rules.AT_ONCE` demands in all; whatever is left comes in the next run.

    `backups`: for how long copies of what was deleted are kept.

    Each zone's page is locked: no demand comes in between, and no end is taken back.
    """
    query = select(Sunset.zone).where(Sunset.due_at <= now, Sunset.done_at.is_(None))
    room = rules.AT_ONCE
    for zone in session.scalars(query.order_by(Sunset.due_at, Sunset.zone)).all():
        pages.hold(session, PageKind.ZONE, zone)
        due = session.scalar(
            select(Sunset).where(Sunset.zone == zone, Sunset.due_at <= now, Sunset.done_at.is_(None)).with_for_update()
        )
        if due is not None:
            room -= _delete(session, due, room, now, backups)
        if room <= 0:
            return


def _delete(session: Session, due: Sunset, room: int, now: datetime, backups: timedelta) -> int:
    """Delete at most `room` demands of a zone, and report when none is left; returns how many."""
    progress = due.progress or _begin(session, due.zone, now)
    some = select(Demand.id).where(Demand.zone == due.zone).order_by(Demand.id).limit(room)
    deleted_keys = session.scalars(delete(Demand).where(Demand.id.in_(some)).returning(Demand.data_key)).all()
    data_keys.discard(session, deleted_keys)
    destroyed_keys = progress.get("data_keys", 0) + sum(number is not None for number in deleted_keys)
    due.progress = progress | {"deleted": progress["deleted"] + len(deleted_keys), "data_keys": destroyed_keys}
    remaining = _count_remaining(session, due.zone)
    if not remaining["demands"]:
        _report(session, due, remaining, now, now + backups)
    return len(deleted_keys)


def _begin(session: Session, zone: str, now: datetime) -> dict[str, Any]:
    query = select(Demand.state, func.count()).where(Demand.zone == zone).group_by(Demand.state)
    counts = {row[0]: row[1] for row in session.execute(query.order_by(Demand.state))}
    ids = session.scalars(select(Demand.id).where(Demand.zone == zone))
    return rules.begin_progress(counts, _steps(session, zone), rules.digest(ids), now)


def _count_remaining(session: Session, zone: str) -> dict[str, int]:
    demands = session.scalar(select(func.count()).select_from(Demand).where(Demand.zone == zone)) or 0
    return {"demands": demands, "demand_steps": _steps(session, zone)}


def _steps(session: Session, zone: str) -> int:
    query = select(func.count()).select_from(DemandStep).join(Demand, Demand.id == DemandStep.demand_id)
    return session.scalar(query.where(Demand.zone == zone)) or 0


def _report(session: Session, due: Sunset, remaining: dict[str, int], now: datetime, backups_until: datetime) -> None:
    times = {"requested_at": due.requested_at, "due_at": due.due_at, "done_at": now}
    due.done_at = now
    due.report = rules.report(
        due.zone,
        progress=due.progress or {},
        remaining=remaining,
        times=times,
        by=due.requested_by,
        backups_until=backups_until,
    )
    audit.record(session, at=now, actor=None, action=DELETION_ACTION, subject=due.zone, details=due.report)
