"""Lays a district's page over the city's: what it replaces, what it hides, and where its own blocks stand."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from qe_ban.kernel.shapes import Fault

Block = Mapping[str, Any]
Content = Mapping[str, Any]

OF_CITY: Final = "city."
"""Before the id of a city's block that came when the district had a block of that id already; no id holds a dot."""
_RELATIONS: Final = ("replaces", "after")


def merge(city: Content, own: Content) -> list[dict[str, Any]]:
    """Return a district's blocks: the city's in their order, unless the district replaces (in its place) or hides them.

    The district's others come first, or each right after the block that it names as `after`, by its id or as what
    stands in that block's place, be it hidden; last what names a block that is gone. No own block is ever lost.
    """
    blocks, citys = list(own.get("blocks") or ()), list(city.get("blocks") or ())
    ids, standing = {block["id"] for block in blocks}, {block["id"] for block in citys}
    hides = set(own.get("hides") or ())
    instead: defaultdict[str, list[Block]] = defaultdict(list)
    behind: defaultdict[str, list[Block]] = defaultdict(list)
    first: list[Block] = []
    last: list[Block] = []
    for block in blocks:
        replaces, after = block.get("replaces"), block.get("after")
        if replaces in standing:
            instead[replaces].append(block)
        elif after:
            (behind[after] if after in ids or after in standing else last).append(block)
        else:
            (last if replaces else first).append(block)
    order = list(_with_followers(first, behind))
    for block in citys:
        name = block["id"]
        order += _with_followers(instead[name], behind)
        if name not in hides and not instead[name]:
            order.append({**block, "id": OF_CITY + name} if name in ids else block)
        if name not in ids:
            order += _with_followers(behind.pop(name, ()), behind)
    order += _with_followers(last, behind)
    # what stands after each other in a circle is refused when it is written
    order += [block for circle in behind.values() for block in circle]
    return [{name: value for name, value in block.items() if name not in _RELATIONS} for block in order]


def _with_followers(blocks: Sequence[Block], behind: dict[str, list[Block]]) -> Iterator[Block]:
    """Return blocks, each with those behind it, and those behind these; what is given is taken out of `behind`."""
    waiting = list(reversed(blocks))
    while waiting:
        block = waiting.pop()
        yield block
        waiting += reversed(behind.pop(block["id"], ()))


def faults(content: Content, city: Content) -> Iterator[Fault]:
    """Find what a district's page says of the city's in force that cannot be, whatever the page holds.

    What names a block that the city does not have only earns a warning: the city may take one away at any time. What
    is wrong with a page by itself, and with the city's own, `publishing.rules.content` finds.
    """
    citys = {block["id"] for block in city.get("blocks") or ()}
    hides = content.get("hides")
    for number, name in enumerate(hides if isinstance(hides, list) else ()):
        if isinstance(name, str) and name not in citys:
            yield Fault(f"hides.{number}", f"市级总厅现在没有区块“{name[:40]}”，此项不起作用", "warning")
    blocks = content.get("blocks")
    rows = [(n, block) for n, block in enumerate(blocks if isinstance(blocks, list) else ()) if isinstance(block, dict)]
    ids = {block["id"] for _, block in rows if isinstance(block.get("id"), str)}
    replacements = {block["replaces"] for _, block in rows if isinstance(block.get("replaces"), str)}
    for number, block in rows:
        yield from _block_faults(f"blocks.{number}", block, citys, ids, replacements)


def _block_faults(place: str, block: Block, citys: set[str], ids: set[str], replacements: set[str]) -> Iterator[Fault]:
    name, replaces, after = (block.get(field) for field in ("id", "replaces", "after"))
    if isinstance(name, str) and name in citys and name not in replacements:
        yield Fault(f"{place}.id", f"市级总厅已有区块“{name[:40]}”：请换一个编号，或填写替换该区块")
    if isinstance(replaces, str) and replaces and replaces not in citys:
        yield Fault(f"{place}.replaces", f"市级总厅现在没有区块“{replaces[:40]}”，此项不起作用", "warning")
    if isinstance(after, str) and after:
        if isinstance(replaces, str) and replaces in citys:
            yield Fault(f"{place}.after", "替换的区块占原区块的位置，此项不起作用", "warning")
        elif after not in citys and after not in ids:
            yield Fault(f"{place}.after", f"没有区块“{after[:40]}”，本区块将排在最后", "warning")
