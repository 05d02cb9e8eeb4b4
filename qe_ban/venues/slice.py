"""What venues bring: places where codes are scanned, and the scanners there."""

from typing import Final

from qe_ban.composition import Slice
from qe_ban.venues import routes
from qe_ban.web.ranks import Operations, Rank

SLICE: Final = Slice(
    name="venues",
    operations=(Operations(routes.blp, Rank.STAFF),),
    scopes=frozenset({"venues.read", "venues.write"}),
)
