"""How long levels that ended, changes of them, and answered requests for correction are kept."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from qe_ban.db.retention import STEP, Ending, Period, Schedule, delete_rows
from qe_ban.health.models import HealthChange, HealthCorrection, HealthLevel
from qe_ban.health.rules import ChangeState, LevelState


def _forget_levels(session: Session, before: datetime) -> int:
    """Delete levels that ended before a moment, and those of changes that were refused before it; returns how many.

    Changes before their levels, as whoever closes an account locks them; what another holds waits for the next run.
    """
    changes_without_approval = select(HealthChange.id).where(
        HealthChange.decided_at < before, HealthChange.state != ChangeState.APPROVED.value
    )
    is_ended = (HealthLevel.state == LevelState.ENDED.value) & (HealthLevel.ended_at < before)
    is_dropped = (HealthLevel.state == LevelState.DROPPED.value) & HealthLevel.change_id.in_(changes_without_approval)
    changes = _lock_changes(session, HealthChange.id.in_(select(HealthLevel.change_id).where(is_ended | is_dropped)))
    levels = select(HealthLevel.id).where(is_ended | is_dropped, HealthLevel.change_id.in_(changes)).limit(STEP)
    statement = delete(HealthLevel).where(HealthLevel.id.in_(levels)).returning(HealthLevel.id)
    return len(session.scalars(statement.execution_options(synchronize_session=False)).all())


def _forget_changes(session: Session, before: datetime) -> int:
    """Delete changes that were decided before a moment and of which no level is left; returns how many."""
    levels = select(HealthLevel.id).where(HealthLevel.change_id == HealthChange.id)
    empty = _lock_changes(session, HealthChange.decided_at < before, ~levels.exists())
    statement = delete(HealthChange).where(HealthChange.id.in_(empty)).returning(HealthChange.id)
    return len(session.scalars(statement.execution_options(synchronize_session=False)).all())


def _lock_changes(session: Session, *which: ColumnElement[bool]) -> Sequence[UUID]:
    query = select(HealthChange.id).where(*which).limit(STEP)
    return session.scalars(query.with_for_update(skip_locked=True)).all()


ENDINGS: Final = (
    Ending(
        HealthCorrection,
        Period.DISPUTES,
        delete_rows(HealthCorrection, lambda before: HealthCorrection.answered_at < before),
        Schedule.DAYS,
    ),
    Ending(HealthLevel, Period.DISPUTES, _forget_levels, Schedule.DAYS),
    Ending(HealthChange, Period.DISPUTES, _forget_changes, Schedule.DAYS),
)
"""What ends here."""
