"""What a slice declares of itself, and how a process is put together from such declarations."""

from qe_ban.accounts.service import PersonalDataEraser
from qe_ban.composition.clocks import with_clock_check, with_clock_check_standalone
from qe_ban.composition.declaration import PageDeclaration, RetentionPlan, Slice, Step
from qe_ban.composition.retention import sweeper
from qe_ban.composition.services import Services
from qe_ban.jobs.service import Handler, Runner, Schedule, Worker
from qe_ban.publishing.service.page_types import Source

__all__ = [
    "Handler",
    "PageDeclaration",
    "PersonalDataEraser",
    "RetentionPlan",
    "Runner",
    "Schedule",
    "Services",
    "Slice",
    "Source",
    "Step",
    "Worker",
    "sweeper",
    "with_clock_check",
    "with_clock_check_standalone",
]
