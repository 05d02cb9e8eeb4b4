"""The codes of service items: opaque texts of three known shapes (the national exchange tables' exchange codes)."""

import re
from dataclasses import dataclass
from enum import StrEnum

from qe_ban.kernel import patterns
from qe_ban.kernel.identifiers import IdentifierInvalid, normalise_uscc

_SHAPES = (
    ("basic", re.compile(r"(?P<basic>[0-9]{12})")),
    ("implementation", re.compile(rf"(?P<agency>{patterns.USCC})[0-9](?P<basic>[0-9]{{12}})")),
    ("handling", re.compile(rf"(?P<agency>{patterns.USCC})[0-9](?P<basic>[0-9]{{12}})(?P<suffix>[0-9]{{2}})")),
)


class Shape(StrEnum):
    """How much a code says: the kind of item alone, at which agency, or a single case of it there."""

    BASIC = "basic"  # 12 digits
    IMPLEMENTATION = "implementation"  # 31: the agency's USCC, a digit that nobody decodes, the basic code
    HANDLING = "handling"  # 33: an implementation code and two digits


@dataclass(frozen=True, slots=True)
class ItemCode:
    """A code taken apart. `entry` is what is the same at every agency: the basic code and a handling item's suffix."""

    text: str
    shape: Shape
    agency: str | None
    basic: str
    suffix: str

    @property
    def entry(self) -> str:
        """The kind of item, whichever agency does it."""
        return self.basic + self.suffix


def parse(text: str) -> ItemCode | None:
    """Take a code apart, in capitals or small letters; None where it has none of the three shapes."""
    code = text.upper()
    for shape, pattern in _SHAPES:
        found = pattern.fullmatch(code)
        if found:
            parts = found.groupdict()
            return ItemCode(code, Shape(shape), parts.get("agency"), parts["basic"], parts.get("suffix", ""))
    return None


def agency_checks(agency: str) -> bool:
    """Tell whether an agency's code has the right check digit (GB 32100): some real ones do not."""
    try:
        return normalise_uscc(agency) == agency
    except IdentifierInvalid:
        return False
