"""What the worker does for levels: ends what is over, notifies of what a rule or a source changed, detects delays."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from qe_ban.accounts.service import residents as people
from qe_ban.audit import service as audit
from qe_ban.codes.service import levels as codes
from qe_ban.health.models import HealthChange, HealthCorrection, HealthLevel
from qe_ban.health.rules import CorrectionState, End, LevelState
from qe_ban.health.service.changes import drop_lapsed
from qe_ban.health.service.levels import NOTICE_OF_CHANGE, NOTICE_OF_END, Health, tell
from qe_ban.kernel.clock import rfc3339

STEP: Final = 200
"""Rows that one run handles: a bulk change of the greatest size ends in one."""
EVERYWHERE: Final = "city"
CORRECTIONS: Final = timedelta(days=400)
SOURCE: Final = "source"


@dataclass(frozen=True, slots=True)
class Upkeep:
    """The schedule of health levels."""

    health: Health

    def run(self, session: Session, now: datetime) -> None:
        """Do all of it once, at most `STEP` rows of each."""
        # residents before changes, as whoever closes an account locks them
        self._end_levels(session, now)
        drop_lapsed(session, now)
        self._tell_news(session, now)

    def _end_levels(self, session: Session, now: datetime) -> None:
        """Write down that levels ended by the clock, and tell; scanners have not read them since that moment."""
        is_over = (HealthLevel.state == LevelState.IN_FORCE.value) & (HealthLevel.ends_at <= now)
        due = select(HealthLevel.resident_id).where(is_over).order_by(HealthLevel.ends_at).limit(STEP)
        residents = session.scalars(due).all()
        people.lock_open(session, residents)
        query = select(HealthLevel).where(is_over, HealthLevel.resident_id.in_(residents)).with_for_update()
        rows = session.scalars(query.order_by(HealthLevel.resident_id)).all()
        if not rows:
            return
        levels = codes.health_answers(session, self.health.sources, [row.resident_id for row in rows], now)
        for row in rows:
            row.state, row.ended_at, row.end_reason = LevelState.ENDED.value, row.ends_at, End.EXPIRED.value
            change = session.get_one(HealthChange, row.change_id)
            answer = levels.get(row.resident_id)
            audit.record(
                session,
                at=now,
                actor=None,
                action="health.end_level",
                subject=str(row.resident_id),
                details={
                    "before": {"level": change.level},
                    "after": {"level": answer.visible_level if answer else None},
                    "why": End.EXPIRED.value,
                    "at": rfc3339(row.ends_at),
                },
            )
            tell(self.health, session, row.resident_id, NOTICE_OF_END, now)
        codes.end_levels(session, [row.resident_id for row in rows], now, only_expired=True)
        session.flush()

    def _tell_news(self, session: Session, now: datetime) -> None:
        """Notify whose level a rule of the register or a source changed, and record by which."""
        outside = codes.has_source(self.health.sources)
        for news in codes.take_level_news(session, STEP, now):
            rule = SOURCE if outside else news.rule
            audit.record(
                session,
                at=now,
                actor=None,
                action="health.level_by_rule",
                subject=str(news.resident),
                details={
                    "before": {"level": news.before},
                    "after": {"level": news.after},
                    "rule": rule,
                    "as_of": rfc3339(news.as_of),
                },
            )
            if outside or not news.is_hidden:
                tell(self.health, session, news.resident, NOTICE_OF_CHANGE, now)


def _overdue(session: Session, since: datetime, until: datetime, subject: str | None) -> Iterable[audit.Tally]:
    if subject not in (None, EVERYWHERE):
        return
    late = (HealthCorrection.due_at > since) & (HealthCorrection.due_at <= until)
    still_open = HealthCorrection.state == CorrectionState.OPEN.value
    number, at = session.execute(select(func.count(), func.max(HealthCorrection.due_at)).where(late, still_open)).one()
    if number:
        yield audit.Tally(EVERYWHERE, number, at, {"corrections": number})


def detectors() -> Sequence[audit.Watch]:
    """Return what is watched: requests for correction that are not answered in time."""
    kind = audit.AlarmKind.CORRECTION_OVERDUE
    return (audit.Watch(kind, CORRECTIONS, audit.one_by_one(_overdue), lambda _: True),)
