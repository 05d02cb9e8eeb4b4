"""Finds dates of a page that are hardly meant: mostly a wrong year. Which fields hold dates, their kinds say."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any, Final

from qe_ban.kernel import field_types
from qe_ban.kernel.clock import CITY_TIME
from qe_ban.kernel.field_types import Field, moment_of
from qe_ban.kernel.shapes import Fault
from qe_ban.publishing.rules import page
from qe_ban.publishing.rules.blocks import TYPES, parts

MAX_WARNINGS: Final = 200
EARLIEST_YEAR: Final = 2000
SOON: Final = timedelta(days=31)
"""A day of issue or publication may lie so far ahead: the page is written before it."""
FAR: Final = timedelta(days=2 * 365)
VERY_FAR: Final = timedelta(days=10 * 365)
"""So far ahead may an end lie: a policy holds for years."""
LONG: Final = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class _Row:
    """A row with the fields that it may have; `hides`: it is not shown before its start and after its end."""

    place: str
    fields: Sequence[Field]
    values: Mapping[str, Any]
    hides: bool


def warnings(content: Mapping[str, Any], now: datetime) -> list[Fault]:
    """Return warnings of every date of a content that is over, far ahead, very old, or spans a year.

    The content must be without errors; `now` is the moment at which it is to be shown.
    """
    return list(islice((fault for row in _rows(content) for fault in _of_row(row, now)), MAX_WARNINGS))


def _rows(content: Mapping[str, Any]) -> Iterator[_Row]:
    yield _Row("", page.PAGE, content, hides=True)
    for number, block in enumerate(content.get("blocks") or ()):
        place = f"blocks.{number}."
        yield _Row(place, page.BLOCK, block, hides=True)
        block_type = TYPES.get(block["type"])
        if block_type is None:
            continue
        yield _Row(place, block_type.fields, block, hides=False)
        for table in block_type.tables:
            for at, row in enumerate(block.get(table.name) or ()):
                yield _Row(f"{place}{table.name}.{at}.", table.fields, row, hides=table.name in block_type.timed_tables)


def _of_row(row: _Row, now: datetime) -> Iterator[Fault]:
    start, end = parts.bounds(row.fields)
    for field in row.fields:
        moment = _moment(field, row.values.get(field.name))
        if moment is None:
            continue
        if field == end:
            code, message = _of_end(moment, now, hides=row.hides)
        elif field == start or field.type is field_types.MOMENT:
            code, message = _of_start(moment, now, hides=row.hides)
        else:
            code, message = _of_day(moment, now)
        if message:
            yield Fault(row.place + field.name, f"{field.heading}{message}", "warning", code)
    if start is not None and end is not None:
        yield from _of_span(row, start, end)


def _of_span(row: _Row, start: Field, end: Field) -> Iterator[Fault]:
    begins, ends = (_moment(field, row.values.get(field.name)) for field in (start, end))
    if begins is not None and ends is not None and ends - begins >= LONG:
        yield Fault(row.place + end.name, "起止时间相隔一年以上，请核对年份", "warning", "date_span_long")


def _of_end(moment: datetime, now: datetime, *, hides: bool) -> tuple[str, str]:
    if moment <= now:
        return "date_over", "已过期，不会显示" if hides else "已经过去，请核对年份"
    return ("date_far", "在十年以后，请核对年份") if moment - now > VERY_FAR else ("", "")


def _of_start(moment: datetime, now: datetime, *, hides: bool) -> tuple[str, str]:
    if moment.year < EARLIEST_YEAR:
        return "date_early", f"早于 {EARLIEST_YEAR} 年，请核对年份"
    if moment - now > FAR:
        return "date_far", "在两年以后，两年以后才显示，请核对年份" if hides else "在两年以后，请核对年份"
    return "", ""


def _of_day(moment: datetime, now: datetime) -> tuple[str, str]:
    if moment.year < EARLIEST_YEAR:
        return "date_early", f"早于 {EARLIEST_YEAR} 年，请核对年份"
    return ("date_ahead", "在一个月以后，请核对年份") if moment - now > SOON else ("", "")


def _moment(field: Field, value: Any) -> datetime | None:
    """Return the moment that a field tells, of a date its beginning in the city's time; None for other fields."""
    if field.type is field_types.MOMENT:
        return moment_of(value)
    if field.type is not field_types.DATE or type(value) is not str:
        return None
    try:
        return datetime.combine(date.fromisoformat(value), time.min, CITY_TIME)
    except ValueError:
        return None
