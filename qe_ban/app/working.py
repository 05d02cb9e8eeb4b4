"""The worker process."""

from qe_ban.app.assembly import assemble
from qe_ban.composition import Worker, working
from qe_ban.config import Settings
from qe_ban.db.connecting import WORKER_WAITS
from qe_ban.kernel.clock import Clock, system_clock


def create_worker(settings: Settings, clock: Clock = system_clock) -> Worker:
    """Return the worker: the outbox, the schedules and the long jobs of all slices. Raises ConfigInvalid."""
    return working.worker(assemble(settings, clock, pool=3, sealing=True, waits=WORKER_WAITS))
