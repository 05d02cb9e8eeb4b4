"""How often and how late a message is tried again, and how long a worker counts as alive."""

from datetime import timedelta
from typing import Final

ATTEMPTS: Final = 12
"""Tries before a message is given up: about an hour after the first."""

LEASE: Final = timedelta(seconds=30)
"""How long a claimed message is left to its worker, beyond every handler's own timeout."""

LONGEST_WAIT: Final = timedelta(minutes=15)
SCHEDULE_RETRY: Final = timedelta(seconds=30)

BEAT_EVERY: Final = timedelta(seconds=5)
BEAT_FORGOTTEN: Final = timedelta(days=1)


def wait_after(attempts: int) -> timedelta:
    """Give how long to wait after so many failed tries (1 or more): 2 s, doubled each time, at most 15 minutes."""
    return min(timedelta(seconds=2 ** min(attempts, 20)), LONGEST_WAIT)
