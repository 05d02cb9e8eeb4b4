"""Who looks at a page, and a page ready to be filtered for this view."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class View:
    """How a client looks: district (GB/T 2260 code, None for none chosen), size of letters, on whose behalf.

    All of it is what the client says of itself: it chooses what is shown and protects nothing.
    """

    district: str | None = None
    real_name: bool = False
    age_mode: str = "standard"
    audience: str = "person"


@dataclass(frozen=True, slots=True)
class ResolvedPage:
    """A page in force with all that it refers to looked up, before it is filtered for a view.

    `body` is what stands beside the blocks; `blocks` are as they were published, each reference replaced by what it
    names; `district` is the page's own, by which offices are chosen; at `next_change_at` another version comes or goes.
    """

    body: Mapping[str, Any]
    blocks: Sequence[Mapping[str, Any]]
    district: str | None
    next_change_at: datetime | None
