"""What the worker does for levels of health codes."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from qe_ban.app.assembly import Parts
from qe_ban.app.records import Step
from qe_ban.health.service import Upkeep
from qe_ban.jobs import service as jobs


def schedule(made: Parts, require_right_clock: Step) -> jobs.Schedule:
    """Return the schedule: a level that ended, or that a rule changed, is told within seconds."""
    upkeep = Upkeep(made.health)

    def run(session: Session, now: datetime) -> None:
        require_right_clock(session, now)
        upkeep.run(session, now)

    return jobs.Schedule("health.levels", timedelta(seconds=10), run)
