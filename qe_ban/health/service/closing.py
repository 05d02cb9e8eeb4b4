"""What levels leave of a closed account: nothing that names it."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from qe_ban.accounts.service import PersonalDataEraser, count_nothing_more
from qe_ban.health.models import HealthChange, HealthCorrection, HealthLevel


def _erase(session: Session, resident: UUID, _now: datetime) -> None:
    # changes before their levels, as everywhere: who rejects a change at this moment holds the change
    mine = select(HealthLevel.change_id).where(HealthLevel.resident_id == resident)
    query = select(HealthChange.id).where(HealthChange.id.in_(mine)).order_by(HealthChange.id).with_for_update()
    changes = session.scalars(query).all()
    session.execute(
        delete(HealthLevel).where(HealthLevel.resident_id == resident).execution_options(synchronize_session=False)
    )
    # the reason may be about this one resident: it stays only while it is somebody else's, too
    other_levels = select(HealthLevel.id).where(HealthLevel.change_id == HealthChange.id)
    session.execute(
        update(HealthChange)
        .where(HealthChange.id.in_(changes), ~other_levels.exists())
        .values(reason_sealed=None)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        delete(HealthCorrection)
        .where(HealthCorrection.resident_id == resident)
        .execution_options(synchronize_session=False)
    )


ERASER: Final = PersonalDataEraser(count_nothing_more, _erase)
"""What is deleted when an account is closed. Changes stay, with numbers and a digest that names nobody."""
