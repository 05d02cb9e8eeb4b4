"""What a seal is: leaves, roots, the signed statement, and what a check of them may find. Pure."""

from datetime import timedelta
from typing import Final

BATCH: Final = 4096
"""How many rows one seal takes at most."""

SEAL_OVERDUE_AFTER: Final = timedelta(minutes=2)
"""After so long without a seal a row is a finding: the worker is away, or somebody slipped the row in."""

SETTLING_TIME: Final = timedelta(minutes=10)
"""No transaction of ours lasts so long: what was not there by then has not come late but was slipped in."""

IDLE: Final = timedelta(minutes=1)
"""Where nothing happens an empty seal says so as often as this: a row that is dated back stands out by it."""

GAP: Final = 5 * IDLE
"""So long a time between two seals is told: the worker was away, or seals and rows were cut."""

LEAST_KEPT: Final = timedelta(days=184)
"""Half a year: nothing younger is ever erased; a trigger refuses it, too (migration 0005)."""
