"""One block of a page with all of its rows, where the screen shows the first of them only."""

from datetime import datetime
from typing import Any

from qe_ban.publishing.rules import cutting
from qe_ban.publishing.rules.blocks import TYPES
from qe_ban.publishing.rules.views import Dressed, View


def block(dressed: Dressed, view: View, now: datetime, block_id: str) -> dict[str, Any] | None:
    """Give a block that a view sees now, with all rows, and articles with their bodies; None where there is none."""
    seen, _ = cutting.cut(dressed, view, now)
    made: dict[str, Any] | None = next((one for one in seen["blocks"] if one["id"] == block_id), None)
    if made is None:
        return None
    for table in TYPES[made["type"]].tables:
        made[table.name] = [
            {name: value for name, value in row.items() if name != "block"}
            for row in cutting.rows(dressed, view, now, made["type"], table.name)
            if row["block"] == block_id
        ]
    if made["type"] == "article":
        found = (cutting.article(dressed, view, now, block_id, row["key"]) for row in made["articles"])
        made["articles"] = [
            {name: value for name, value in row.items() if name != "block"} for row in found if row is not None
        ]
    return made
