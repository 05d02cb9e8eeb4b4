"""The job worker: messages, schedules and long jobs of all slices."""

from qe_ban.composition.services import Services
from qe_ban.jobs.service import Schedule, Worker


def schedules(services: Services) -> list[Schedule]:
    """Return the schedules of all slices. Raises LookupError where two have one name."""
    by_name = services.merge(
        lambda slice_: lambda _: {schedule.name: schedule for schedule in slice_.schedules(services)}
    )
    return list(by_name.values())


def worker(services: Services) -> Worker:
    """Return the worker. Raises ConfigInvalid."""
    return Worker(
        services.database,
        services.rings,
        services.clock,
        services.merge(lambda slice_: slice_.handlers),
        schedules(services),
        services.merge(lambda slice_: slice_.runners),
    )
