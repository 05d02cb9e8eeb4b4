"""Transactions: rows that one transaction wrote, or one that came just before or just after."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from tests.privacy.attack.joins import View
from tests.privacy.attack.statistic import Scores
from tests.privacy.attack.ways.times import after, before


def same(view: View) -> Iterator[tuple[str, Scores]]:
    """Name the people of rows that the transaction of a trail's row wrote; each table is a way."""
    trails = _trails(view)
    for table, rows in view.by_table.items():
        scores: dict[str, Counter[str]] = defaultdict(Counter)
        for at in rows:
            for trail in trails.get(view.rows[at].xid, ()):
                scores[trail][view.person_of[at] or ""] += 1
        if scores:
            yield f"transaction of {table}", scores


def near(view: View) -> Iterator[tuple[str, Scores]]:
    """Vote for the people of rows whose transactions stand next to those of the trail; each table is two ways."""
    scans = [(float(xid), trail) for xid, trails in _trails(view).items() for trail in trails]
    for table, rows in view.by_table.items():
        events = [(float(xid), view.person_of[at] or "") for at in rows if (xid := view.rows[at].xid) is not None]
        if events and scans:
            yield f"neighbouring transaction of {table}, before", before(scans, events)
            yield f"neighbouring transaction of {table}, after", after(scans, events)


def _trails(view: View) -> dict[int, set[str]]:
    """Return the trails that each transaction wrote rows of."""
    trails = defaultdict(set)
    for rows in view.of_trails.values():
        for at in rows:
            if (xid := view.rows[at].xid) is not None and (trail := view.trail_of[at]) is not None:
                trails[xid].add(trail)
    return trails
