"""Which version is shown when, and when one may be published."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qe_ban.reviewing.rules.versions import VersionPeriod, find_in_force, find_next_change, find_schedule_faults

NOW = datetime(2022, 5, 1, 4, 0, tzinfo=UTC)


def at(hours):
    return NOW + timedelta(hours=hours)


@st.composite
def some_periods(draw):
    periods = []
    for number in range(1, draw(st.integers(0, 5)) + 1):
        start = draw(st.integers(-4, 4))
        end = draw(st.none() | st.integers(start + 1, 6))
        periods.append(VersionPeriod(number, at(start), None if end is None else at(end), draw(st.booleans())))
    return periods


HOURS = st.integers(-6, 8).map(at) | st.floats(-6, 8).map(at)


def test_the_version_that_started_last_is_shown_until_it_ends():
    periods = [VersionPeriod(1, at(-9), None), VersionPeriod(2, at(-1), at(1)), VersionPeriod(3, at(2), None)]
    version = [find_in_force(periods, at(hours)) for hours in (-10, -9, -1, 0.99, 1, 2, 99)]
    assert [period and period.number for period in version] == [None, 1, 2, 2, 1, 3, 3]


def test_of_two_that_start_together_the_later_one_is_shown():
    periods = [VersionPeriod(4, at(-1), None), VersionPeriod(3, at(-1), None)]
    assert find_in_force(periods, NOW).number == 4


def test_an_older_version_that_was_planned_for_later_takes_its_turn():
    periods = [VersionPeriod(1, at(1), None), VersionPeriod(2, at(-1), None)]
    assert find_in_force(periods, at(0)).number == 2
    assert find_in_force(periods, at(1)).number == 1


def test_a_withdrawn_version_is_not_shown_and_the_one_before_is():
    periods = [VersionPeriod(1, at(-9), None), VersionPeriod(2, at(-1), None, withdrawn=True)]
    assert find_in_force(periods, NOW).number == 1
    assert find_in_force([VersionPeriod(1, at(-9), None, withdrawn=True)], NOW) is None


@given(some_periods(), HOURS)
def test_what_is_shown_is_the_best_of_what_stands(periods, now):
    standing = [
        period
        for period in periods
        if not period.withdrawn and period.starts_at <= now and (period.ends_at is None or period.ends_at > now)
    ]
    version = find_in_force(periods, now)
    assert (version is None) == (standing == [])
    assert all((version.starts_at, version.number) >= (period.starts_at, period.number) for period in standing)


@given(some_periods(), HOURS, HOURS)
def test_nothing_changes_before_it_is_said_to_and_something_does_then(periods, now, later):
    turn = find_next_change(periods, now)
    if turn is not None:
        assert turn > now
        assert find_in_force(periods, turn) != find_in_force(periods, now)
    if later >= now and (turn is None or later < turn):
        assert find_in_force(periods, later) == find_in_force(periods, now)


@given(some_periods(), HOURS, st.randoms())
def test_the_order_in_which_versions_are_listed_makes_no_difference(periods, now, random):
    other_order = list(periods)
    random.shuffle(other_order)
    assert find_in_force(other_order, now) == find_in_force(periods, now)
    assert find_next_change(iter(other_order), now) == find_next_change(periods, now)


@pytest.mark.parametrize(
    ("start", "end", "places"),
    [
        (None, None, set()),
        (None, at(1), set()),
        (at(1), at(2), set()),
        (NOW - timedelta(minutes=1), None, set()),
        (NOW - timedelta(seconds=61), None, {"at"}),
        (at(-24), at(1), {"at"}),
        (None, NOW, {"end_at"}),
        (None, at(-1), {"end_at"}),
        (at(1), at(1), {"end_at"}),
        (at(2), at(1), {"end_at"}),
        (NOW - timedelta(seconds=30), NOW - timedelta(seconds=10), {"end_at"}),
        (at(24 * 366 * 100), None, {"at"}),
        (None, at(24 * 366 * 100), {"end_at"}),
        (at(24 * 366 * 100), at(24 * 366 * 101), {"at", "end_at"}),
        (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), {"at", "end_at"}),
    ],
)
def test_times_are_to_come_in_order_and_within_five_years(start, end, places):
    faults = find_schedule_faults(start, end, NOW)
    assert {fault.place for fault in faults} == places
    assert all(fault.message for fault in faults)


def test_the_same_moment_in_another_time_zone_is_the_same_moment():
    city = timezone(timedelta(hours=8))
    assert find_schedule_faults(at(1).astimezone(city), at(2), NOW) == []
    assert [fault.place for fault in find_schedule_faults(at(2), at(2).astimezone(city), NOW)] == ["end_at"]
