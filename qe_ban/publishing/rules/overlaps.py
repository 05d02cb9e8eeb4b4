"""What a draft already says of a version that has not begun: published earlier, it would be public too soon."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qe_ban.publishing.rules import differences
from qe_ban.publishing.rules.differences import Change


@dataclass(frozen=True, slots=True)
class Overlap:
    """A difference from what is shown now that a draft has in common with a later version."""

    place: str
    heading: str


def overlaps(
    in_force: Mapping[str, Any], scheduled_content: Mapping[str, Any], draft: Mapping[str, Any]
) -> list[Overlap]:
    """Return what a draft changes of the page that is shown just as a later version does.

    A block or row that both add counts whatever it says by now: whoever edits it further still makes it public.
    """
    planned_changes = differences.changes(in_force, scheduled_content)
    exact = {(change.place, change.heading, change.after) for change in planned_changes}
    additions = {_key(change) for change in planned_changes if _adds(change)}
    common = (
        change
        for change in differences.changes(in_force, draft)
        if (change.place, change.heading, change.after) in exact or (_adds(change) and _key(change) in additions)
    )
    return [Overlap(change.place, change.heading) for change in common]


def _adds(change: Change) -> bool:
    return change.before is None and change.after is not None


def _key(change: Change) -> tuple[str, str]:
    """Return what names an addition: a block by its id, whose heading may have changed, all else by its heading too."""
    is_block = change.place.count(".") == 1
    return change.place, "" if is_block else change.heading
