"""What items bring: the catalogue of services, its search, imports and exports."""

from typing import Final

from qe_ban.composition import Slice
from qe_ban.items.routes import departments, exports, imports, items, search, topics
from qe_ban.web.ranks import Operations, Rank

_BLUEPRINTS: Final = (search.blp, imports.blp, exports.blp, items.blp, departments.blp, topics.blp)

SLICE: Final = Slice(
    name="items",
    operations=tuple(Operations(blueprint, Rank.STAFF, reads=Rank.PAGES) for blueprint in _BLUEPRINTS),
    scopes=frozenset({"items.write", "items.vocabulary"}),
)
