"""What halls bring: their pages, local apps, places, and what residents keep."""

from typing import Final

from qe_ban.composition import Slice
from qe_ban.halls.routes import apps, halls, me, places
from qe_ban.web.ranks import Operations, Rank

_PUBLIC: Final = (halls.blp, apps.blp, apps.of_halls, places.blp, places.of_halls)

SLICE: Final = Slice(
    name="halls",
    operations=(
        *(Operations(blueprint, Rank.STAFF, reads=Rank.PAGES) for blueprint in _PUBLIC),
        Operations(me.blp, Rank.PEOPLE),
    ),
    scopes=frozenset({"me.home", "apps.write", "places.write"}),
)
