"""What destroys by the clock first compares this machine's with the database's."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from qe_ban.kernel.errors import Unavailable

CLOCKS_APART: Final = timedelta(minutes=1)


class ClockWrong(Unavailable):
    """This machine's clock and the database's are a minute apart: what is destroyed by it would be gone for good."""

    code = "clock_wrong"
    detail = "本机时钟与数据库相差过大"


def require_right_clock(session: Session, now: datetime) -> None:
    """Compare our moment with the database's. Raises ClockWrong."""
    if abs(session.execute(select(func.clock_timestamp())).scalar_one() - now) > CLOCKS_APART:
        raise ClockWrong


def with_clock_check(run: Callable[[Session, datetime], object]) -> Callable[[Session, datetime], None]:
    """Return what runs only where the clocks agree, in the schedule's transaction; it raises ClockWrong else."""

    def run_checked(session: Session, now: datetime) -> None:
        require_right_clock(session, now)
        run(session, now)

    return run_checked


def with_clock_check_standalone(run: Callable[[datetime], object]) -> Callable[[Session, datetime], None]:
    """Return the same for what opens transactions of its own."""
    return with_clock_check(lambda _session, now: run(now))
