"""What runs beside the requests, and all that other slices may call of it: outbox, schedules, worker, long jobs."""

from qe_ban.jobs.errors import JobFailed
from qe_ban.jobs.rules import MOST_FAULTS, JobState, Severity
from qe_ban.jobs.service.outbox import COLUMN, GivenUp, Handler, enqueue, given_up
from qe_ban.jobs.service.retention import ENDINGS
from qe_ban.jobs.service.running import Jobs, Runner
from qe_ban.jobs.service.runs import Fault, JobView, cancel, find_ended, list_jobs, read, resume, start
from qe_ban.jobs.service.schedules import Schedule
from qe_ban.jobs.service.work import JobCancelled, JobContext, LeaseLost
from qe_ban.jobs.service.worker import Worker, last_beat
from qe_ban.kernel.principal import Change

__all__ = [
    "COLUMN",
    "ENDINGS",
    "MOST_FAULTS",
    "Change",
    "Fault",
    "GivenUp",
    "Handler",
    "JobCancelled",
    "JobContext",
    "JobFailed",
    "JobState",
    "JobView",
    "Jobs",
    "LeaseLost",
    "Runner",
    "Schedule",
    "Severity",
    "Worker",
    "cancel",
    "enqueue",
    "find_ended",
    "given_up",
    "last_beat",
    "list_jobs",
    "read",
    "resume",
    "start",
]
