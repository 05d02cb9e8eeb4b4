"""How many tries there are of what, and for how long: counted from the first one, or from the last."""

from datetime import timedelta
from uuid import uuid4

import pytest

from qe_ban.accounts.service import attempts

SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
FROM_THE_FIRST = {
    attempts.REAL_NAME: (5, DAY),
    attempts.OTP_MESSAGE: (1, MINUTE),
    attempts.OTP_DAY: (10, DAY),
    attempts.OTP_KNOWN: (1, 90 * DAY),
    attempts.OTP_NETWORK: (10, 10 * MINUTE),
    attempts.OTP_STRANGERS: (20, 10 * MINUTE),
    attempts.WARD: (5, DAY),
    attempts.WARD_WISHES: (20, DAY),
    attempts.WARD_TOLD: (1, 7 * DAY),
    attempts.WARD_DECLINED: (1, 30 * DAY),
}
FROM_THE_LAST = {attempts.STAFF_PASSWORD: (5, 15 * MINUTE), attempts.STEP_UP: (5, 10 * MINUTE)}


@pytest.fixture
def take(database):
    subject = str(uuid4())

    def do(allowance, at):
        with database.transaction() as session:
            return attempts.take(session, allowance, subject, at)

    return do


@pytest.mark.parametrize("allowance", [*FROM_THE_FIRST, *FROM_THE_LAST], ids=lambda allowance: allowance.name)
def test_after_so_many_tries_the_next_is_one_too_many_until_the_time_is_over(take, now, allowance):
    tries, window = (FROM_THE_FIRST | FROM_THE_LAST)[allowance]
    moments = [now + number * SECOND for number in range(tries)]
    begins = moments[-1] if allowance in FROM_THE_LAST else moments[0]
    assert all(take(allowance, at) for at in moments)
    assert not take(allowance, moments[-1])
    assert not take(allowance, begins + window - SECOND / 1000)
    assert take(allowance, begins + window)


def test_no_two_allowances_count_together():
    names = [allowance.name for allowance in (*FROM_THE_FIRST, *FROM_THE_LAST)]
    assert len(set(names)) == len(names) == sum(isinstance(one, attempts.Allowance) for one in vars(attempts).values())
