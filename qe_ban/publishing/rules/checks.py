"""Says what is wrong with a page's content: fields and tables by their tables, then what belongs together."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from qe_ban.kernel import field_types, texts
from qe_ban.kernel.field_types import Field, has_value
from qe_ban.kernel.shapes import Fault, row_faults, table_faults, unknown_faults
from qe_ban.publishing.rules import arrangement, links, page, rich
from qe_ban.publishing.rules.blocks import BlockType, parts
from qe_ban.publishing.rules.field_values import rows_with_fields, type_of

_PAGE_NAMES: Final = frozenset(field.name for field in page.PAGE) | {"blocks"}
_BLOCK_NAMES: Final = frozenset(field.name for field in page.BLOCK) | {"aim"}
_AIM_NAMES: Final = frozenset(field.name for field in page.AIM)
_DISTRICT_LENGTH: Final = 6


def shape_faults(content: object, *, district_hall: bool, link_hosts: Collection[str]) -> Iterator[Fault]:
    """Find everything that is wrong with a content but its size, whatever JSON it is."""
    if not isinstance(content, Mapping):
        yield Fault("", "须为 JSON 对象")
        return
    yield from unknown_faults(_PAGE_NAMES, content)
    yield from row_faults(page.PAGE, content)
    blocks = content.get("blocks")
    if blocks is not None and not isinstance(blocks, list):
        yield Fault("blocks", "须为列表")
        return
    blocks = blocks or []
    if len(blocks) > page.MAX_BLOCKS:
        yield Fault("blocks", f"最多 {page.MAX_BLOCKS} 项，现有 {len(blocks)} 项")
        return
    length = sum(_rich_length(block) for block in blocks)
    if length > page.MAX_BYTES:
        # cleaning is what costs time: not of more than a page can hold
        yield Fault("blocks", f"全页带标签的文本合计最多 {page.MAX_BYTES} 个字符，现有 {length} 个")
        return
    for number, block in enumerate(blocks):
        yield from _block(block, f"blocks.{number}.", link_hosts)
    yield from _duplicates(blocks)
    yield from arrangement.faults(content, blocks, district_hall=district_hall)


def _rich_length(block: object) -> int:
    """Return how many characters of text with tags would be cleaned of a block, whatever it is."""
    texts_found = (
        row[field.name]
        for fields, row in rows_with_fields(block)
        for field in fields
        if field.type is field_types.RICH and type(row.get(field.name)) is str and len(row[field.name]) <= field.max
    )
    return sum(len(text) for text in texts_found)


def _block(block: object, prefix: str, link_hosts: Collection[str]) -> Iterator[Fault]:
    if not isinstance(block, Mapping):
        yield Fault(prefix.rstrip("."), "须为 JSON 对象")
        return
    yield from row_faults(page.BLOCK, block, prefix)
    yield from parts.order(page.BLOCK, block, prefix)
    yield from _aim(block.get("aim"), f"{prefix}aim")
    block_type = type_of(block)
    if block_type is None:
        # which names it may have is said by its type
        return
    own = {field.name for field in block_type.fields} | {table.name for table in block_type.tables}
    yield from unknown_faults(_BLOCK_NAMES | own, block, prefix)
    yield from row_faults(block_type.fields, block, prefix)
    yield from _texts(block_type.fields, block, prefix, link_hosts)
    yield from parts.order(block_type.fields, block, prefix)
    for table in block_type.tables:
        yield from table_faults(table, block.get(table.name), prefix)
        for place, row in islice(parts.rows(block, table.name), table.most):
            yield from _texts(table.fields, row, f"{prefix}{place}.", link_hosts)
            yield from parts.order(table.fields, row, f"{prefix}{place}.")
    yield from _empty(block_type, block, prefix)
    if block_type.check is not None:
        for fault in block_type.check(block):
            yield Fault(prefix + fault.place, fault.message, fault.severity)


def _empty(block_type: BlockType, block: Mapping[str, Any], prefix: str) -> Iterator[Fault]:
    if block_type.tables and not any(has_value(block.get(table.name)) for table in block_type.tables):
        yield Fault(prefix + block_type.tables[0].name, "尚未填写任何内容，此区块不会显示", "warning")


def _aim(aim: object, place: str) -> Iterator[Fault]:
    if aim is None:
        return
    if not isinstance(aim, Mapping):
        yield Fault(place, "须为 JSON 对象")
        return
    yield from unknown_faults(_AIM_NAMES, aim, f"{place}.")
    yield from row_faults(page.AIM, aim, f"{place}.")
    districts = aim.get("districts")
    for number, code in enumerate(districts if isinstance(districts, list) else (), 1):
        if type(code) is str and code and not (len(code) == _DISTRICT_LENGTH and code.isascii() and code.isdigit()):
            yield Fault(f"{place}.districts", f"第 {number} 项：须为6位区划代码")


def _texts(
    fields: Sequence[Field], row: Mapping[str, Any], prefix: str, link_hosts: Collection[str]
) -> Iterator[Fault]:
    """Find links that lead where none may, and text with tags of which too much or nothing stays."""
    for field in fields:
        value = row.get(field.name)
        if type(value) is not str or not value or len(value) > field.max:
            continue
        if field.type is field_types.LINK:
            message = links.wrong(value, link_hosts)
            if message is not None:
                yield Fault(prefix + field.name, message)
        elif field.type is field_types.RICH and not texts.FORBIDDEN_IN_LINES.search(value):
            message = _wrong_rich_text(value, field.max, link_hosts)
            if message is not None:
                yield Fault(prefix + field.name, message)


def _wrong_rich_text(value: str, max_length: int, link_hosts: Collection[str]) -> str | None:
    """Return in Chinese why a text with tags cannot be cleaned and kept, or None where it can."""
    changes = rich.meaning_changes(value)
    if changes:
        return f"含有{'、'.join(changes)}，保存时去掉后意思会改变，请改写为普通文字"
    clean_text = rich.clean(value, link_hosts)
    if len(clean_text) > max_length:
        return f"整理后最多 {max_length} 个字符，现有 {len(clean_text)} 个"
    if texts.is_blank(rich.words(clean_text)) and not texts.is_blank(value):
        return "去掉不允许的内容后没有文字"
    return None


def _duplicates(blocks: Sequence[object]) -> Iterator[Fault]:
    first_positions: dict[str, int] = {}
    for number, block in enumerate(blocks):
        name = block.get("id") if isinstance(block, Mapping) else None
        if type(name) is not str or not name:
            continue
        if name in first_positions:
            yield Fault(f"blocks.{number}.id", f"与第 {first_positions[name] + 1} 个区块的编号重复")
        else:
            first_positions[name] = number
