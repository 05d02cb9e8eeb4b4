"""How long jobs that ended and messages that were given up are kept."""

from typing import Final

from qe_ban.db.retention import Ending, Schedule, delete_rows
from qe_ban.jobs import rules
from qe_ban.jobs.models import Job, JobFault, OutboxMessage

JOBS_AT_ONCE: Final = 20
"""With a job go its faults, a few thousand at most."""

ENDINGS: Final = (
    Ending(
        Job,
        rules.JOB_KEPT,
        delete_rows(Job, lambda before: Job.finished_at < before, step_size=JOBS_AT_ONCE),
        also=(JobFault,),
    ),
    Ending(
        OutboxMessage,
        rules.GIVEN_UP_KEPT,
        delete_rows(OutboxMessage, lambda before: OutboxMessage.given_up_at < before),
        Schedule.DAYS,
    ),
)
