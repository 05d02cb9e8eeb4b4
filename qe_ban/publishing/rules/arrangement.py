"""How a district's page is laid over the city's: which blocks it replaces and hides, and after which its own stand."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from qe_ban.kernel.field_types import has_value
from qe_ban.kernel.shapes import Fault

_ONLY_DISTRICTS: Final = "只有区市分厅的页面可以填写此项"
_MAX_NAMES_OF_CIRCLE: Final = 6


def faults(content: Mapping[str, Any], blocks: Sequence[object], *, district_hall: bool) -> Iterator[Fault]:
    """Find what is wrong with a page's relation to the city's page, whatever the content holds."""
    if district_hall:
        yield from _twice(content, blocks)
        yield from _circles(blocks)
        return
    if has_value(content.get("hides")):
        yield Fault("hides", _ONLY_DISTRICTS)
    for number, block in enumerate(blocks):
        for name in ("replaces", "after"):
            if isinstance(block, Mapping) and has_value(block.get(name)):
                yield Fault(f"blocks.{number}.{name}", _ONLY_DISTRICTS)


def _twice(content: Mapping[str, Any], blocks: Sequence[object]) -> Iterator[Fault]:
    hides = content.get("hides")
    hides_names = {name for name in hides if type(name) is str} if isinstance(hides, list) else set()
    replacements: dict[str, int] = {}
    for number, block in enumerate(blocks):
        name = _name(block, "replaces")
        if name is None:
            continue
        if name in replacements:
            yield Fault(f"blocks.{number}.replaces", f"第 {replacements[name] + 1} 个区块已替换同一市级区块")
        elif name in hides_names:
            yield Fault(f"blocks.{number}.replaces", "此市级区块同时被设为隐藏，以替换为准", "warning")
        replacements.setdefault(name, number)


def _circles(blocks: Sequence[object]) -> Iterator[Fault]:
    """Find blocks that stand after each other in a circle; what replaces a block is meant by its name, too."""
    numbers = _numbers_by_name(blocks)
    after = {number: numbers.get(_name(block, "after") or "") for number, block in enumerate(blocks)}
    visits: set[int] = set()
    for start in after:
        way: list[int] = []
        here: int | None = start
        while here is not None and here not in visits and here not in way:
            way.append(here)
            here = after[here]
        if here is not None and here in way:
            yield _circle_fault(blocks, way[way.index(here) :])
        visits.update(way)


def _numbers_by_name(blocks: Sequence[object]) -> dict[str, int]:
    """Return which block is meant by a name: the first that has it as its own, else the first that replaces it."""
    numbers: dict[str, int] = {}
    for field in ("id", "replaces"):
        for number, block in enumerate(blocks):
            name = _name(block, field)
            if name is not None:
                numbers.setdefault(name, number)
    return numbers


def _circle_fault(blocks: Sequence[object], circle: Sequence[int]) -> Fault:
    first = circle[0]
    names = [_name(blocks[number], "id") or f"第 {number + 1} 个区块" for number in (*circle, first)]
    if len(names) > _MAX_NAMES_OF_CIRCLE:
        names[_MAX_NAMES_OF_CIRCLE - 2 : -1] = ["…"]
    return Fault(f"blocks.{first}.after", f"排列顺序成环：{' → '.join(names)}")


def _name(block: object, field: str) -> str | None:
    value = block.get(field) if isinstance(block, Mapping) else None
    return value if type(value) is str and value else None
