"""What health levels bring: changes by two persons, and corrections that residents ask for."""

from typing import Final

from qe_ban.composition import Slice
from qe_ban.health.routes import changes, corrections, mine
from qe_ban.web.ranks import Operations, Rank

SLICE: Final = Slice(
    name="health",
    operations=(
        Operations(mine.blp, Rank.PEOPLE),
        Operations(changes.blp, Rank.STAFF),
        Operations(corrections.blp, Rank.STAFF),
    ),
    scopes=frozenset({"me.health", "health.read", "health.answer", "health.propose", "health.approve"}),
)
