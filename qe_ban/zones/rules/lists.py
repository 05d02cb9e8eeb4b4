"""Lists of a zone's page: what a search leaves, and how many there would be of each industry and size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from qe_ban.kernel.field_types import moment_of
from qe_ban.publishing.rules import listing
from qe_ban.publishing.rules.blocks.words import INDUSTRIES, SIZES

Row = Mapping[str, Any]
_LATEST: Final = datetime.max.replace(tzinfo=UTC)

FACETS: Final[Mapping[str, Mapping[str, str]]] = {"industries": INDUSTRIES, "industry": INDUSTRIES, "sizes": SIZES}
"""By field: the words that it may have, and what they are called."""


@dataclass(frozen=True, slots=True)
class ListKind:
    """A list of a page: the blocks and their table, the fields that filter it, by the names they have in a query."""

    block: str
    table: str
    filters: Mapping[str, str]


LISTS: Final[Mapping[str, ListKind]] = {
    "solutions": ListKind("solution_list", "solutions", {"industry": "industries"}),
    "cases": ListKind("solution_list", "cases", {"industry": "industry"}),
    "policies": ListKind("policy_list", "policies", {"industry": "industries", "size": "sizes"}),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """A word that one can filter by, and how many rows it would leave."""

    value: str
    name: str
    count: int


def search(
    kind: ListKind, rows: Sequence[Row], q: str | None, choices: Mapping[str, str | None]
) -> tuple[list[Row], dict[str, list[Choice]]]:
    """Return the rows that are left, in their order, and by filter the choices that leave any.

    `choices`: by the filter's name in a query, the word that was chosen. A filter's own choice does not narrow its
    counts, so that one sees what another choice would give.
    """
    fields = {kind.filters[name]: word for name, word in choices.items()}
    matches = listing.search(rows, q, fields)
    facets = {}
    for name, field in kind.filters.items():
        others = listing.search(rows, q, {other: word for other, word in fields.items() if other != field})
        counts = (
            (word, label, len(listing.search(others, None, {field: word}))) for word, label in FACETS[field].items()
        )
        facets[name] = [Choice(word, label, count) for word, label, count in counts if count]
    return matches, facets


def sort_events(events: Sequence[Row]) -> list[Row]:
    """Return events in the order of their beginning; those that begin together as the page has them."""
    return sorted(events, key=lambda row: moment_of(row["starts_at"]) or _LATEST)
