"""Which characters no text of people holds: what nobody sees, and what makes text read otherwise than it is stored."""

import re
from typing import Final

# C0 and C1 controls but for the line feed; invisible spaces and joints, line and paragraph separators, marks that turn
# the direction of text, what is no character at all. The zero width joiner stays: families of emoji are made with it.
_INVISIBLE = (
    r"\u0000-\u0009\u000B-\u001F\u007F-\u009F\u061C\u180E\u200B\u200C\u200E\u200F\u2028-\u202E\u2060-\u206F"
    r"\uFDD0-\uFDEF\uFEFF\uFFF9-\uFFFB\uFFFE\uFFFF"
)
_SURROGATES = r"\uD800-\uDFFF"

_FILLERS: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and patterns that are drawn as nothing: right within a word, but none by themselves."""

FORBIDDEN_IN_LINES: Final = re.compile(f"[{_INVISIBLE}{_SURROGATES}]")
FORBIDDEN: Final = re.compile(rf"[\n{_INVISIBLE}{_SURROGATES}]")
"""For text of one line."""

ALLOWED_IN_LINES: Final = f"^[^{_INVISIBLE}]*$"
ALLOWED_PATTERN: Final = rf"^[^\u000A{_INVISIBLE}]*$"
"""The same for descriptions, in the regular expressions that JSON Schema and Python share."""


def is_blank(text: str) -> bool:
    """Return whether a text shows nothing."""
    return not any(char.isprintable() and not char.isspace() and char not in _FILLERS for char in text)
