"""How long tests wait for what must happen: until it does, and never so briefly that a slow machine fails them."""

import time
from collections.abc import Callable

HANG_TIMEOUT = 120.0
"""Seconds after which what must happen counts as never happening. A wait ends when it happens, so that only a fault
takes this long. Waits for what must not happen are short, and say so where they stand."""


def eventually(condition: Callable[[], object], seconds: float = HANG_TIMEOUT) -> bool:
    """Return whether the condition holds before the time is over."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def wait_for(
    condition: Callable[[], object], reason: str | Callable[[], str] = "", seconds: float = HANG_TIMEOUT
) -> None:
    """Wait until the condition holds. Raises AssertionError with the reason where it never does."""
    assert eventually(condition, seconds), reason() if callable(reason) else reason
