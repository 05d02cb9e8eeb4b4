"""The interface of items: for everybody who reads, and for the staff who keep the catalogue."""

from typing import Final

from qe_ban.items.routes import departments, exports, imports, items, search, topics

BLUEPRINTS: Final = (search.blp, imports.blp, exports.blp, items.blp, departments.blp, topics.blp)
