"""What the worker does for accounts that end: wards whose guardians asked, records that nobody holds, second counts."""

from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.orm import Session

from qe_ban.accounts import service as accounts
from qe_ban.app.assembly import Parts
from qe_ban.app.records import Step
from qe_ban.jobs import service as jobs


def schedules(made: Parts, require_right_clock: Step) -> list[jobs.Schedule]:
    """Return the schedules. Each account ends in a transaction of its own, so that one holds up no other."""

    def close_wards(session: Session, now: datetime) -> None:
        require_right_clock(session, now)
        accounts.close_due_wards(made.accounts, made.database, made.clock)

    # each hour: it looks at every account without a phone, which in a city are its children
    def close_unheld(session: Session, now: datetime) -> None:
        require_right_clock(session, now)
        accounts.close_unheld(made.accounts, made.database, made.clock)

    return [
        jobs.Schedule("accounts.wards_leave", timedelta(minutes=5), close_wards, commits=True),
        jobs.Schedule("accounts.unheld", timedelta(hours=1), close_unheld, commits=True),
        jobs.Schedule("accounts.closings", timedelta(minutes=1), partial(accounts.check_closings, made.accounts)),
    ]
