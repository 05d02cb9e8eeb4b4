"""How often a message or a job is tried again, how long a worker counts as alive, and the states of a job."""

from datetime import timedelta
from enum import StrEnum
from typing import Final

ATTEMPTS: Final = 12
"""Tries before a message is given up: about an hour after the first."""

LEASE: Final = timedelta(seconds=30)
"""How long a claimed message is left to its worker, beyond every handler's own timeout."""

LONGEST_WAIT: Final = timedelta(minutes=15)
SCHEDULE_RETRY: Final = timedelta(seconds=30)
CLOCKS_APART: Final = timedelta(minutes=1)
"""How far the clocks of two workers may differ: what was put off for longer than that was put off by a wrong one."""

BEAT_EVERY: Final = timedelta(seconds=5)
BEAT_FORGOTTEN: Final = timedelta(days=1)


def wait_after(attempts: int) -> timedelta:
    """Return how long to wait after so many failed tries (1 or more): 2 s, doubled each time, at most 15 minutes."""
    return min(timedelta(seconds=2 ** min(attempts, 20)), LONGEST_WAIT)


class JobState(StrEnum):
    """Where a long job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLED = "cancelled"
    DONE = "done"
    FAILED = "failed"


class Severity(StrEnum):
    """Whether a fault keeps its row out, or only wants a look."""

    ERROR = "error"
    WARNING = "warning"


ACTIVE_STATES: Final = (JobState.QUEUED, JobState.RUNNING)
RESUMABLE_STATES: Final = (JobState.CANCELLED, JobState.FAILED)

MOST_FAULTS: Final = 1000
"""How many faults of one severity are kept of a job, and how many are shown; the rest are counted."""

JOB_LEASE: Final = timedelta(seconds=60)
"""How long after its last sign of life a process counts as dead and its job goes to another."""

JOB_BEAT_SECONDS: Final = 15.0
JOB_RETRY_SECONDS: Final = 2.0

JOB_DEATHS: Final = 5
"""After so many runs in a row that ended in a death and got no further, a job has failed."""

JOB_KEPT: Final = timedelta(days=30)
GIVEN_UP_KEPT: Final = timedelta(days=90)
"""How long it is told which messages were given up, and why."""

STEP_SECONDS: Final = 60
"""How long one statement of a step or of a schedule may take, or what is computed between two of them."""

TURN_SECONDS: Final = 3600
"""How long a schedule that commits on its own may have its turn: then it is given to another."""


def percent(state: JobState, progress: int, total: int | None) -> int | None:
    """Return how far a job is in its phase, 0 to 100; None where nobody knows. Only a finished job is at 100."""
    if state is JobState.DONE:
        return 100
    if not total:
        return None
    return max(0, min(99, progress * 100 // total))
