"""What jobs bring: long jobs, looked at, cancelled and resumed by staff."""

from typing import Final

from qe_ban.composition import Slice
from qe_ban.jobs import routes
from qe_ban.web.ranks import Operations, Rank

SLICE: Final = Slice(
    name="jobs",
    operations=(Operations(routes.blp, Rank.STAFF),),
    scopes=frozenset({"jobs.read", "jobs.manage"}),
)
