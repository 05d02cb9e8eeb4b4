"""Cuts a dressed page to what one view sees at a moment, and says until when that holds."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from qe_ban.kernel.shapes import MANY, Field, Kind, Table, moment_of, told
from qe_ban.publishing.rules.blocks import TYPES, BlockType, parts
from qe_ban.publishing.rules.blocks.words import LEVELS
from qe_ban.publishing.rules.offices import chosen
from qe_ban.publishing.rules.views import Dressed, View

SHOWN_UNLESS_TOLD: Final = 10
LIFTED: Final = tuple(one.lifted for one in TYPES.values() if one.lifted is not None)
_URGENCY: Final = {level: -number for number, level in enumerate(LEVELS)}

Payload = dict[str, Any]
Rows = list[dict[str, Any]]


@dataclass(slots=True)
class _Moment:
    """The moment at which a page is cut, and the next moments at which it would be cut otherwise."""

    now: datetime
    turns: list[datetime] = field(default_factory=list)

    def stands(self, row: Mapping[str, Any]) -> bool:
        """Tell whether a row's time is now; where it begins or ends later, note when."""
        start, end = moment_of(row.get("starts_at")), moment_of(row.get("ends_at"))
        if end is not None and end <= self.now:
            return False
        if start is not None and start > self.now:
            self.turns.append(start)
            return False
        if end is not None:
            self.turns.append(end)
        return True


def cut(dressed: Dressed, view: View, now: datetime) -> tuple[Payload, datetime | None]:
    """Give the screen of a view at a moment, and the next moment at which it may be another.

    Blocks come with all fields of their type, null or an empty list where nothing is told; a block of which nothing is
    left to show does not come. Rows of notices come beside the blocks, the most urgent first.
    """
    moment = _Moment(now)
    district = dressed.district or view.district
    lifted: dict[str, Rows] = {name: [] for name in LIFTED}
    blocks = []
    for block_type, block in _seen(dressed, view, moment):
        made = _block(block_type, block, district, moment)
        if block_type.lifted is not None:
            lifted[block_type.lifted].extend(made[block_type.lifted])
        elif _shows(block_type, made):
            blocks.append(made)
    for rows in lifted.values():
        rows.sort(key=lambda row: _URGENCY.get(row["level"], 0))
    if dressed.turns_at is not None and dressed.turns_at > now:
        moment.turns.append(dressed.turns_at)
    return {**dressed.body, "blocks": blocks, **lifted}, min(moment.turns, default=None)


def rows(dressed: Dressed, view: View, now: datetime, type_slug: str, table_name: str) -> Rows:
    """Give all rows of one table that a view sees now in blocks of one type, each with its `block`'s id.

    They are as `cut` tells them, but none is left out for the screen's sake. Raises KeyError for no such type or table.
    """
    moment = _Moment(now)
    table = {one.name: one for one in TYPES[type_slug].tables}[table_name]
    district = dressed.district or view.district
    return [
        {"block": block["id"], **row}
        for block_type, block in _seen(dressed, view, moment)
        if block_type.slug == type_slug
        for row in _rows(block_type, table, block, district, moment)
    ]


def article(dressed: Dressed, view: View, now: datetime, block_id: str, key: str) -> dict[str, Any] | None:
    """Give an article that a view sees now whole, by its block's id and its key; None where there is none."""
    moment = _Moment(now)
    for block_type, block in _seen(dressed, view, moment):
        if block["id"] == block_id and block_type.slug == "article":
            for raw, row in zip(
                block["articles"], _rows(block_type, block_type.tables[0], block, None, moment), strict=True
            ):
                if row["key"] == key:
                    return {"block": block_id, **row, "body": raw.get("body")}
    return None


def full(fields: Iterable[Field], row: Mapping[str, Any], district: str | None) -> dict[str, Any]:
    """Give a row with all its fields, the names of its words, and of each item the office for a district."""
    told_row: dict[str, Any] = {}
    for one in fields:
        value = row.get(one.name)
        if one.kind is Kind.ENTRY:
            told_row[one.name] = chosen(value, district) if value else None
        else:
            told_row[one.name] = value if told(value) else ([] if one.kind in MANY else None)
        if one.kind is Kind.CHOICE:
            told_row[f"{one.name}_name"] = one.choices.get(value, value) if value else None
        elif one.kind is Kind.CHOICES:
            told_row[f"{one.name}_names"] = [one.choices.get(word, word) for word in value or ()]
    return told_row


def _seen(dressed: Dressed, view: View, moment: _Moment) -> Iterator[tuple[BlockType, Mapping[str, Any]]]:
    district = dressed.district or view.district
    for block in dressed.blocks:
        block_type = TYPES.get(block["type"])
        if block_type is not None and _aimed_at(block.get("aim") or {}, view, district) and moment.stands(block):
            yield block_type, block


def _aimed_at(aim: Mapping[str, Any], view: View, district: str | None) -> bool:
    return (
        (not told(aim.get("districts")) or district in aim["districts"])
        and aim.get("real_name") in (None, view.real_name)
        and (not told(aim.get("age_mode")) or aim["age_mode"] == view.age_mode)
        and (not told(aim.get("audiences")) or view.audience in aim["audiences"])
    )


def _block(block_type: BlockType, block: Mapping[str, Any], district: str | None, moment: _Moment) -> dict[str, Any]:
    made = {"id": block["id"], "type": block_type.slug, "heading": block.get("heading")}
    made |= full(block_type.fields, block, district)
    first_screen = parts.SHOWN in block_type.fields
    for number, table in enumerate(block_type.tables):
        found = _rows(block_type, table, block, district, moment)
        if first_screen:
            made["total" if number == 0 else f"{table.name}_total"] = len(found)
            found = found[: made[parts.SHOWN.name] or SHOWN_UNLESS_TOLD]
        made[table.name] = found
    return made


def _rows(block_type: BlockType, table: Table, block: Mapping[str, Any], district: str | None, moment: _Moment) -> Rows:
    telling = (block_type.telling or {}).get(table.name)
    found = []
    for row in block.get(table.name) or ():
        if table.name in block_type.timed and not moment.stands(row):
            continue
        made = full(table.fields, row, district)
        if telling is not None:
            made, turns_at = telling(made, moment.now)
            if turns_at is not None:
                moment.turns.append(turns_at)
        found.append(made)
    return found


def _shows(block_type: BlockType, made: Mapping[str, Any]) -> bool:
    """Tell whether a block has anything to show: a row, or a field that says more than how many rows."""
    names = [table.name for table in block_type.tables]
    names += [one.name for one in block_type.fields if one is not parts.SHOWN]
    return any(made[name] for name in names)
