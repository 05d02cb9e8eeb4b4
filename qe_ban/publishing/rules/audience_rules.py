"""Whom blocks are aimed at, against the city that there is: a mistyped district would hide a notice from everybody."""

from collections.abc import Iterator, Mapping
from typing import Any

from qe_ban.kernel.shapes import Fault


def faults(content: Mapping[str, Any], districts: Mapping[str, str], own: str | None = None) -> Iterator[Fault]:
    """Find districts that the city has not, and blocks of a district's own page (`own`) that are aimed at others only.

    `districts` are names by GB/T 2260 code. What is no list of codes is said by its shape.
    """
    blocks = content.get("blocks")
    for number, block in enumerate(blocks if isinstance(blocks, list) else ()):
        codes = _codes(block)
        place = f"blocks.{number}.aim.districts"
        unknown = [code for code in codes if len(code) == len("370202") and code not in districts]
        if unknown:
            yield Fault(place, f"没有这个区划代码：{unknown[0]}")
        elif own is not None and codes and own not in codes:
            yield Fault(place, f"本分厅属于{districts[own]}，此区块不会显示", "warning")


def _codes(block: object) -> list[str]:
    """Return the districts that a block is aimed at, whatever it is."""
    aim = block.get("aim") if isinstance(block, Mapping) else None
    codes = aim.get("districts") if isinstance(aim, Mapping) else None
    return [code for code in codes if type(code) is str] if isinstance(codes, list) else []
