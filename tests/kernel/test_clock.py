"""Days and months of the city, which begin at 16:00 UTC."""

from datetime import UTC, datetime, timedelta

import pytest

from qe_ban.kernel.clock import CITY_TIME, city_month, end_of_day, end_of_month, start_of_day, start_of_month

MICROSECOND = timedelta(microseconds=1)


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "day", "month"),
    [
        (utc(2026, 12, 31, 16), utc(2026, 12, 31, 16), utc(2026, 12, 31, 16)),
        (utc(2026, 12, 31, 16) - MICROSECOND, utc(2026, 12, 30, 16), utc(2026, 11, 30, 16)),
        (utc(2027, 1, 1, 0, 10), utc(2026, 12, 31, 16), utc(2026, 12, 31, 16)),
        (utc(2028, 2, 29, 15, 59, 59), utc(2028, 2, 28, 16), utc(2028, 1, 31, 16)),
        (utc(2028, 2, 29, 16), utc(2028, 2, 29, 16), utc(2028, 2, 29, 16)),
    ],
)
def test_a_day_and_a_month_begin_at_the_city_s_midnight_in_whichever_zone_it_is_asked(moment, day, month):
    for same in (moment, moment.astimezone(CITY_TIME)):
        assert (start_of_day(same), start_of_month(same)) == (day, month)
        assert city_month(same) == f"{month.astimezone(CITY_TIME):%Y-%m}"
    assert start_of_day(moment).tzinfo is start_of_month(moment).tzinfo is UTC


@pytest.mark.parametrize("month", range(1, 13))
@pytest.mark.parametrize("year", [2027, 2028])
def test_days_and_months_follow_each_other_without_a_gap(year, month):
    last_day = start_of_month(datetime(year + month // 12, month % 12 + 1, 1, tzinfo=CITY_TIME)) - MICROSECOND
    assert last_day.astimezone(CITY_TIME).month == month
    assert end_of_day(last_day) == end_of_month(last_day) == last_day + MICROSECOND
    assert end_of_month(start_of_month(last_day)) == end_of_month(last_day)
