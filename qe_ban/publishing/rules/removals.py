"""Notices that most of a page is gone: a page that was emptied by mistake looks like any other."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from qe_ban.kernel.shapes import Fault
from qe_ban.publishing.rules.blocks import TYPES

MIN_ROWS: Final = 4
"""Of a table with fewer rows nobody is told that half of them went."""

Content = Mapping[str, Any]


def warnings(before: Content, after: Content, *, origin: str) -> Iterator[Fault]:
    """Return warnings of more than half of the blocks, or of a block's rows, that a content no longer has.

    `origin` says in Chinese what it is compared with.
    """
    old, new = _by_id(before), _by_id(after)
    missing_blocks = [name for name in old if name not in new]
    if 2 * len(missing_blocks) > len(old):
        message = f"与{origin}相比，{len(old)} 个区块中去掉了 {len(missing_blocks)} 个，请核对"
        yield Fault("blocks", message, "warning", "blocks_removed")
    for number, block in enumerate(after.get("blocks") or ()):
        was = old.get(block["id"])
        if was is not None and was["type"] == block["type"]:
            yield from _of_block(was, block, f"blocks.{number}", origin)


def _of_block(was: Content, block: Content, place: str, origin: str) -> Iterator[Fault]:
    block_type = TYPES.get(block["type"])
    for table in block_type.tables if block_type is not None else ():
        keys = [row.get(table.key) for row in was.get(table.name) or ()]
        new_keys = {row.get(table.key) for row in block.get(table.name) or ()}
        missing_count = sum(key not in new_keys for key in keys)
        if len(keys) >= MIN_ROWS and 2 * missing_count > len(keys):
            message = f"与{origin}相比，{table.heading}的 {len(keys)} 项中去掉了 {missing_count} 项，请核对"
            yield Fault(f"{place}.{table.name}", message, "warning", "rows_removed")


def _by_id(content: Content) -> dict[str, Content]:
    return {block["id"]: block for block in content.get("blocks") or ()}
