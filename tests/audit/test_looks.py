"""When a member of staff looks at too much, by the hour, by the own habit and at night; and which notes name people."""

import pytest

from qe_ban.audit.rules import alarms
from qe_ban.audit.rules.alarms import WORDS, AlarmKind, Looks


@pytest.mark.parametrize(
    ("looks", "most_before", "too_many"),
    [
        (59, 0, False),  # nobody is told of so few, whatever the habit
        (60, 0, True),
        (60, 19, True),
        (60, 20, False),  # three times the busiest hour before
        (61, 20, True),
        (239, 79, True),
        (239, 80, False),
        (239, 1000, False),
        (240, 1000, True),  # more than anybody can, whatever the habit
    ],
)
def test_an_hour_is_too_much_beyond_three_times_the_habit_or_beyond_what_anybody_can(looks, most_before, too_many):
    assert alarms.too_many_looks(Looks(looks, 0, most_before, 0)) is too_many


@pytest.mark.parametrize(
    ("at_night", "most_at_night", "too_many"),
    [(4, 0, False), (5, 0, True), (5, 1, True), (5, 2, False), (6, 2, False), (7, 2, True), (59, 20, False)],
)
def test_a_night_is_too_much_from_five_looks_beyond_three_times_the_nights_before(at_night, most_at_night, too_many):
    assert alarms.too_many_looks(Looks(at_night, at_night, 1000, most_at_night)) is too_many


def test_the_habit_of_the_day_excuses_no_night_and_that_of_the_night_no_day():
    assert alarms.too_many_looks(Looks(looks=60, at_night=0, most_before=0, most_at_night=1000))
    assert alarms.too_many_looks(Looks(looks=5, at_night=5, most_before=1000, most_at_night=0))


@pytest.mark.parametrize(
    "text",
    [
        "13800000001",
        "电话13800000001，已核实",
        "身份证11010519491231002X",
        "他\n13800000001",
        "１３８００００００００１",
    ],
)
def test_a_note_with_the_number_of_a_phone_or_a_document_names_somebody(text):
    assert alarms.names_somebody(text) is True


@pytest.mark.parametrize("text", ["", "已核实，属正常", "工单2026113001", "138 0000 0001", "1380000000a1"])
def test_a_note_without_eleven_digits_on_end_names_nobody(text):
    assert alarms.names_somebody(text) is False


@pytest.mark.parametrize("kind", AlarmKind)
def test_every_alarm_says_what_it_means_and_what_to_do(kind):
    words = WORDS[kind]
    assert words.title
    assert words.advice.endswith("。")
    assert not alarms.names_somebody(words.title + words.advice)
