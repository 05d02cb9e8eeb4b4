"""Opening hours: what they may be, when a place of them is open, and when that changes."""

import time
from datetime import UTC, datetime, timedelta, timezone
from datetime import time as clock

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from qe_ban.halls.rules import hours
from qe_ban.halls.rules.words import WEEKDAYS
from qe_ban.kernel.clock import CITY_TIME

OFFICE = {day: [["09:00", "12:00"], ["13:30", "17:00"]] for day in WEEKDAYS[:5]}


def at(text, zone=CITY_TIME):
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def places(said):
    return {fault.place for fault in hours.faults(said)}


@pytest.mark.parametrize(
    ("moment", "is_open", "turns_at"),
    [
        ("2026-10-05T08:59:59.999999", False, "2026-10-05T09:00"),
        ("2026-10-05T09:00", True, "2026-10-05T12:00"),
        ("2026-10-05T11:59:59.999999", True, "2026-10-05T12:00"),
        ("2026-10-05T12:00", False, "2026-10-05T13:30"),
        ("2026-10-05T17:00", False, "2026-10-06T09:00"),
        ("2026-10-09T17:00", False, "2026-10-12T09:00"),
        ("2026-10-11T00:00", False, "2026-10-12T09:00"),
    ],
)
def test_an_office_by_the_day_of_the_week(moment, is_open, turns_at):
    assert list(hours.faults(OFFICE)) == []
    assert (hours.is_open(OFFICE, at(moment)), hours.next_change(OFFICE, at(moment))) == (is_open, at(turns_at))


def test_dates_that_are_closed_or_have_spans_of_their_own():
    said = OFFICE | {"closed": ["2026-10-05", "2026-10-06"], "open": {"2026-10-10": [["10:00", "11:00"]]}}
    assert list(hours.faults(said)) == []
    assert not hours.is_open(said, at("2026-10-05T10:00"))
    assert hours.next_change(said, at("2026-10-02T17:00")) == at("2026-10-07T09:00")
    assert hours.next_change(said, at("2026-10-09T18:00")) == at("2026-10-10T10:00")
    assert hours.is_open(said, at("2026-10-10T10:59"))
    shorter = OFFICE | {"open": {"2026-10-05": [["10:00", "11:00"]]}}
    assert not hours.is_open(shorter, at("2026-10-05T09:30")), "the date's own spans stand in place of the day's"


def test_a_span_over_midnight_belongs_to_the_day_on_which_it_starts():
    night = {"fri": [["22:00", "06:00"]], "closed": ["2026-10-10"]}
    assert list(hours.faults(night)) == []
    assert hours.is_open(night, at("2026-10-10T05:59")), "Saturday is closed, but this is Friday's night"
    assert hours.next_change(night, at("2026-10-09T22:00")) == at("2026-10-10T06:00")
    assert not hours.is_open(night, at("2026-10-10T06:00"))
    cancelled = {"fri": [["22:00", "06:00"]], "closed": ["2026-10-09"]}
    assert not hours.is_open(cancelled, at("2026-10-10T01:00"))
    assert hours.next_change(cancelled, at("2026-10-09T21:00")) == at("2026-10-16T22:00")


def test_midnight_itself_and_spans_that_touch_are_no_change():
    to_midnight = {"mon": [["20:00", "24:00"]], "tue": [["00:00", "02:00"], ["02:00", "03:00"]]}
    assert list(hours.faults(to_midnight)) == []
    assert hours.is_open(to_midnight, at("2026-10-06T00:00"))
    assert hours.next_change(to_midnight, at("2026-10-05T20:00")) == at("2026-10-06T03:00")
    assert hours.is_open({"mon": [["20:00", "00:00"]]}, at("2026-10-05T23:59:59"))
    assert not hours.is_open({"mon": [["20:00", "00:00"]]}, at("2026-10-06T00:00"))


def test_always_but_on_some_dates():
    assert hours.is_open({"always": True}, at("2026-10-05T03:00"))
    assert hours.next_change({"always": True}, at("2026-10-05T03:00")) is None
    every_day = {day: [["00:00", "24:00"]] for day in WEEKDAYS}
    assert list(hours.faults(every_day)) == []
    assert hours.next_change(every_day, at("2026-10-05T03:00")) is None
    festival = {"always": True, "closed": ["2099-12-31"]}
    assert hours.next_change(festival, at("2026-10-05T03:00")) == at("2099-12-31T00:00")
    assert hours.next_change(festival, at("2099-12-31T00:00")) == at("2100-01-01T00:00")
    assert hours.next_change(festival, at("2100-01-01T00:00")) is None


def test_open_on_one_date_only():
    fair = {"open": {"2026-10-11": [["09:00", "12:00"]]}}
    assert list(hours.faults(fair)) == []
    assert hours.next_change(fair, at("2026-01-01T00:00")) == at("2026-10-11T09:00")
    assert hours.next_change(fair, at("2026-10-11T12:00")) is None


@pytest.mark.parametrize("zone", [UTC, CITY_TIME, timezone(timedelta(hours=-12)), timezone(timedelta(hours=14))])
def test_it_is_the_city_s_time_whoever_asks(zone):
    moment = at("2026-10-05T09:00").astimezone(zone)
    assert hours.is_open(OFFICE, moment)
    assert not hours.is_open(OFFICE, moment - timedelta(microseconds=1))
    assert hours.next_change(OFFICE, moment) == at("2026-10-05T12:00")


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        (None, {"hours"}),
        ([], {"hours"}),
        ("mon", {"hours"}),
        ({}, {"hours"}),
        ({"mon": []}, {"hours"}),
        ({"closed": ["2026-10-01"]}, {"hours"}),
        ({"always": False}, {"hours"}),
        ({"always": None}, {"hours.always", "hours"}),
        ({"always": 1, "mon": [["09:00", "10:00"]]}, {"hours.always"}),
        ({"always": True, "mon": [["09:00", "10:00"]]}, {"hours.always"}),
        ({"monday": [["09:00", "10:00"]], "always": True}, {"hours.monday"}),
        ({"mon": None}, {"hours.mon"}),
        ({"mon": "09:00-10:00"}, {"hours.mon"}),
        ({"mon": [["09:00"]]}, {"hours.mon.0"}),
        ({"mon": [["09:00", "10:00", "11:00"]]}, {"hours.mon.0"}),
        ({"mon": [[9, 10]]}, {"hours.mon.0"}),
        ({"mon": ["09:00", "10:00"]}, {"hours.mon.0", "hours.mon.1"}),
        ({"mon": [{"start": "09:00"}]}, {"hours.mon.0"}),
        ({"mon": [["9:00", "10:00"]]}, {"hours.mon.0"}),
        ({"mon": [["09:00", "25:00"]]}, {"hours.mon.0"}),
        ({"mon": [["09:60", "10:00"]]}, {"hours.mon.0"}),
        ({"mon": [["０9:00", "10:00"]]}, {"hours.mon.0"}),
        ({"mon": [["09:00\n", "10:00"]]}, {"hours.mon.0"}),
        ({"mon": [["24:00", "01:00"]]}, {"hours.mon.0"}),
        ({"mon": [["09:00", "24:01"]]}, {"hours.mon.0"}),
        ({"mon": [["09:00", "09:00"]]}, {"hours.mon.0"}),
        ({"mon": [["09:00", "12:00"], ["11:59", "13:00"]]}, {"hours.mon"}),
        ({"mon": [["09:00", "12:00"], ["09:00", "12:00"]]}, {"hours.mon"}),
        ({"mon": [["22:00", "06:00"]], "tue": [["05:59", "12:00"]]}, {"hours.tue"}),
        ({"sun": [["22:00", "06:00"]], "mon": [["05:00", "12:00"]]}, {"hours.mon"}),
        ({"mon": [[f"0{n}:00", f"0{n}:30"] for n in range(7)]}, {"hours.mon"}),
        (OFFICE | {"closed": "2026-10-01"}, {"hours.closed"}),
        (OFFICE | {"closed": None}, {"hours.closed"}),
        (OFFICE | {"closed": ["2026-02-29"]}, {"hours.closed.0"}),
        (OFFICE | {"closed": ["2026-10-01T00:00:00Z"]}, {"hours.closed.0"}),
        (OFFICE | {"closed": [20261001]}, {"hours.closed.0"}),
        (OFFICE | {"closed": ["1999-12-31", "2101-01-01"]}, {"hours.closed.0", "hours.closed.1"}),
        (OFFICE | {"closed": ["2026-10-01", "2026-10-01"]}, {"hours.closed.1"}),
        (OFFICE | {"closed": ["2026-10-01"] * 101}, {"hours.closed"}),
        (OFFICE | {"open": []}, {"hours.open"}),
        (OFFICE | {"open": {"2026-10-01": []}}, {"hours.open.2026-10-01"}),
        (OFFICE | {"open": {"soon": [["09:00", "10:00"]]}}, {"hours.open.soon"}),
        (OFFICE | {"open": {"2026-10-01": [["09:00", "10:00"], ["09:30", "11:00"]]}}, {"hours.open.2026-10-01"}),
        (OFFICE | {"open": {"2026-10-01": [["09:00", "x"]]}}, {"hours.open.2026-10-01.0"}),
        (OFFICE | {"open": {"2026-10-01": [["09:00", "10:00"]]}, "closed": ["2026-10-01"]}, {"hours.open.2026-10-01"}),
        (OFFICE | {"open": {f"2{n:03}-01-01": [["09:00", "10:00"]] for n in range(101)}}, {"hours.open"}),
    ],
)
def test_hours_that_cannot_be_are_told_by_place(said, wrong):
    assert places(said) == wrong
    assert all(any("\u4e00" <= char <= "\u9fff" for char in fault.message) for fault in hours.faults(said))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["09:00", "24:00"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*WEEKDAYS, "closed", "open", "always", "2026-10-01", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_whatever_is_said_is_judged_and_what_passes_works(said):
    if not list(hours.faults(said)):
        moment = hours.next_change(said, at("2026-10-05T10:00"))
        assert moment is None or moment > at("2026-10-05T10:00")


def clocks(first, last):
    hour = st.tuples(st.integers(first, last), st.sampled_from([0, 1, 30, 59]))
    return hour.map(lambda pair: f"{pair[0]:02}:{pair[1]:02}")


# of which most are as they may be: in order by day, now and then from an evening to the early morning
BY_DAY = st.lists(clocks(6, 19) | st.just("24:00"), min_size=2, max_size=4, unique=True).map(
    lambda told: [list(pair) for pair in zip(sorted(told)[::2], sorted(told)[1::2], strict=False)]
)
NIGHT = st.tuples(clocks(20, 23), clocks(0, 5)).map(lambda pair: [list(pair)])
WHOLE = st.just([["00:00", "24:00"]])
SPANS = BY_DAY | NIGHT | WHOLE
DATES = st.integers(1, 28).map(lambda day: f"2026-10-{day:02}")
HOURS = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(WEEKDAYS, SPANS | st.just([]))
    | {
        "closed": st.lists(DATES, max_size=4, unique=True),
        "open": st.dictionaries(DATES, SPANS, max_size=3),
    },
) | st.fixed_dictionaries({"always": st.just(True)}, optional={"open": st.dictionaries(DATES, SPANS, max_size=3)})
MOMENTS = st.timedeltas(timedelta(), timedelta(days=41)).map(lambda more: at("2026-09-25T00:00") + more)


@settings(max_examples=150, deadline=None)
@given(HOURS, MOMENTS, st.floats(0, 1))
def test_it_changes_at_the_next_change_and_nowhere_before(said, now, part):
    assume(not list(hours.faults(said)))
    turn = hours.next_change(said, now)
    state = hours.is_open(said, now)
    # minutes are the finest that hours can tell: none before the change may be otherwise
    until = min(turn, now + timedelta(days=12)) if turn else now + timedelta(days=12)
    assert hours.is_open(said, now + (until - now) * part * 0.999999) is state
    for day in range((until - now).days + 1):
        for minute in {told for spans in _all_spans(said) for told in spans}:
            moment = datetime.combine((now.astimezone(CITY_TIME) + timedelta(days=day)).date(), minute, CITY_TIME)
            if now <= moment < until:
                assert hours.is_open(said, moment) is state
    if turn is not None:
        assert turn > now
        assert hours.is_open(said, turn) is not state
        assert hours.is_open(said, turn - timedelta(microseconds=1)) is state


def _all_spans(said):
    spans = [span for day in WEEKDAYS for span in said.get(day, [])]
    spans += [span for day in said.get("open", {}).values() for span in day]
    for pair in [*spans, ["00:00", "00:00"]]:
        yield [clock.fromisoformat(text.replace("24:", "00:")) for text in pair]


FAR_DATES = [f"20{year}-{month:02}-15" for year in range(27, 77) for month in (3, 9)]
WHOLE_DAY = [[f"{hour:02}:00", f"{hour + 4:02}:00"] for hour in range(0, 24, 4)]


@pytest.mark.parametrize(
    "worst",
    [
        {"always": True, "open": {day: [["00:00", "24:00"]] for day in FAR_DATES}},
        dict.fromkeys(WEEKDAYS, WHOLE_DAY) | {"open": dict.fromkeys(FAR_DATES, WHOLE_DAY)},
    ],
    ids=["always", "in spans"],
)
def test_the_worst_hours_are_judged_in_no_time(worst):
    assert list(hours.faults(worst)) == []
    began = time.process_time()
    assert hours.next_change(worst, at("2026-10-05T03:00")) is None
    # a list has a hundred of them
    assert time.process_time() - began < 0.1
