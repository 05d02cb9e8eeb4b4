"""How recovery cases end, and what may be written into them."""

import re
import unicodedata
from enum import StrEnum
from typing import Final

from qe_ban.accounts.rules.states import CaseKind

_NUMBER: Final = re.compile(r"\d{8}")
"""No phone and hardly an identity document has fewer digits in a row."""
_DATE: Final = re.compile(r"(?<![\d-])(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?![\d-])")
_GAPS: Final = re.compile(r"[\s\u200b-\u200d\u2060]+")
_HYPHENS: Final = re.compile(r"[-\u2010-\u2015\u2212]+")


class Decision(StrEnum):
    """What becomes of a case."""

    SETTLE = "settle"
    REJECT = "reject"


def takes_a_phone(kind: CaseKind, *, has_new_phone: bool) -> bool:
    """Return whether settling a case takes the account from the phone that it has: all but a number that is kept."""
    return kind is not CaseKind.LOST_PHONE or has_new_phone


def names_a_number(text: str) -> bool:
    """Tell whether what staff wrote seems to hold a personal number, which belongs into no free text.

    Eight digits or more in a row, of whatever width, also with gaps and hyphens between them; a date is none.
    """
    compact = _HYPHENS.sub("-", _GAPS.sub("", unicodedata.normalize("NFKC", text)))
    return _NUMBER.search(_DATE.sub("/", compact).replace("-", "")) is not None
