"""The colours of a page: what it says, else the city's, and the letters that can be read on them."""

from collections.abc import Mapping
from typing import Any, Final

PRIMARY: Final = "#0b5cad"
BACKGROUND: Final = "#f5f7fa"
BLACK: Final = "#000000"
WHITE: Final = "#ffffff"


def theme(content: Mapping[str, Any]) -> dict[str, str]:
    """Give of a content the colours `primary` and `background`, and `on_primary`: letters on the primary colour."""
    primary = content.get("primary_colour") or PRIMARY
    return {
        "primary": primary,
        "background": content.get("background_colour") or BACKGROUND,
        "on_primary": letters_on(primary),
    }


def letters_on(colour: str) -> str:
    """Give black or white, whichever contrasts more with a colour `#rrggbb` (WCAG 2.2, contrast ratio)."""
    return max((WHITE, BLACK), key=lambda letters: contrast(letters, colour))


def contrast(one: str, other: str) -> float:
    """Give the contrast ratio of two colours `#rrggbb`, 1 to 21 (WCAG 2.2)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    """Give the relative luminance, 0 (black) to 1 (white), by the weights of sRGB (WCAG 2.2)."""
    red, green, blue = (_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    if channel <= 0.04045:
        return channel / 12.92
    linear: float = ((channel + 0.055) / 1.055) ** 2.4
    return linear
