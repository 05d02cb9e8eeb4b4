"""Reads the files of the sample catalogue that come with the product."""

import json
from importlib import resources
from typing import Any

KINDS = ("people", "insurance", "police", "culture-health", "market", "building", "transport-nature", "others")
"""The files of kinds, in the order of their loading."""


def read(name: str) -> Any:
    """Return what `data/catalogue/{name}.json` holds."""
    return json.loads((resources.files("qe_ban") / "data" / "catalogue" / f"{name}.json").read_text("utf-8"))


def kinds() -> list[dict[str, Any]]:
    """Return the rows of all kinds of items."""
    return [row for name in KINDS for row in read(f"kinds-{name}")]
