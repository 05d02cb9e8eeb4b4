"""Short numbers: nine random digits and a check digit (ISO 7064, MOD 11,10), read out where a camera is broken."""

import re
from datetime import timedelta
from typing import Final

SHORT_NUMBER_LIFE: Final = timedelta(minutes=3)
MISSES: Final = 10
"""How many numbers that stand for nothing a scanner may try in MISSES_WINDOW seconds."""
MISSES_WINDOW: Final = 60

_DIGITS = re.compile(r"[0-9]{10}", re.ASCII)


def with_check_digit(digits: str) -> str:
    """Return the digits with their check digit (ISO 7064, MOD 11,10).

    It detects every single wrong digit and nearly all transpositions.
    """
    product = 10
    for digit in digits:
        product = (((product + int(digit)) % 10) or 10) * 2 % 11
    return f"{digits}{(11 - product) % 10}"


def is_short_number(text: str) -> bool:
    """Return whether a text is ten digits of which the last is right."""
    return _DIGITS.fullmatch(text) is not None and with_check_digit(text[:-1]) == text
