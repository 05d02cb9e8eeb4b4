"""How long firms' demands are kept once nobody works on them any more."""

from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, delete, exists, func, or_, select
from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.db.retention import STEP, Ending, Period, Schedule
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.service import pages
from qe_ban.zones.models import Demand, DemandStep, Sunset
from qe_ban.zones.rules.demands import DemandState

FINAL_STATES: Final = (DemandState.ANSWERED, DemandState.CLOSED, DemandState.REFUSED, DemandState.WITHDRAWN)


def _is_over(before: datetime) -> ColumnElement[bool]:
    """Return the condition that a demand's last step, or the end of its zone, was before a moment."""
    is_final = Demand.state.in_([state.value for state in FINAL_STATES]) & (Demand.updated_at < before)
    is_of_ended_zone = Demand.zone.in_(pages.ended_before(PageKind.ZONE, before))
    # the report of a deletion counts what it finds when it begins
    deletion = exists().where(Sunset.zone == Demand.zone, Sunset.due_at <= func.now(), Sunset.done_at.is_(None))
    return or_(is_final, is_of_ended_zone) & ~deletion


def _forget_demands(session: Session, before: datetime) -> int:
    """Delete demands that were over before a moment, some of one zone; returns how many.

    Each is audited, for the report of a zone's end is checked against these events. The zone's page is locked, as by
    its deletion.
    """
    zone = session.scalar(select(Demand.zone).where(_is_over(before)).limit(1))
    if zone is None:
        return 0
    pages.hold(session, PageKind.ZONE, zone)
    batch = select(Demand.id).where(Demand.zone == zone, _is_over(before)).limit(STEP)
    demands = session.scalars(batch.with_for_update(of=Demand, skip_locked=True)).all()
    deletion = delete(Demand).where(Demand.id.in_(demands)).returning(Demand.id, Demand.state)
    rows = session.execute(deletion.execution_options(synchronize_session=False)).all()
    now = session.execute(select(func.clock_timestamp())).scalar_one()
    for demand, state in rows:
        details = {"zone": zone, "state": state}
        audit.record(session, at=now, actor=None, action="demands.erase", subject=str(demand), details=details)
    return len(rows)


ENDINGS: Final = (Ending(Demand, Period.DISPUTES, _forget_demands, Schedule.DAYS, also=(DemandStep,)),)
