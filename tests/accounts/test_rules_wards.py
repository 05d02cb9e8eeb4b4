"""Who may act for whom and until when: days of the city, and what cannot be."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qe_ban.accounts import errors, rules
from qe_ban.accounts.rules import WardBasis
from qe_ban.accounts.rules.recovery import names_a_number
from qe_ban.kernel.clock import CITY_TIME
from qe_ban.kernel.identifiers import IdType

NOW = datetime(2026, 10, 2, 8, 0, tzinfo=UTC)


def test_a_resident_number_tells_the_birth_and_others_do_not():
    assert rules.born(IdType.RESIDENT_ID, "370202201805300069") == date(2018, 5, 30)
    assert rules.born(IdType.FOREIGN_PERMANENT_RESIDENT, "911111199003070011") == date(1990, 3, 7)
    assert rules.born(IdType.FOREIGN_PERMANENT_RESIDENT, "ABC123456789012") is None
    assert rules.born(IdType.PASSPORT, "E12345678") is None


@pytest.mark.parametrize(
    ("birth", "day"),
    [("2008-10-02", "2026-10-02"), ("2008-02-29", "2026-03-01"), ("2000-12-31", "2018-12-31")],
)
def test_one_comes_of_age_at_midnight_in_the_city(birth, day):
    moment = rules.comes_of_age(date.fromisoformat(birth))
    assert moment == datetime.fromisoformat(f"{day}T00:00:00+08:00")
    # the evening before in UTC
    assert moment.astimezone(UTC).hour == 16


@given(st.dates(date(1900, 1, 1), date(2090, 1, 1)))
def test_coming_of_age_agrees_with_completed_years(birth):
    from_then = rules.comes_of_age(birth).astimezone(CITY_TIME).date()
    years = lambda day: day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))  # noqa: E731
    assert years(from_then) == 18
    assert years(from_then - timedelta(days=1)) == 17


def test_a_child_is_one_until_the_last_instant_before_the_birthday():
    number, birthday = "370202200810020000", datetime(2026, 10, 1, 16, 0, tzinfo=UTC)
    assert rules.is_child(IdType.RESIDENT_ID, number, birthday - timedelta(microseconds=1)) is True
    assert rules.is_child(IdType.RESIDENT_ID, number, birthday) is False
    assert rules.is_child(IdType.PASSPORT, "E12345678", NOW) is None


def test_it_ends_at_the_birthday_or_before():
    birthday = rules.comes_of_age(date(2018, 5, 30))
    sooner, later = NOW + timedelta(days=3), birthday + timedelta(days=1)
    assert rules.ends_at(date(2018, 5, 30), None, NOW) == birthday
    assert rules.ends_at(date(2018, 5, 30), sooner, NOW) == sooner
    assert rules.ends_at(date(2018, 5, 30), later, NOW) == birthday
    assert rules.ends_at(date(1950, 5, 30), None, NOW) is None
    assert rules.ends_at(date(1950, 5, 30), sooner, NOW) == sooner
    assert rules.ends_at(None, sooner, NOW) == sooner
    for passed in (NOW, NOW - timedelta(seconds=1)):
        with pytest.raises(errors.WardInvalid):
            rules.ends_at(date(2018, 5, 30), passed, NOW)


@pytest.mark.parametrize(
    ("changed", "fields"),
    [
        ({}, set()),
        ({"basis": WardBasis.COURT, "child": True}, set()),
        ({"basis": WardBasis.CUSTODY, "child": True}, set()),
        ({"basis": WardBasis.CUSTODY, "child": None, "until": NOW + timedelta(days=1)}, set()),
        ({"basis": WardBasis.CUSTODY, "child": None}, {"until"}),
        ({"basis": WardBasis.CUSTODY, "child": None, "until": rules.comes_of_age(NOW.date())}, set()),
        ({"basis": WardBasis.CUSTODY, "child": None, "until": rules.comes_of_age(date(2026, 10, 3))}, {"until"}),
        ({"basis": WardBasis.CUSTODY, "child": None, "until": datetime(9999, 12, 31, tzinfo=UTC)}, {"until"}),
        ({"basis": WardBasis.COURT, "child": None, "until": datetime(2099, 12, 31, tzinfo=UTC)}, set()),
        ({"basis": WardBasis.CUSTODY}, {"basis"}),
        ({"child": True}, {"basis"}),
        ({"oneself": True}, {"id_number"}),
        ({"until": NOW}, {"until"}),
        ({"until": NOW - timedelta(days=1), "oneself": True, "child": True}, {"until", "id_number", "basis"}),
    ],
)
def test_what_cannot_be_is_told_by_its_field(changed, fields):
    said = {"basis": WardBasis.ENTRUSTED, "child": False, "oneself": False, "until": None, "now": NOW} | changed
    if not fields:
        rules.check_ward(**said)
        return
    with pytest.raises(errors.WardInvalid) as refused:
        rules.check_ward(**said)
    assert set(refused.value.fields) == fields


@pytest.mark.parametrize(
    "text", ["（2026）鲁0202民特123号，2026-10-02", "2026-10-02至2027-10-01", "户口簿 12 页，共3份"]
)
def test_a_remark_tells_days_and_a_courts_reference(text):
    rules.check_remark("reason", text)
    assert not names_a_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "13800000001",
        "370202199003070011",
        "见证件37020219900307001X",
        "138 0000 0001",
        "138-0000-0001",
        "１３８００００００００１",
        "138\u20100000\u20130001",
        "护照E12345678",
        "通行证H 1234 5678",
        "370202-1990-03-07-0011",
        "370202 1990-03-07 0011",
        "٠١٢٣٤٥٦٧",
    ],
)
def test_a_remark_holds_no_personal_number(text):
    with pytest.raises(errors.WardInvalid):
        rules.check_remark("reason", text)
    assert names_a_number(text)
