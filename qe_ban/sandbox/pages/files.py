"""Reads the files of the sample's halls and zones that come with the product."""

import json
from importlib import resources
from typing import Any

_FOLDER = resources.files("qe_ban") / "data" / "pages"


def read(name: str) -> Any:
    """Return what `data/pages/{name}.json` holds."""
    return json.loads((_FOLDER / f"{name}.json").read_text("utf-8"))


def content(kind: str, slug: str) -> dict[str, Any] | None:
    """Return what the page of a hall or zone says, as it is written in the sample; None where it says nothing."""
    page: dict[str, Any] | None = read(f"{kind}-{slug}") if (_FOLDER / f"{kind}-{slug}.json").is_file() else None
    return page


def apps() -> dict[str, dict[str, Any]]:
    """Return what is said of each local app, by slug; its icon is a picture's name."""
    rows = {row.pop("slug"): row for row in read("apps")}
    return {slug: {"state": "active", **row, "icon": f"icon/{row['icon']}"} for slug, row in rows.items()}


def places() -> dict[str, dict[str, Any]]:
    """Return what is said of each place, by slug."""
    document = read("places")
    rows = {row.pop("slug"): row for row in document["places"]}
    return {slug: {"state": "open", **row, "hours": document["hours"][row["hours"]]} for slug, row in rows.items()}
