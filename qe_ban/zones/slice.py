"""What zones bring: their pages and lists, demands, and the end of a zone."""

from typing import Final

from qe_ban.composition import Slice
from qe_ban.web.ranks import Operations, Rank
from qe_ban.zones.routes import demands, ending, handling, screens

SLICE: Final = Slice(
    name="zones",
    operations=(
        Operations(screens.blp, Rank.STAFF, reads=Rank.PAGES),
        Operations(demands.sending, Rank.STAFF),
        Operations(demands.mine, Rank.PEOPLE),
        Operations(handling.blp, Rank.STAFF, reads=Rank.PAGES),
        Operations(ending.blp, Rank.STAFF, reads=Rank.PAGES),
    ),
    scopes=frozenset({"me.demands", "demands.handle", "zones.end"}),
)
