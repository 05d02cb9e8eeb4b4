"""How two contents of a page differ, told so that people can read it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from qe_ban.kernel import field_types
from qe_ban.kernel.clock import CITY_TIME
from qe_ban.kernel.field_types import Field, moment_of
from qe_ban.kernel.shapes import Table, rows_by_key
from qe_ban.publishing.rules import page
from qe_ban.publishing.rules.blocks import TYPES
from qe_ban.publishing.rules.content import canonical

_NO_TYPE: Final = "未知类型"
_DIGEST_SHOWN: Final = 12

Row = Mapping[str, Any]
Texts = tuple[str | None, str | None]
_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: its place (`blocks.<id>.<field>`), what that is called, and the texts before and after.

    None where there was or is nothing. An added or removed block or row is told whole, a changed row by its changed
    fields.
    """

    place: str
    heading: str
    before: str | None
    after: str | None


def changes(before: Row, after: Row) -> list[Change]:
    """Return how two contents differ, in the order of the page; nothing exactly when their digests are the same."""
    old, new = canonical(before), canonical(after)
    return [*_fields(page.PAGE, old, new, "", ""), *_blocks(_by_id(old["blocks"]), _by_id(new["blocks"]))]


def _by_id(blocks: Sequence[Row]) -> dict[str, Row]:
    return {block["id"]: block for block in blocks}


def _blocks(old: Mapping[str, Row], new: Mapping[str, Row]) -> Iterator[Change]:
    for name in _either(old, new):
        was, now = old.get(name), new.get(name)
        if was != now:
            yield from _block(f"blocks.{name}", was, now)
    before, after = _common(old, new), _common(new, old)
    if before != after:
        orders = ("、".join(_title(blocks[name]) for name in names) for names, blocks in ((before, old), (after, new)))
        yield Change("blocks", "区块的顺序", *orders)


def _either(old: Mapping[_Key, Row], new: Mapping[_Key, Row]) -> list[_Key]:
    """Return the keys of both: those of the new in its order, then what only the old has."""
    return [*new, *(key for key in old if key not in new)]


def _common(some: Mapping[_Key, Row], others: Mapping[_Key, Row]) -> list[_Key]:
    """Return the keys that the others have, too, in the order of the first."""
    return [key for key in some if key in others]


def _block(place: str, was: Row | None, now: Row | None) -> Iterator[Change]:
    if was is None or now is None:
        heading = f"新增区块{_title(now)}" if was is None else f"删除区块{_title(was)}"
        yield Change(place, heading, _block_text(was), _block_text(now))
    elif was["type"] != now["type"] or now["type"] not in TYPES:
        yield Change(place, f"更换区块{_title(now)}", _block_text(was), _block_text(now))
    else:
        yield from _block_changes(place, was, now)


def _block_changes(place: str, was: Row, now: Row) -> Iterator[Change]:
    block_type, title = TYPES[now["type"]], f"区块{_title(now)}"
    yield from _fields(page.BLOCK, was, now, f"{place}.", f"{title}：")
    if was.get("aim") != now.get("aim"):
        yield Change(
            f"{place}.aim", f"{title}：显示条件", *(_row_text(page.AIM, block.get("aim")) for block in (was, now))
        )
    yield from _fields(block_type.fields, was, now, f"{place}.", f"{title}：")
    for table in block_type.tables:
        yield from _rows(table, was.get(table.name, []), now.get(table.name, []), f"{place}.{table.name}", title)


def _fields(fields: Iterable[Field], was: Row, now: Row, place: str, heading: str) -> Iterator[Change]:
    for field in fields:
        old, new = was.get(field.name), now.get(field.name)
        if old != new:
            yield Change(place + field.name, heading + field.heading, _value_text(field, old), _value_text(field, new))


def _rows(table: Table, old: Sequence[Row], new: Sequence[Row], place: str, title: str) -> Iterator[Change]:
    was_rows, now_rows = rows_by_key(table, old), rows_by_key(table, new)
    for key in _either(was_rows, now_rows):
        was, now = was_rows.get(key), now_rows.get(key)
        if was == now:
            continue
        fields: Sequence[Field] = table.fields
        if was is not None and now is not None:
            fields = [field for field in fields if was.get(field.name) != now.get(field.name)]
        both = _row_text(fields, was, empty=now is not None), _row_text(fields, now, empty=was is not None)
        yield Change(place, f"{title}：{table.heading}“{key[0]}”", *both)
    orders = _common(was_rows, now_rows), _common(now_rows, was_rows)
    if orders[0] != orders[1]:
        yield Change(place, f"{title}：{table.heading}的顺序", *("、".join(key[0] for key in keys) for keys in orders))


def _title(block: Row | None) -> str:
    if block is None:
        return ""
    block_type = TYPES.get(block["type"])
    type_name = block_type.heading if block_type is not None else _NO_TYPE
    heading = block.get("heading")
    return f"“{heading}”（{type_name}，{block['id']}）" if heading else f"（{type_name}，{block['id']}）"


def _block_text(block: Row | None) -> str | None:
    if block is None:
        return None
    block_type = TYPES.get(block["type"])
    lines = [_row_text((field for field in page.BLOCK if field.name != "id"), block)]
    lines += [f"显示条件：{_row_text(page.AIM, block['aim'])}"] if block.get("aim") else []
    if block_type is not None:
        lines.append(_row_text(block_type.fields, block))
        for table in block_type.tables:
            lines += [
                f"{table.heading} {at}：{_row_text(table.fields, row)}" for at, row in _numbered_rows(block, table)
            ]
    return "\n".join(line for line in lines if line)


def _numbered_rows(block: Row, table: Table) -> Iterator[tuple[int, Row]]:
    return enumerate(block.get(table.name, ()), 1)


def _row_text(fields: Iterable[Field], row: Row | None, *, empty: bool = False) -> str | None:
    """Return a row as text by its headings; where `empty`, also the fields that say nothing."""
    if row is None:
        return None
    parts = [
        f"{field.heading}：{_value_text(field, row.get(field.name)) or '无'}"
        for field in fields
        if empty or field.name in row
    ]
    return "；".join(parts)


def _value_text(field: Field, value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        return "、".join(field.choices.get(word, word) for word in value)
    text = str(value)
    if field.type is field_types.MOMENT:
        return _moment(text)
    if field.type is field_types.MEDIA:
        return f"图片 {text[:_DIGEST_SHOWN]}"
    return field.choices.get(text, text)


def _moment(value: str) -> str:
    moment = moment_of(value)
    try:
        return value if moment is None else moment.astimezone(CITY_TIME).strftime("%Y-%m-%d %H:%M:%S")
    except OverflowError:
        return value
