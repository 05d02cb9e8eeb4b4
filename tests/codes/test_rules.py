"""Decisions about codes by themselves: what a source's word means, who may scan, short numbers, alarms, disputes."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from qe_ban.codes import rules
from qe_ban.codes.rules import Answer, Reason, State, anomalies, disputes
from qe_ban.kernel.city import Basis, Level, Purpose, Travel

NOW = datetime(2026, 11, 30, 4, tzinfo=UTC)
MARK = b"\x01\x02\x03\x04"
CHECKING = Purpose(
    slug="checking",
    scene="government",
    name="核对",
    kinds=frozenset({"identity"}),
    fields=(),
    basis=Basis.NONE,
    single_use=False,
    offline=False,
    again_after=300,
    together=frozenset(),
    consumes=None,
)


def answer(seconds):
    return Answer(State.ACTIVE, NOW, NOW - timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("seconds", "is_fresh"), [(0, True), (89, True), (89.999, True), (90, False), (-60, True), (-60.001, False)]
)
def test_an_answer_is_of_now_for_ninety_seconds_and_from_a_clock_a_minute_ahead(seconds, is_fresh):
    assert rules.is_fresh(answer(seconds), NOW) is is_fresh


def test_without_a_record_everybody_has_an_identity_and_a_green_level_and_nothing_else():
    identity, health, medical = (rules.default_answer(kind, NOW) for kind in ("identity", "health", "medical"))
    assert identity == Answer(State.ACTIVE, NOW, NOW)
    assert health == Answer(State.ACTIVE, NOW, NOW, detail={"level": "green"})
    assert medical == Answer(State.NOT_ENTITLED, NOW, NOW, reason="not_registered")


@pytest.mark.parametrize(
    ("detail", "has_level"),
    [({"level": level.value}, True) for level in Level]
    + [({"level": "blue"}, False), ({"level": 0}, False), ({}, False)],
)
def test_a_level_is_one_of_three_words(detail, has_level):
    assert rules.has_level(Answer(State.ACTIVE, NOW, NOW, detail=detail)) is has_level


@pytest.mark.parametrize(
    ("purpose", "scanner_purposes", "kind", "meant_for", "reason"),
    [
        (CHECKING, ("checking",), "identity", None, None),
        (CHECKING, ("checking",), "identity", MARK, None),
        (CHECKING, ("checking",), "identity", b"\x00\x00\x00\x01", Reason.WRONG_SCANNER),
        (CHECKING, ("checking",), "medical", None, Reason.KIND_NOT_ACCEPTED),
        (CHECKING, ("checking",), "medical", b"\x00\x00\x00\x01", Reason.KIND_NOT_ACCEPTED),
        (CHECKING, ("other",), "identity", None, Reason.PURPOSE_NOT_ALLOWED),
        (CHECKING, (), "medical", b"\x00\x00\x00\x01", Reason.PURPOSE_NOT_ALLOWED),
        (None, ("checking",), "identity", None, Reason.PURPOSE_NOT_ALLOWED),
    ],
)
def test_purpose_then_kind_then_scanner_decide_who_may_scan(purpose, scanner_purposes, kind, meant_for, reason):
    assert rules.may_scan(purpose, scanner_purposes, kind, meant_for, MARK) is reason


@pytest.mark.parametrize(("digits", "number"), [("0794", "07945"), ("00200667308", "002006673085"), ("", "1")])
def test_check_digits_are_those_of_iso_7064(digits, number):
    assert rules.with_check_digit(digits) == number


def test_every_check_digit_is_one_digit():
    numbers = [rules.with_check_digit(f"{n:09d}") for n in range(100)]
    assert {len(number) for number in numbers} == {10}
    assert {number[-1] for number in numbers} == set("0123456789")


def test_a_short_number_is_ten_digits_with_the_right_last_one():
    number = rules.with_check_digit("314159265")
    assert rules.is_short_number(number)
    wrong = [f"{number[:9]}{digit}" for digit in "0123456789" if digit != number[9]]
    assert not any(
        map(rules.is_short_number, [*wrong, number[:9], f"{number}0", f"{number}\n", rules.with_check_digit("1")])
    )


def volume(scans=0, usual=0, days=anomalies.KNOWN_DAYS, today=0):
    return anomalies.Volume(scans, usual, days, today)


@pytest.mark.parametrize(
    ("numbers", "is_too_much"),
    [
        (volume(299, 1), False),
        (volume(300, 100), False),
        (volume(300, 99), True),
        (volume(301, 100), True),
        (volume(3999, 2000), False),
        (volume(4000, 2000), True),
        (volume(today=23_999), False),
        (volume(today=24_000), True),
        (volume(1999, 1, days=2), False),
        (volume(2000, 1, days=2), True),
        (volume(today=5999, days=2), False),
        (volume(today=6000, days=2), True),
    ],
)
def test_a_scanner_scans_too_much_by_its_habit_and_by_what_a_gate_lets_through(numbers, is_too_much):
    assert anomalies.is_too_much(numbers) is is_too_much


@pytest.mark.parametrize(
    ("scans", "refused", "new", "are_strange"),
    [
        (100, 19, 0, False),
        (100, 20, 0, True),
        (98, 0, 49, False),
        (99, 0, 50, True),
        (100, 0, 50, False),
        (100, 0, 51, True),
    ],
)
def test_purposes_are_strange_where_a_new_one_takes_over(scans, refused, new, are_strange):
    assert anomalies.are_strange(anomalies.Purposes(scans, refused, new)) is are_strange


HERE, THERE = UUID(int=1), UUID(int=2)


def track(*steps):
    """Return the changes of venue of acceptances: seconds, district, venue."""
    acceptances = [anomalies.Acceptance(NOW + timedelta(seconds=at), district, venue) for at, district, venue in steps]
    return anomalies.leaps(acceptances)


def test_only_a_change_of_venue_is_a_change():
    assert track((0, "a", HERE), (1, "a", HERE)) == []
    assert len(track((0, "a", HERE), (1, "a", THERE), (2, "a", THERE), (3, "a", HERE))) == 2


@pytest.mark.parametrize(
    ("steps", "is_implausible"),
    [
        ([(0, "a", HERE), (45, "a", THERE)], True),
        ([(0, "a", HERE), (46, "a", THERE)], False),
        ([(0, "a", HERE), (90, "b", THERE)], True),
        ([(0, "a", HERE), (91, "b", THERE)], False),
        ([(0, "a", HERE), (200, "b", THERE), (400, "a", HERE)], True),
        ([(0, "a", HERE), (100, "a", THERE), (200, "a", HERE), (300, "a", THERE)], False),
        ([(0, "a", HERE), (100, "a", THERE), (200, "a", HERE), (300, "a", THERE), (400, "a", HERE)], True),
    ],
)
def test_haste_tells_that_nobody_can_have_moved_so(steps, is_implausible):
    assert anomalies.is_implausible(track(*steps), Travel()) is is_implausible


@pytest.mark.parametrize(
    ("dispute", "appeal", "state"),
    [
        ("open", None, "open"),
        ("upheld", None, "upheld"),
        ("dismissed", None, "dismissed"),
        ("dismissed", "open", "appealed"),
        ("dismissed", "upheld", "appeal_upheld"),
        ("dismissed", "dismissed", "appeal_dismissed"),
    ],
)
def test_a_state_stands_for_an_answer_and_an_appeal_and_back(dispute, appeal, state):
    member = disputes.DisputeState(state)
    assert disputes.state_of(dispute, appeal) is member
    assert disputes.columns_of(member) == (dispute, appeal)


@pytest.mark.parametrize("state", disputes.DisputeState)
@pytest.mark.parametrize(("seconds", "is_past"), [(-1, True), (0, True), (1, False)])
def test_what_waits_for_an_answer_is_overdue_from_its_moment_on(state, seconds, is_past):
    waits = state in {disputes.DisputeState.OPEN, disputes.DisputeState.APPEALED}
    assert disputes.is_overdue(state, NOW + timedelta(seconds=seconds), NOW) is (waits and is_past)


@pytest.mark.parametrize("state", disputes.DisputeState)
def test_a_dismissal_alone_can_be_appealed_for_thirty_days(state):
    until = NOW + timedelta(days=30) if state is disputes.DisputeState.DISMISSED else None
    assert disputes.appeal_until(state, NOW) == until
    assert disputes.appeal_until(state, None) is None
