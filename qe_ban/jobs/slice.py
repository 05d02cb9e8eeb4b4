"""What jobs bring: long jobs, looked at, cancelled and resumed by staff."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from qe_ban.composition import RetentionPlan, Services, Slice
from qe_ban.jobs import routes, service
from qe_ban.web.health import Check
from qe_ban.web.ranks import Operations, Rank

WORKER_SILENT: Final = timedelta(seconds=90)


def _readiness(services: Services) -> Mapping[str, Check]:
    def check_worker() -> None:
        with services.database.transaction() as session:
            beat = service.last_beat(session)
        if beat is None or services.clock() - beat > WORKER_SILENT:
            raise TimeoutError("no worker was heard of")

    return {"worker": Check(check_worker, required=False)}


SLICE: Final = Slice(
    name="jobs",
    operations=(Operations(routes.blp, Rank.STAFF),),
    scopes=frozenset({"jobs.read", "jobs.manage"}),
    retention=RetentionPlan(
        endings=service.ENDINGS,
        elsewhere={"worker_beats": "a day, by each worker's next beat"},
        without_end={"schedules": "one row a schedule"},
    ),
    readiness=_readiness,
)
