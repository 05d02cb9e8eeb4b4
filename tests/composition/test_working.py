"""The worker runs the schedules of all slices, and none by a wrong clock."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from qe_ban.composition import Schedule, working
from qe_ban.composition.clocks import CLOCKS_APART, ClockWrong, with_clock_check, with_clock_check_standalone
from tests.composition.test_services import declare, make


def test_two_schedules_of_one_name_are_an_error():
    schedule = Schedule("things.tidy", timedelta(minutes=1), lambda *_: None)
    services = make(declare("a", schedules=lambda _: [schedule]), declare("b", schedules=lambda _: [schedule]))
    with pytest.raises(LookupError, match=r"things\.tidy"):
        working.schedules(services)


@pytest.mark.parametrize("apart", [CLOCKS_APART * 2, -CLOCKS_APART * 2])
def test_nothing_is_run_by_a_clock_that_is_wrong(database, apart):
    runs = []
    with database.transaction() as session:
        now = session.scalar(select(func.clock_timestamp()))
        for run in (with_clock_check(lambda _, at: runs.append(at)), with_clock_check_standalone(runs.append)):
            with pytest.raises(ClockWrong):
                run(session, now + apart)
            assert runs == []
            run(session, now)
            assert runs.pop() == now.astimezone(UTC)
    assert isinstance(now, datetime)
