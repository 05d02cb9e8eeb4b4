"""Which version is shown when, and when one may be published."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qe_ban.publishing.rules.versions import Mark, faults_of_times, in_force, turns_at

NOW = datetime(2022, 5, 1, 4, 0, tzinfo=UTC)


def at(hours):
    return NOW + timedelta(hours=hours)


@st.composite
def some_marks(draw):
    marks = []
    for number in range(1, draw(st.integers(0, 5)) + 1):
        start = draw(st.integers(-4, 4))
        end = draw(st.none() | st.integers(start + 1, 6))
        marks.append(Mark(number, at(start), None if end is None else at(end), draw(st.booleans())))
    return marks


HOURS = st.integers(-6, 8).map(at) | st.floats(-6, 8).map(at)


def test_the_version_that_started_last_is_shown_until_it_ends():
    marks = [Mark(1, at(-9), None), Mark(2, at(-1), at(1)), Mark(3, at(2), None)]
    shown = [in_force(marks, at(hours)) for hours in (-10, -9, -1, 0.99, 1, 2, 99)]
    assert [mark and mark.number for mark in shown] == [None, 1, 2, 2, 1, 3, 3]


def test_of_two_that_start_together_the_later_one_is_shown():
    marks = [Mark(4, at(-1), None), Mark(3, at(-1), None)]
    assert in_force(marks, NOW).number == 4


def test_an_older_version_that_was_planned_for_later_takes_its_turn():
    marks = [Mark(1, at(1), None), Mark(2, at(-1), None)]
    assert in_force(marks, at(0)).number == 2
    assert in_force(marks, at(1)).number == 1


def test_a_withdrawn_version_is_not_shown_and_the_one_before_is():
    marks = [Mark(1, at(-9), None), Mark(2, at(-1), None, withdrawn=True)]
    assert in_force(marks, NOW).number == 1
    assert in_force([Mark(1, at(-9), None, withdrawn=True)], NOW) is None


@given(some_marks(), HOURS)
def test_what_is_shown_is_the_best_of_what_stands(marks, now):
    standing = [
        mark
        for mark in marks
        if not mark.withdrawn and mark.starts_at <= now and (mark.ends_at is None or mark.ends_at > now)
    ]
    shown = in_force(marks, now)
    assert (shown is None) == (standing == [])
    assert all((shown.starts_at, shown.number) >= (mark.starts_at, mark.number) for mark in standing)


@given(some_marks(), HOURS, HOURS)
def test_nothing_changes_before_it_is_said_to_and_something_does_then(marks, now, later):
    turn = turns_at(marks, now)
    if turn is not None:
        assert turn > now
        assert in_force(marks, turn) != in_force(marks, now)
    if later >= now and (turn is None or later < turn):
        assert in_force(marks, later) == in_force(marks, now)


@given(some_marks(), HOURS, st.randoms())
def test_the_order_in_which_versions_are_listed_makes_no_difference(marks, now, random):
    mixed = list(marks)
    random.shuffle(mixed)
    assert in_force(mixed, now) == in_force(marks, now)
    assert turns_at(iter(mixed), now) == turns_at(marks, now)


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
    found = faults_of_times(start, end, NOW)
    assert {fault.place for fault in found} == places
    assert all(fault.message for fault in found)


def test_the_same_moment_in_another_time_zone_is_the_same_moment():
    city = timezone(timedelta(hours=8))
    assert faults_of_times(at(1).astimezone(city), at(2), NOW) == []
    assert [fault.place for fault in faults_of_times(at(2), at(2).astimezone(city), NOW)] == ["end_at"]
