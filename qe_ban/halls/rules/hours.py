"""Opening hours as data, in the city's time: what is wrong with them, whether it is open, and when that changes next.

`{"mon": [["09:00", "12:00"], ["13:30", "17:00"]], ..., "closed": ["2026-10-01"], "open": {"2026-10-11": [[...]]}}`, or
`"always": true` in place of the days of the week. A span belongs to the day on which it starts: one that ends no later
than it starts goes past midnight, also into a day that is `closed`. On a date of `open` its spans stand in place of
those of the day of the week. `24:00` is the end of the day. A place is open from a span's start until just before its
end.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

from qe_ban.halls.rules.words import WEEKDAYS
from qe_ban.kernel.clock import CITY_TIME
from qe_ban.kernel.shapes import Fault

MOST_SPANS: Final = 6
MOST_DATES: Final = 100
FIRST_YEAR, LAST_YEAR = 2000, 2100
SPAN_PATTERN: Final = "(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00"
DATE_PATTERN: Final = "20[0-9]{2}-[0-9]{2}-[0-9]{2}|2100-[0-9]{2}-[0-9]{2}"

_TIME = re.compile(SPAN_PATTERN, re.ASCII)
_DATE = re.compile(DATE_PATTERN, re.ASCII)
_DAY: Final = 24 * 60
_WEEK: Final = 7 * _DAY
_AHEAD: Final = 8
"""So many days after any date the hours of the week have shown all that they do; where there are none, one."""
_NAMES: Final = (*WEEKDAYS, "closed", "open", "always")

Span = tuple[int, int]
"""Minutes from the start of the day to which it belongs; the end may lie in the day after."""


def faults(hours: object, place: str = "hours") -> Iterator[Fault]:
    """Find what is wrong with hours, whatever they are; places begin with `place`."""
    if not isinstance(hours, Mapping):
        yield Fault(place, "须为 JSON 对象")
        return
    for name in hours:
        if name not in _NAMES:
            yield Fault(f"{place}.{str(name)[:64]}", "未知的字段")
    always = hours.get("always", False)
    if type(always) is not bool:
        yield Fault(f"{place}.always", "须为 true 或 false")
    span_faults = [*_week_faults(hours, place), *_date_faults(hours, place)]
    yield from span_faults or _contradictions(hours, place)


def _contradictions(hours: Mapping[str, Any], place: str) -> Iterator[Fault]:
    always, has_week = hours.get("always", False), any(hours.get(day) for day in WEEKDAYS)
    if always and has_week:
        yield Fault(f"{place}.always", "全天开放时不能再填每周时段")
    if not (always or has_week or hours.get("open")):
        yield Fault(place, "请填写开放时间")


def is_open(hours: Mapping[str, Any], now: datetime) -> bool:
    """Return whether a place of these hours (without faults) is open at an aware moment."""
    today, minute = _local(now)
    return any(start <= minute < end for start, end in _spans_of_day(hours, today))


def next_change(hours: Mapping[str, Any], now: datetime) -> datetime | None:
    """Return the next moment after `now` at which a place opens or closes, in the city's time; None for never."""
    state, (today, minute) = is_open(hours, now), _local(now)
    for day in _days(hours, today):
        turn = _next_change(_spans_of_day(hours, day), minute + 1 if day == today else 0, state=state)
        if turn is not None:
            return datetime.combine(day, time.min, CITY_TIME) + timedelta(minutes=turn)
    return None


def _days(hours: Mapping[str, Any], today: date) -> list[date]:
    """Return the days on which something may change: those now to come, and those about each date that is told.

    On all others the hours of the week hold, which were seen before to change nothing.
    """
    exceptions = {date.fromisoformat(text) for text in (*hours.get("closed", ()), *hours.get("open", ()))}
    ahead = _AHEAD if any(hours.get(day) for day in WEEKDAYS) else 1
    begins = {today, *(day for day in exceptions if day > today)}
    return sorted({day + timedelta(days=more) for day in begins for more in range(ahead + 1)})


def _local(now: datetime) -> tuple[date, int]:
    """Return the city's day in which a moment lies, and the minute of that day."""
    local = now.astimezone(CITY_TIME)
    return local.date(), local.hour * 60 + local.minute


def _spans_of_day(hours: Mapping[str, Any], day: date) -> list[Span]:
    """Return in order from when until when of a day a place is open, also by what began the day before."""
    late = [(0, end - _DAY) for _start, end in _spans(hours, day - timedelta(days=1)) if end > _DAY]
    return sorted(late + [(start, min(end, _DAY)) for start, end in _spans(hours, day)])


def _next_change(spans: Sequence[Span], first: int, *, state: bool) -> int | None:
    """Return the first minute of a day, from `first` on, at which a place is no longer open (`state`), or closed.

    None where it is so until midnight.
    """
    if not state:
        return min((max(start, first) for start, end in spans if end > first), default=None)
    for start, end in spans:
        if start <= first < end:
            first = end
    return first if first < _DAY else None


def _spans(hours: Mapping[str, Any], day: date) -> list[Span]:
    exception = hours.get("open", {}).get(day.isoformat())
    if exception is not None:
        return [_span(*pair) for pair in exception]
    if day.isoformat() in hours.get("closed", ()):
        return []
    if hours.get("always"):
        return [(0, _DAY)]
    return [_span(*pair) for pair in hours.get(WEEKDAYS[day.weekday()], ())]


@lru_cache(maxsize=4096)
def _span(start: str, end: str) -> Span:
    begins, ends = _minutes(start), _minutes(end)
    return begins, ends if ends > begins else ends + _DAY


def _minutes(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def _week_faults(hours: Mapping[str, Any], place: str) -> Iterator[Fault]:
    week: list[tuple[int, int, str]] = []
    is_sound = True
    for number, day in enumerate(WEEKDAYS):
        if day not in hours:
            continue
        day_faults = list(_span_faults(hours[day], f"{place}.{day}"))
        if day_faults:
            is_sound = False
            yield from day_faults
        else:
            spans = (_span(*pair) for pair in hours[day])
            week += [(number * _DAY + start, number * _DAY + end, f"{place}.{day}") for start, end in spans]
    if is_sound and week:
        yield from _overlaps(sorted(week))


def _overlaps(week: Sequence[tuple[int, int, str]]) -> Iterator[Fault]:
    """Find spans of a week, in order, that begin before the one before has ended."""
    # after the last span comes the first one of the week after
    start, end, place = week[0]
    for earlier, later in zip(week, [*week[1:], (start + _WEEK, end, place)], strict=True):
        if later[0] < earlier[1]:
            yield Fault(later[2], "时段有重叠")


def _date_faults(hours: Mapping[str, Any], place: str) -> Iterator[Fault]:
    closed_days, open_days = hours.get("closed", []), hours.get("open", {})
    if type(closed_days) is not list:
        yield Fault(f"{place}.closed", "须为列表")
    elif len(closed_days) > MOST_DATES:
        yield Fault(f"{place}.closed", f"最多 {MOST_DATES} 个日期，现有 {len(closed_days)} 个")
    else:
        for number, text in enumerate(closed_days):
            if not _is_date(text):
                yield Fault(f"{place}.closed.{number}", "须为 2026-10-01 形式的日期")
            elif text in closed_days[:number]:
                yield Fault(f"{place}.closed.{number}", "日期重复")
    if not isinstance(open_days, Mapping):
        yield Fault(f"{place}.open", "须为 JSON 对象")
        return
    if len(open_days) > MOST_DATES:
        yield Fault(f"{place}.open", f"最多 {MOST_DATES} 个日期，现有 {len(open_days)} 个")
        return
    for text, spans in open_days.items():
        yield from _open_faults(text, spans, closed_days, f"{place}.open.{str(text)[:64]}")


def _open_faults(text: object, spans: object, closed_days: object, place: str) -> Iterator[Fault]:
    if not _is_date(text):
        yield Fault(place, "须为 2026-10-01 形式的日期")
        return
    if isinstance(closed_days, list) and text in closed_days:
        yield Fault(place, "同一天不能既开放又关闭")
    if spans == []:
        yield Fault(place, "请填写当天的开放时段；不开放的日期请填在 closed")
        return
    wrong = list(_span_faults(spans, place))
    yield from wrong
    if not wrong and isinstance(spans, list):
        minutes = sorted(_span(*pair) for pair in spans)
        if any(later[0] < earlier[1] for earlier, later in pairwise(minutes)):
            yield Fault(place, "时段有重叠")


def _span_faults(spans: object, place: str) -> Iterator[Fault]:
    if type(spans) is not list:
        yield Fault(place, "须为时段的列表")
        return
    if len(spans) > MOST_SPANS:
        yield Fault(place, f"一天最多 {MOST_SPANS} 个时段，现有 {len(spans)} 个")
        return
    for number, pair in enumerate(spans):
        if not _is_pair_of_times(pair) or pair[0] == "24:00":
            yield Fault(f"{place}.{number}", '时段须为 ["09:00", "17:00"] 形式，开始在 00:00 至 23:59，结束最晚 24:00')
        elif pair[0] == pair[1]:
            yield Fault(f"{place}.{number}", '开始与结束相同；全天请写 ["00:00", "24:00"]')


def _is_pair_of_times(pair: object) -> bool:
    if type(pair) is not list or len(pair) != 2:
        return False
    return all(type(text) is str and _TIME.fullmatch(text) for text in pair)


def _is_date(text: object) -> bool:
    if type(text) is not str or not _DATE.fullmatch(text):
        return False
    try:
        return FIRST_YEAR <= date.fromisoformat(text).year <= LAST_YEAR
    except ValueError:
        return False
