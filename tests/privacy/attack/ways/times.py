"""Time: who did something just before a scan, or just after it, again and again."""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from tests.privacy.attack.joins import View
from tests.privacy.attack.statistic import Scores

NEIGHBOURS = 6
"""So many are looked at on each side of a scan: several at a time are between."""


def nearest(view: View) -> Iterator[tuple[str, Scores]]:
    """Vote for those whose rows have moments next to the trail's scans; each column of each table is two ways."""
    scans = [(scan.at, scan.trail) for scan in view.scans]
    for table, rows in view.by_table.items():
        columns: dict[str, list[tuple[float, str]]] = defaultdict(list)
        for at in rows:
            for name, moment in view.rows[at].moments():
                columns[name].append((moment, view.person_of[at] or ""))
        for name, events in columns.items():
            # what is one moment for all tells nothing
            if len({moment for moment, _ in events}) > 1:
                yield f"time of {table}.{name}, before", before(scans, events)
                yield f"time of {table}.{name}, after", after(scans, events)


def before(scans: Sequence[tuple[float, str]], events: list[tuple[float, str]]) -> Scores:
    """Return votes for whoever did something last before each scan."""
    events = sorted(events)
    moments = [moment for moment, _ in events]
    scores: dict[str, Counter[str]] = defaultdict(Counter)
    for at, trail in scans:
        end = bisect_right(moments, at)
        _vote(scores[trail], [person for _, person in reversed(events[max(0, end - NEIGHBOURS) : end])])
    return scores


def after(scans: Sequence[tuple[float, str]], events: list[tuple[float, str]]) -> Scores:
    """Return votes for whoever did something first after each scan."""
    events = sorted(events)
    moments = [moment for moment, _ in events]
    scores: dict[str, Counter[str]] = defaultdict(Counter)
    for at, trail in scans:
        begin = bisect_left(moments, at)
        _vote(scores[trail], [person for _, person in events[begin : begin + NEIGHBOURS]])
    return scores


def _vote(votes: Counter[str], people: Sequence[str]) -> None:
    for rank, person in enumerate(people):
        votes[person] += 1 / (1 + rank)
