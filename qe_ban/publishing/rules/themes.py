"""The colours of a page: what it says, else the city's, and the letters that can be read on them."""

from collections.abc import Mapping
from typing import Any, Final

from qe_ban.kernel import colours

PRIMARY: Final = "#0b5cad"
BACKGROUND: Final = "#f5f7fa"
BLACK: Final = "#000000"
WHITE: Final = "#ffffff"


def theme(content: Mapping[str, Any]) -> dict[str, str]:
    """Return of a content the colours `primary` and `background`, and `on_primary`: letters on the primary colour."""
    primary = content.get("primary_colour") or PRIMARY
    return {
        "primary": primary,
        "background": content.get("background_colour") or BACKGROUND,
        "on_primary": letters_on(primary),
    }


def letters_on(colour: str) -> str:
    """Return black or white, whichever contrasts more with a colour `#rrggbb` (WCAG 2.2, contrast ratio)."""
    return max((WHITE, BLACK), key=lambda letters: colours.contrast(letters, colour))
