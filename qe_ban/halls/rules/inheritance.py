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
    own_blocks, city_blocks = list(own.get("blocks") or ()), list(city.get("blocks") or ())
    arrangement = _Arrangement(own_blocks, {block["id"] for block in city_blocks})
    hides = set(own.get("hides") or ())
    order = list(arrangement.first())
    for block in city_blocks:
        order += arrangement.in_place_of(block, is_hidden=block["id"] in hides)
    order += arrangement.last()
    return [{name: value for name, value in block.items() if name not in _RELATIONS} for block in order]


class _Arrangement:
    """A district's own blocks by where they stand: first, in place of a block, behind one, or last."""

    def __init__(self, blocks: Sequence[Block], city_ids: set[str]) -> None:
        self._ids = {block["id"] for block in blocks}
        self._replacements: defaultdict[str, list[Block]] = defaultdict(list)
        self._behind: defaultdict[str, list[Block]] = defaultdict(list)
        self._first: list[Block] = []
        self._last: list[Block] = []
        for block in blocks:
            self._list_of(block, city_ids).append(block)

    def _list_of(self, block: Block, city_ids: set[str]) -> list[Block]:
        replaces, after = block.get("replaces"), block.get("after")
        if replaces in city_ids:
            return self._replacements[replaces]
        if after:
            return self._behind[after] if after in self._ids | city_ids else self._last
        return self._last if replaces else self._first

    def first(self) -> Iterator[Block]:
        """Yield the blocks before the city's."""
        yield from self._with_followers(self._first)

    def in_place_of(self, block: Block, *, is_hidden: bool) -> Iterator[Block]:
        """Yield what stands in the place of a city's block: what replaces it, or itself, and what stands behind it."""
        name = block["id"]
        yield from self._with_followers(self._replacements[name])
        if not is_hidden and not self._replacements[name]:
            yield {**block, "id": OF_CITY + name} if name in self._ids else block
        if name not in self._ids:
            yield from self._with_followers(self._behind.pop(name, ()))

    def last(self) -> Iterator[Block]:
        """Yield the blocks after the city's, and all that did not come yet."""
        yield from self._with_followers(self._last)
        # what stands after each other in a circle is refused when it is written
        for circle in self._behind.values():
            yield from circle

    def _with_followers(self, blocks: Sequence[Block]) -> Iterator[Block]:
        """Yield blocks, each with those behind it, and those behind these; none comes twice."""
        waiting = list(reversed(blocks))
        while waiting:
            block = waiting.pop()
            yield block
            waiting += reversed(self._behind.pop(block["id"], ()))


def faults(content: Content, city: Content) -> Iterator[Fault]:
    """Find what a district's page says of the city's in force that cannot be, whatever the page holds.

    What names a block that the city does not have only earns a warning: the city may take one away at any time. What
    is wrong with a page by itself, and with the city's own, `publishing.rules.content` finds.
    """
    city_ids = {block["id"] for block in city.get("blocks") or ()}
    yield from _hiding_faults(_entries(content, "hides"), city_ids)
    rows = [(number, row) for number, row in enumerate(_entries(content, "blocks")) if isinstance(row, dict)]
    own_ids = {_text(row, "id") for _, row in rows}
    replaced_ids = {_text(row, "replaces") for _, row in rows}
    for number, row in rows:
        yield from _block_faults(f"blocks.{number}", row, city_ids, own_ids, replaced_ids)


def _hiding_faults(hides: Sequence[object], city_ids: set[str]) -> Iterator[Fault]:
    for number, name in enumerate(hides):
        if isinstance(name, str) and name not in city_ids:
            yield Fault(f"hides.{number}", f"市级总厅现在没有区块“{name[:40]}”，此项不起作用", "warning")


def _block_faults(
    place: str, block: Block, city_ids: set[str], own_ids: set[str], replaced_ids: set[str]
) -> Iterator[Fault]:
    name, replaces, after = (_text(block, field) for field in ("id", "replaces", "after"))
    if name in city_ids and name not in replaced_ids:
        yield Fault(f"{place}.id", f"市级总厅已有区块“{name[:40]}”：请换一个编号，或填写替换该区块")
    if replaces and replaces not in city_ids:
        yield Fault(f"{place}.replaces", f"市级总厅现在没有区块“{replaces[:40]}”，此项不起作用", "warning")
    if after and replaces in city_ids:
        yield Fault(f"{place}.after", "替换的区块占原区块的位置，此项不起作用", "warning")
    elif after and after not in city_ids | own_ids:
        yield Fault(f"{place}.after", f"没有区块“{after[:40]}”，本区块将排在最后", "warning")


def _entries(content: Content, name: str) -> Sequence[object]:
    entries = content.get(name)
    return entries if isinstance(entries, list) else ()


def _text(block: Block, field: str) -> str:
    text = block.get(field)
    return text if isinstance(text, str) else ""
