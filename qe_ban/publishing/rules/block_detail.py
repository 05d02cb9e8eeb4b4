"""One block of a page with all of its rows, where the screen shows the first of them only."""

from datetime import datetime
from typing import Any

from qe_ban.publishing.rules import filtering
from qe_ban.publishing.rules.blocks import TYPES
from qe_ban.publishing.rules.views import ResolvedPage, View


def block_in_full(page: ResolvedPage, view: View, now: datetime, block_id: str) -> dict[str, Any] | None:
    """Return a block that a view sees now, with all rows, and articles with their bodies; None where there is none."""
    screen, _ = filtering.filter_for_view(page, view, now)
    result: dict[str, Any] | None = next((one for one in screen["blocks"] if one["id"] == block_id), None)
    if result is None:
        return None
    for table in TYPES[result["type"]].tables:
        result[table.name] = [
            _without_block(row)
            for row in filtering.rows(page, view, now, result["type"], table.name)
            if row["block"] == block_id
        ]
    if result["type"] == "article":
        result["articles"] = _articles(page, view, now, block_id, [row["key"] for row in result["articles"]])
    return result


def _articles(page: ResolvedPage, view: View, now: datetime, block_id: str, keys: list[str]) -> list[dict[str, Any]]:
    articles = (filtering.article(page, view, now, block_id, key) for key in keys)
    return [_without_block(row) for row in articles if row is not None]


def _without_block(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "block"}
