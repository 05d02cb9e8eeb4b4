"""What zones keep of a resident, so that nothing of it stays when the account is closed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from qe_ban.accounts.service import PersonalDataEraser
from qe_ban.audit import service as audit
from qe_ban.keys import data_keys
from qe_ban.zones.models import Demand, DemandStep


def count(session: Session, resident: UUID) -> Mapping[str, int]:
    """Return how many steps the resident's demands have."""
    mine = Demand.resident_id == resident
    steps = select(func.count()).select_from(DemandStep).join(Demand, Demand.id == DemandStep.demand_id).where(mine)
    return {"demand_steps": session.scalar(steps) or 0}


def erase(session: Session, resident: UUID, now: datetime) -> None:
    """Delete the demands, whatever their state; each is audited, for the report of a zone's end is counted by them."""
    _erase(session, Demand.resident_id == resident, now)


def erase_demands(session: Session, demands: Sequence[UUID], now: datetime) -> None:
    """Delete demands that were deleted before, and came back with a restore."""
    _erase(session, Demand.id.in_(demands), now)


def _erase(session: Session, which: ColumnElement[bool], now: datetime) -> None:
    deletion = delete(Demand).where(which).returning(Demand.id, Demand.zone, Demand.state, Demand.data_key)
    for demand, zone, state, data_key in session.execute(deletion.execution_options(synchronize_session=False)).all():
        data_keys.discard(session, [data_key])
        details = {"zone": zone, "state": state}
        audit.record(session, at=now, actor=None, action="demands.erase", subject=str(demand), details=details)


ERASER: Final = PersonalDataEraser(count, erase)
