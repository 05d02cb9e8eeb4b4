"""Time as an argument: a clock is a function that gives an aware UTC datetime."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

Clock = Callable[[], datetime]

CITY_TIME = timezone(timedelta(hours=8), "Asia/Shanghai")
"""The city's local time; China has kept one offset without daylight saving since 1991."""


def system_clock() -> datetime:
    """Return the machine's time in UTC."""
    return datetime.now(UTC)


def rfc3339(moment: datetime) -> str:
    """Format an aware moment as RFC 3339 in UTC, to the second: `2026-10-02T08:00:00Z`."""
    # a third of what strftime costs, and each answer to a scanner has one
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def city_month(moment: datetime) -> str:
    """Return the city's month of an aware moment: `2026-10`."""
    local = moment.astimezone(CITY_TIME)
    return f"{local.year:04}-{local.month:02}"


def start_of_day(moment: datetime) -> datetime:
    """Return when the city's day of an aware moment begins, in UTC."""
    local = moment.astimezone(CITY_TIME)
    return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)


def end_of_day(moment: datetime) -> datetime:
    """Return when the city's day of an aware moment is over, in UTC."""
    return start_of_day(moment) + timedelta(days=1)


def start_of_month(moment: datetime) -> datetime:
    """Return when the city's month of an aware moment begins, in UTC."""
    local = moment.astimezone(CITY_TIME)
    return local.replace(day=1, hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)


def end_of_month(moment: datetime) -> datetime:
    """Return when the city's month of an aware moment is over, in UTC."""
    return start_of_month(start_of_month(moment) + timedelta(days=32))
