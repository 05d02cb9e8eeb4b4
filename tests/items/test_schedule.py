"""Which version is in force when, and what a draft makes of an item."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qe_ban.items.rules.content import digest
from qe_ban.items.rules.planning import UNSET, Draft, ExistingItem, Outcome, plan
from qe_ban.items.rules.schedule import FURTHEST, Mark, State, faults_of_times, state, timeline
from qe_ban.kernel.ids import new_id
from tests.factories.items import content, department_code

NOW = datetime(2026, 10, 1, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
OLD, NEW = content(department_code()), content(department_code(), phone="12345")


def existing(*versions, ends_at=None):
    """An item with versions of (hours from now, content)."""
    marks = [Mark(number, NOW + HOUR * hours) for number, (hours, _) in enumerate(versions, 1)]
    digests = {number: digest(said) for number, (_, said) in enumerate(versions, 1)}
    return ExistingItem(new_id(), "1" * 12, "d", None, 1, len(versions), ends_at, NOW, timeline(marks), digests)


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=8), st.integers(-6, 6))
def test_in_force_is_the_newest_number_whose_time_has_come(starts, hour):
    marks = [Mark(number, NOW + HOUR * start) for number, start in enumerate(starts, 1)]
    times, moment = timeline(marks), NOW + HOUR * hour
    assert times.starts_at == min(mark.starts_at for mark in marks)
    started = [mark for mark in marks if mark.starts_at <= moment]
    if started:
        assert times.at(moment) == max(started, key=lambda mark: mark.number)
    following = times.next(moment)
    later = [mark for mark in times.marks if mark.starts_at > max(moment, times.starts_at)]
    assert following == (later[0] if later else None)


def test_a_version_that_was_replaced_before_its_time_never_was():
    times = timeline([Mark(1, NOW), Mark(2, NOW + 5 * HOUR), Mark(3, NOW + HOUR)])
    assert [mark.number for mark in times.marks] == [1, 3]
    assert times.before(3) == 1
    assert times.before(1) is None
    assert times.at(NOW + 9 * HOUR).number == 3


def test_states():
    assert state(NOW + HOUR, None, NOW) is State.SCHEDULED
    assert state(NOW, None, NOW) is State.CURRENT
    assert state(NOW - HOUR, NOW + HOUR, NOW) is State.CURRENT
    assert state(NOW - HOUR, NOW, NOW) is State.ENDED


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "wrong"),
    [
        (None, None, set()),
        (NOW - timedelta(seconds=50), None, set()),
        (NOW - timedelta(seconds=70), None, {"starts_at"}),
        (None, NOW, {"ends_at"}),
        (NOW + HOUR, NOW + HOUR, {"ends_at"}),
        (NOW + HOUR, NOW + 2 * HOUR, set()),
        (NOW + FURTHEST + HOUR, None, {"starts_at"}),
        (None, datetime.max.replace(tzinfo=UTC), {"ends_at"}),
    ],
)
def test_times_that_cannot_be(starts_at, ends_at, wrong):
    assert set(faults_of_times(starts_at, ends_at, NOW)) == wrong


def test_a_new_item_starts_now_or_when_it_says():
    made = plan(Draft("1" * 12, OLD), None, NOW)
    assert (made.outcome, made.version, made.ends_at) == (Outcome.CREATED, Mark(1, NOW), None)
    past = plan(Draft("1" * 12, OLD, NOW - HOUR, NOW + HOUR), None, NOW)
    assert (past.version, past.ends_at) == (Mark(1, NOW - HOUR), NOW + HOUR)


def test_the_same_again_is_nothing_and_another_is_a_version():
    assert plan(Draft("1" * 12, OLD), existing((-1, OLD)), NOW).outcome is Outcome.UNCHANGED
    changed = plan(Draft("1" * 12, NEW), existing((-1, OLD)), NOW)
    assert (changed.outcome, changed.version, changed.in_force(NOW)) == (Outcome.CHANGED, Mark(2, NOW), True)


def test_what_is_compared_is_what_the_item_says_at_that_moment():
    scheduled = existing((-1, OLD), (2, NEW))
    assert plan(Draft("1" * 12, OLD), scheduled, NOW).outcome is Outcome.UNCHANGED
    assert plan(Draft("1" * 12, NEW, NOW + 2 * HOUR), scheduled, NOW).outcome is Outcome.UNCHANGED
    sooner = plan(Draft("1" * 12, NEW, NOW + HOUR), scheduled, NOW)
    assert (sooner.version, sooner.in_force(NOW)) == (Mark(3, NOW + HOUR), False)
    assert [mark.number for mark in sooner.times.marks] == [1, 3]
    assert plan(Draft("1" * 12, OLD, NOW + 3 * HOUR), scheduled, NOW).version == Mark(3, NOW + 3 * HOUR)


def test_a_start_in_the_past_changes_no_history():
    assert plan(Draft("1" * 12, NEW, NOW - 5 * HOUR), existing((-1, OLD)), NOW).version == Mark(2, NOW)


def test_a_correction_before_the_start_does_not_start_the_item():
    waiting = existing((2, OLD))
    assert plan(Draft("1" * 12, NEW), waiting, NOW).version == Mark(2, NOW + 2 * HOUR)
    assert plan(Draft("1" * 12, OLD, NOW + HOUR), waiting, NOW).version == Mark(2, NOW + HOUR)
    assert plan(Draft("1" * 12, NEW), waiting, NOW).in_force(NOW), "lists show what it will start with"


def test_ends_stay_are_set_and_taken_away():
    planned, over = existing((-2, OLD), ends_at=NOW + HOUR), existing((-2, OLD), ends_at=NOW - HOUR)
    assert plan(Draft("1" * 12, OLD, None, UNSET), planned, NOW).ends_at == NOW + HOUR
    assert plan(Draft("1" * 12, OLD, None, None), planned, NOW).outcome is Outcome.CHANGED
    reopened = plan(Draft("1" * 12, OLD), over, NOW)
    assert (reopened.outcome, reopened.ends_at, reopened.version) == (Outcome.REOPENED, None, None)
    assert plan(Draft("1" * 12, NEW, None, NOW - HOUR), over, NOW).outcome is Outcome.CHANGED
