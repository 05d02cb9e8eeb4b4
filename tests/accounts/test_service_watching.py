"""What is watched of sign-ins: guessing is told, a busy morning is not."""

from datetime import timedelta

import pytest

from qe_ban.accounts import service
from qe_ban.accounts.errors import OtpRefused
from qe_ban.accounts.service import Accounts, watching
from tests.factories.accounts import StaffFactory
from tests.factories.alarm_town import MINUTE, AlarmTown


@pytest.fixture
def city(settings):
    made = AlarmTown(settings, "sign_ins")
    yield made
    made.database.dispose()


def sign_in(city, number, *, wrong, right=False):
    """Ask for a one-time password, and try it so often wrongly."""
    phone, accounts, now = f"1380000{number:04d}", city.parts.get(Accounts), city.now
    with city.database.transaction() as session:
        sent = service.request_otp(accounts, session, phone=phone, now=now)
    tries = [f"{(int(sent.otp) + 1) % 10**6:06d}"] * wrong + [sent.otp] * right
    told = [
        service.sign_in_by_otp(accounts, city.database, phone=phone, challenge=str(sent.challenge), otp=otp, now=now)
        for otp in tries
    ]
    assert [isinstance(one, OtpRefused) for one in told] == [True] * wrong + [False] * right


def fail(city, username, times=1, *, at=None):
    for _ in range(times):
        with city.database.transaction() as session:
            service.begin_sign_in(session, username=username, now=at or city.now)


def test_guessing_at_one_time_passwords(city):
    for number in range(watching.MANY_WRONG):
        sign_in(city, number, wrong=3)
    assert city.watch() == 1
    (alarm,) = city.alarms()
    assert (alarm.kind, alarm.subject, alarm.count) == ("guessing", "one_time_passwords", 50)
    assert alarm.facts == {"passwords": 50, "tries": 150}
    assert city.watch(city.now + MINUTE) == 0
    assert city.watch(city.now + 6 * MINUTE) == 0
    assert [one.count for one in city.alarms()] == [50]


def test_a_busy_morning_with_slips_is_none(city):
    for number in range(60):
        sign_in(city, number, wrong=number % 3, right=True)
    for number in range(60, 100):
        sign_in(city, number, wrong=2 if number % 4 else 3)
    assert city.watch() == 0


def test_a_staff_account_that_is_locked(city):
    staff = StaffFactory()
    made, now = staff.create(city.database, city.parts.rings, city.now), city.now
    fail(city, staff.username, 4, at=now)
    assert city.watch(now) == 0
    fail(city, staff.username.upper(), at=now + MINUTE)
    assert city.watch(now + 2 * MINUTE) == 1
    (alarm,) = city.alarms()
    assert (alarm.kind, alarm.subject, alarm.count) == ("guessing", str(made), 5)
    assert alarm.facts == {"of": "account", "failures": 5}
    assert city.watch(now + 3 * MINUTE) == 0
    city.close(alarm)
    assert city.watch(now + 4 * MINUTE) == 0
    fail(city, staff.username, 5, at=now + 20 * MINUTE)
    assert city.watch(now + 21 * MINUTE) == 1


def test_one_password_tried_at_many_accounts(city):
    staff = [StaffFactory() for _ in range(watching.MANY_STAFF)]
    for one in staff:
        one.create(city.database, city.parts.rings, city.now)
    for one in staff[:-1]:
        fail(city, one.username)
    fail(city, "nobody-of-this-name", 2)
    assert city.watch() == 0
    fail(city, staff[-1].username)
    assert city.watch() == 1
    (alarm,) = city.alarms()
    assert (alarm.subject, alarm.count) == ("staff_passwords", watching.MANY_STAFF)
    assert alarm.facts == {"of": "all", "accounts": watching.MANY_STAFF, "failures": watching.MANY_STAFF}


def test_who_comes_in_after_slips_leaves_none(city):
    staff = StaffFactory()
    staff.create(city.database, city.parts.rings, city.now)
    now = city.now
    fail(city, staff.username, 3, at=now)
    with city.database.transaction() as session:
        attempt = service.begin_sign_in(session, username=staff.username, now=now)
        service.finish_sign_in(
            city.parts.get(Accounts), session, attempt=attempt, password_fits=True, totp=staff.code(now), now=now
        )
    assert city.watch(now + timedelta(seconds=1)) == 0
