"""Filters a resolved page to what one view sees at a moment, with the time until which that holds."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from qe_ban.kernel import field_types
from qe_ban.kernel.field_types import Field, has_value, moment_of
from qe_ban.kernel.shapes import Table
from qe_ban.publishing.rules.blocks import TYPES, BlockType, parts
from qe_ban.publishing.rules.blocks.words import LEVELS
from qe_ban.publishing.rules.offices import with_office
from qe_ban.publishing.rules.views import ResolvedPage, View

DEFAULT_ROWS: Final = 10
TOP_LEVEL_TABLES: Final = tuple(one.top_level_table for one in TYPES.values() if one.top_level_table is not None)
_URGENCY: Final = {level: -number for number, level in enumerate(LEVELS)}

Payload = dict[str, Any]
Rows = list[dict[str, Any]]


@dataclass(slots=True)
class _Moment:
    """The moment at which a page is filtered, and the next moments at which that would have another outcome."""

    now: datetime
    change_times: list[datetime] = field(default_factory=list)

    def stands(self, row: Mapping[str, Any]) -> bool:
        """Return whether a row's time is now; where it begins or ends later, note when."""
        start, end = moment_of(row.get("starts_at")), moment_of(row.get("ends_at"))
        if end is not None and end <= self.now:
            return False
        if start is not None and start > self.now:
            self.change_times.append(start)
            return False
        if end is not None:
            self.change_times.append(end)
        return True


def filter_for_view(page: ResolvedPage, view: View, now: datetime) -> tuple[Payload, datetime | None]:
    """Return the screen of a view at a moment, and the next moment at which it may be another.

    Blocks come with all fields of their type, null or an empty list where nothing is told; a block of which nothing is
    left to show does not come. Rows of notices come beside the blocks, the most urgent first.
    """
    moment = _Moment(now)
    district = page.district or view.district
    top_level_rows: dict[str, Rows] = {name: [] for name in TOP_LEVEL_TABLES}
    blocks = []
    for block_type, block in _visible_blocks(page, view, moment):
        block_view = _block(block_type, block, district, moment)
        if block_type.top_level_table is not None:
            top_level_rows[block_type.top_level_table].extend(block_view[block_type.top_level_table])
        elif _shows(block_type, block_view):
            blocks.append(block_view)
    for rows in top_level_rows.values():
        rows.sort(key=lambda row: _URGENCY.get(row["level"], 0))
    if page.next_change_at is not None and page.next_change_at > now:
        moment.change_times.append(page.next_change_at)
    return {**page.body, "blocks": blocks, **top_level_rows}, min(moment.change_times, default=None)


def rows(page: ResolvedPage, view: View, now: datetime, type_slug: str, table_name: str) -> Rows:
    """Return all rows of one table that a view sees now in blocks of one type, each with its `block`'s id.

    They are as `filter_for_view` returns them, but none is left out for the screen's sake. Raises KeyError for no such
    type or table.
    """
    moment = _Moment(now)
    table = {one.name: one for one in TYPES[type_slug].tables}[table_name]
    district = page.district or view.district
    return [
        {"block": block["id"], **row}
        for block_type, block in _visible_blocks(page, view, moment)
        if block_type.slug == type_slug
        for row in _rows(block_type, table, block, district, moment)
    ]


def article(page: ResolvedPage, view: View, now: datetime, block_id: str, key: str) -> dict[str, Any] | None:
    """Return an article that a view sees now whole, by its block's id and its key; None where there is none."""
    moment = _Moment(now)
    for block_type, block in _visible_blocks(page, view, moment):
        if block["id"] == block_id and block_type.slug == "article":
            for raw, row in zip(
                block["articles"], _rows(block_type, block_type.tables[0], block, None, moment), strict=True
            ):
                if row["key"] == key:
                    return {"block": block_id, **row, "body": raw.get("body")}
    return None


def full(fields: Iterable[Field], row: Mapping[str, Any], district: str | None) -> dict[str, Any]:
    """Return a row with all its fields, the names of its words, and of each item the office for a district."""
    row_view: dict[str, Any] = {}
    for one in fields:
        value = row.get(one.name)
        row_view[one.name] = _value(one, value, district)
        if one.type is field_types.CHOICE:
            row_view[f"{one.name}_name"] = one.choices.get(value, value) if value else None
        elif one.type is field_types.CHOICES:
            row_view[f"{one.name}_names"] = [one.choices.get(word, word) for word in value or ()]
    return row_view


def _value(one: Field, value: Any, district: str | None) -> Any:
    if one.type is field_types.ENTRY:
        return with_office(value, district) if value else None
    if has_value(value):
        return value
    return [] if one.type.is_list else None


def _visible_blocks(page: ResolvedPage, view: View, moment: _Moment) -> Iterator[tuple[BlockType, Mapping[str, Any]]]:
    district = page.district or view.district
    for block in page.blocks:
        block_type = TYPES.get(block["type"])
        if block_type is not None and _aimed_at(block.get("aim") or {}, view, district) and moment.stands(block):
            yield block_type, block


def _aimed_at(aim: Mapping[str, Any], view: View, district: str | None) -> bool:
    return (
        (not has_value(aim.get("districts")) or district in aim["districts"])
        and aim.get("real_name") in (None, view.real_name)
        and (not has_value(aim.get("age_mode")) or aim["age_mode"] == view.age_mode)
        and (not has_value(aim.get("audiences")) or view.audience in aim["audiences"])
    )


def _block(block_type: BlockType, block: Mapping[str, Any], district: str | None, moment: _Moment) -> dict[str, Any]:
    block_view = {"id": block["id"], "type": block_type.slug, "heading": block.get("heading")}
    block_view |= full(block_type.fields, block, district)
    first_screen = parts.SHOWN_FIELD in block_type.fields
    for number, table in enumerate(block_type.tables):
        table_rows = _rows(block_type, table, block, district, moment)
        if first_screen:
            block_view["total" if number == 0 else f"{table.name}_total"] = len(table_rows)
            table_rows = table_rows[: block_view[parts.SHOWN_FIELD.name] or DEFAULT_ROWS]
        block_view[table.name] = table_rows
    return block_view


def _rows(block_type: BlockType, table: Table, block: Mapping[str, Any], district: str | None, moment: _Moment) -> Rows:
    telling = (block_type.render_row or {}).get(table.name)
    result = []
    for row in block.get(table.name) or ():
        if table.name in block_type.timed_tables and not moment.stands(row):
            continue
        row_view = full(table.fields, row, district)
        if telling is not None:
            row_view, next_change_at = telling(row_view, moment.now)
            if next_change_at is not None:
                moment.change_times.append(next_change_at)
        result.append(row_view)
    return result


def _shows(block_type: BlockType, block_view: Mapping[str, Any]) -> bool:
    """Return whether a block has anything to show: a row, or a field that says more than how many rows."""
    names = [table.name for table in block_type.tables]
    names += [one.name for one in block_type.fields if one is not parts.SHOWN_FIELD]
    return any(block_view[name] for name in names)
