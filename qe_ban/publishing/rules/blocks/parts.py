"""Fields that several types of blocks have, and the checks that they share."""

from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from qe_ban.kernel.shapes import Fault, Field, Kind, moment_of, told
from qe_ban.publishing.rules.blocks.block_type import Row

DATE_LENGTH: Final = 10
ALT: Final = Field("alt", "图片说明", max=100, hint="读屏软件朗读的文字")
LINK: Final = Field("link", "链接", Kind.LINK, max=500, hint="https 网址，域名须在允许范围内")
SHOWN: Final = Field("shown", "首屏显示条数", Kind.WHOLE, max=20, hint="1至20，不填为10")


def day(name: str, heading: str) -> Field:
    """Give a field that holds a date; `dates` checks that it is one."""
    return Field(name, heading, max=DATE_LENGTH, hint="如 2022-05-01")


def rows(block: Row, table: str) -> Iterator[tuple[str, Row]]:
    """Give the rows of a table that are rows, each with its place; whatever the block holds."""
    found = block.get(table)
    for number, row in enumerate(found if isinstance(found, list) else ()):
        if isinstance(row, dict):
            yield f"{table}.{number}", row


def dates(block: Row, table: str, *names: str) -> Iterator[Fault]:
    """Find the dates of a table's rows that are none."""
    for place, row in rows(block, table):
        for name in names:
            if told(row.get(name)) and not _is_date(row[name]):
                yield Fault(f"{place}.{name}", "须为日期，如 2022-05-01")


def order(place: str, row: Row) -> Iterator[Fault]:
    """Find an end that is not after its start; `place` is the row's, with a point behind, or nothing."""
    start, end = moment_of(row.get("starts_at")), moment_of(row.get("ends_at"))
    if start is not None and end is not None and end <= start:
        yield Fault(f"{place}ends_at", "结束时间须晚于开始时间")


def orders(block: Row, table: str) -> Iterator[Fault]:
    """Find the rows of a table that end before they start."""
    for place, row in rows(block, table):
        yield from order(f"{place}.", row)


def described(block: Row, table: str, picture: str) -> Iterator[Fault]:
    """Warn of pictures in a table that say nothing to whoever cannot see them."""
    for place, row in rows(block, table):
        if told(row.get(picture)) and not told(row.get(ALT.name)):
            yield Fault(f"{place}.{ALT.name}", "图片没有说明，读屏软件无法朗读", "warning")


def shown(block: Row) -> Iterator[Fault]:
    """Find that the screen is to show no row at all."""
    if type(block.get(SHOWN.name)) is int and block[SHOWN.name] == 0:
        yield Fault(SHOWN.name, "首屏至少显示 1 条")


def _is_date(value: Any) -> bool:
    try:
        return type(value) is str and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False
