"""Fields that several types of blocks have, and the checks that they share."""

from collections.abc import Iterator, Sequence
from typing import Final

from qe_ban.kernel import field_types
from qe_ban.kernel.field_types import Field, has_value, is_date, moment_of
from qe_ban.kernel.shapes import Fault
from qe_ban.publishing.rules.blocks.block_type import Row

ALT: Final = Field("alt", "图片说明", max=100, hint="读屏软件朗读的文字")
LINK: Final = Field("link", "链接", field_types.LINK, max=500, hint="https 网址，域名须在允许范围内")
SHOWN_FIELD: Final = Field("shown", "首屏显示条数", field_types.WHOLE, max=20, hint="1至20，不填为10")


def day(name: str, heading: str) -> Field:
    """Return a field that holds a date."""
    return Field(name, heading, field_types.DATE, hint="如 2022-05-01")


def bounds(fields: Sequence[Field]) -> tuple[Field | None, Field | None]:
    """Return the fields that say when something starts and ends: of the kinds of times, by their names."""
    times = [field for field in fields if field.type in (field_types.MOMENT, field_types.DATE)]
    start = next((field for field in times if field.name.startswith("start")), None)
    return start, next((field for field in times if field.name.startswith("end")), None)


def rows(block: Row, table: str) -> Iterator[tuple[str, Row]]:
    """Return the rows of a table that are rows, each with its place; whatever the block holds."""
    values = block.get(table)
    for number, row in enumerate(values if isinstance(values, list) else ()):
        if isinstance(row, dict):
            yield f"{table}.{number}", row


def order(fields: Sequence[Field], row: Row, prefix: str) -> Iterator[Fault]:
    """Find an end that is not after its start; of days the end may be the same."""
    start, end = bounds(fields)
    if start is None or end is None or start.type is not end.type:
        return
    first, last = row.get(start.name), row.get(end.name)
    if start.type is field_types.DATE:
        is_wrong = is_date(first) and is_date(last) and str(last) < str(first)
    else:
        begins, ends = moment_of(first), moment_of(last)
        is_wrong = begins is not None and ends is not None and ends <= begins
    if is_wrong:
        yield Fault(prefix + end.name, "结束时间须晚于开始时间")


def check_alternatives(block: Row, table: str, picture: str) -> Iterator[Fault]:
    """Warn of pictures in a table that say nothing to whoever cannot see them."""
    for place, row in rows(block, table):
        if has_value(row.get(picture)) and not has_value(row.get(ALT.name)):
            yield Fault(f"{place}.{ALT.name}", "图片没有说明，读屏软件无法朗读", "warning")


def check_shown(block: Row) -> Iterator[Fault]:
    """Find that the screen is to show no row at all."""
    if type(block.get(SHOWN_FIELD.name)) is int and block[SHOWN_FIELD.name] == 0:
        yield Fault(SHOWN_FIELD.name, "首屏至少显示 1 条")
