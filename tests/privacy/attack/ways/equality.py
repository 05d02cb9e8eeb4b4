"""Equal values: a row that leads both to a person and to a trail."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from tests.privacy.attack.joins import View
from tests.privacy.attack.statistic import Scores


def shared_rows(view: View) -> Iterator[tuple[str, Scores]]:
    """Name the person whom a row leads to that leads to the trail as well; each table is a way."""
    for table, rows in view.by_table.items():
        scores: dict[str, Counter[str]] = defaultdict(Counter)
        for at in rows:
            trail, person = view.trail_of[at], view.person_of[at]
            if trail is not None and person is not None:
                scores[trail][person] += 1
        if scores:
            yield f"equal value in {table}", scores
