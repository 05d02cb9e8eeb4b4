"""What is usual at a scanner and what is far above it: each alarm by what really happens, none by an ordinary day."""

from datetime import timedelta

import pytest

from qe_ban.codes.rules import anomalies as rules
from tests.factories.alarm_town import DAY, MINUTE, SECOND, AlarmTown

GATE = "gate-entry"


@pytest.fixture
def city(settings):
    town = AlarmTown(settings, "habits")
    yield town
    town.database.dispose()


def habit(city, terminal, scans, *, days=4, purpose=GATE):
    """Let a scanner stand there for some days, at this hour of each."""
    for day in range(1, days + 1):
        at = city.now - day * DAY
        city.scan(terminal, at=at - 30 * MINUTE, times=scans, purpose=purpose)
        city.learn(at)


def only(alarms):
    (alarm,) = alarms
    return alarm


class TestVolume:
    def test_far_more_than_ever_is_told_once_and_counted_on(self, city):
        gate, now = city.terminal(GATE), city.now
        habit(city, gate, 20)
        city.scan(gate, at=now - 20 * MINUTE, times=310)
        assert city.watch(now) == 1
        alarm = only(city.alarms())
        assert (alarm.kind, alarm.subject, alarm.count) == ("scanner_volume", str(gate.id), 310)
        assert alarm.facts == {"scans": 310, "usual": 20, "days": 4, "today": 0}
        assert city.watch(now + MINUTE) == 0
        assert only(city.alarms()).count == 310, "windows overlap, facts are counted once"
        city.scan(gate, at=now + MINUTE, times=5)
        city.watch(now + 2 * MINUTE)
        assert only(city.alarms()).count == 315

    def test_a_closed_alarm_comes_again_only_by_new_scans_that_are_enough(self, city):
        gate, now = city.terminal(GATE), city.now
        habit(city, gate, 20)
        city.scan(gate, at=now - 20 * MINUTE, times=310)
        city.watch(now)
        city.close(only(city.alarms()))
        city.scan(gate, at=now + SECOND, times=50)
        assert city.watch(now + MINUTE) == 0
        city.scan(gate, at=now + MINUTE, times=300)
        assert city.watch(now + 10 * MINUTE) == 1
        assert only(city.alarms()).count == 350

    @pytest.mark.parametrize(("usual", "busy"), [(120, 350), (20, 250), (0, 400)], ids=str)
    def test_a_busy_morning_is_none(self, city, usual, busy):
        gate = city.terminal(GATE)
        if usual:
            habit(city, gate, usual)
        city.scan(gate, at=city.now - 30 * MINUTE, times=busy)
        assert city.watch() == 0

    def test_what_is_going_on_becomes_no_habit_on_the_same_day(self, city):
        gate = city.terminal(GATE)
        habit(city, gate, 20)
        city.scan(gate, at=city.now - 20 * MINUTE, times=310)
        city.learn(city.now)
        assert city.watch() == 1

    def test_a_new_scanner_that_keeps_below_the_hours_number_is_told_by_the_days(self, city, monkeypatch):
        monkeypatch.setattr(rules, "DAY_NEW", 60)
        gate, other = city.terminal(GATE), city.terminal(GATE)
        habit(city, other, 60)
        for terminal in (gate, other):
            city.scan(terminal, at=city.now - 20 * MINUTE, times=30)
        for _ in range(2):
            city.learn(city.now)
            verdict = city.watch()
        assert verdict == 1
        alarm = only(city.alarms())
        assert (alarm.subject, alarm.facts["today"]) == (str(gate.id), 60)

    def test_more_than_any_gate_lets_through_is_one_whatever_the_habit(self, city, monkeypatch):
        monkeypatch.setattr(rules, "VOLUME_MOST", 310)
        gate = city.terminal(GATE)
        habit(city, gate, 200)
        city.scan(gate, at=city.now - 20 * MINUTE, times=310)
        assert city.watch() == 1

    def test_an_hour_with_an_alarm_makes_no_habit(self, city):
        gate, now = city.terminal(GATE), city.now
        habit(city, gate, 20)
        city.scan(gate, at=now - 20 * MINUTE, times=310)
        assert city.watch(now) == 1
        city.learn(now)
        city.close(only(city.alarms()))
        city.scan(gate, at=now + DAY - 20 * MINUTE, times=310)
        assert city.watch(now + DAY) == 1
        assert [one.facts["usual"] for one in city.alarms()] == [20]

    def test_habits_are_forgotten_after_two_weeks(self, city):
        gate = city.terminal(GATE)
        habit(city, gate, 20)
        city.learn(city.now + 13 * DAY)
        city.scan(gate, at=city.now - 20 * MINUTE, times=310)
        assert city.watch() == 0, "known for one day only"


class TestPurposes:
    def test_tries_for_purposes_that_are_not_registered(self, city):
        gate, other = city.terminal(GATE), city.terminal(GATE)
        code = city.code(city.resident(records=False).numbers["identity"], "identity")
        verdict = city.scan(gate, code, times=20, every=timedelta(0), purpose="window-acceptance")
        city.scan(other, code, times=19, every=timedelta(0), purpose="window-acceptance")
        assert verdict.reason == "purpose_not_allowed"
        city.watch()
        alarm = only(city.alarms())
        assert (alarm.kind, alarm.subject, alarm.count) == ("scanner_purposes", str(gate.id), 20)

    def test_a_purpose_never_used_takes_over(self, city):
        desk, always = (city.terminal("identity-check", "window-acceptance") for _ in range(2))
        for terminal in (desk, always):
            habit(city, terminal, 30, purpose="identity-check")
        habit(city, always, 30, purpose="window-acceptance")
        for terminal in (desk, always):
            city.scan(terminal, at=city.now - 20 * MINUTE, times=60, purpose="window-acceptance")
            city.scan(terminal, at=city.now - 20 * MINUTE, times=20, purpose="identity-check")
        city.watch()
        alarm = only(city.alarms())
        assert (alarm.kind, alarm.subject, alarm.facts["new"]) == ("scanner_purposes", str(desk.id), 60)

    def test_one_scan_makes_no_habit_of_a_purpose(self, city):
        desk = city.terminal("identity-check", "window-acceptance")
        habit(city, desk, 30, purpose="identity-check")
        habit(city, desk, 1, days=1, purpose="window-acceptance")
        city.scan(desk, at=city.now - 20 * MINUTE, times=60, purpose="window-acceptance")
        assert city.watch() == 1

    def test_in_the_first_days_every_purpose_is_new(self, city):
        desk = city.terminal("identity-check")
        city.scan(desk, at=city.now - 20 * MINUTE, times=60, purpose="identity-check")
        assert city.watch() == 0
