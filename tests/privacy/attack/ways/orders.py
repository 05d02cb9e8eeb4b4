"""Order: rows of people that stand in the order of their scans, by place or by a number that counts up."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from tests.privacy.attack.joins import ObservedScan, View
from tests.privacy.attack.statistic import Scores

WINDOW = 3


def same_rank(view: View) -> Iterator[tuple[str, Scores]]:
    """Vote for the people whose rows have about the rank of the trail's scans, for each order of each table."""
    for table, rows in view.by_table.items():
        for order, of_purpose in _orders(view, rows).items():
            for kind, sequence in _sequences(view.scans).items():
                scores: dict[str, Counter[str]] = defaultdict(Counter)
                for purpose, people in of_purpose.items():
                    trails = [scan.trail for scan in sequence if purpose in (None, scan.purpose)]
                    _match(scores, trails, people)
                if scores:
                    yield f"order of {table} by {order}, of {kind}", scores


def _orders(view: View, rows: Sequence[int]) -> dict[str, dict[str | None, list[str]]]:
    """Return the people in every order that the rows have, those of each purpose by themselves where rows say one."""
    orders: dict[str, dict[str | None, list[tuple[int, str]]]] = defaultdict(lambda: defaultdict(list))
    for at in rows:
        row, person = view.rows[at], view.person_of[at] or ""
        purpose = row.values.get("purpose")
        if row.place is not None:
            orders["place"][purpose].append((row.place, person))
        for name, value in row.values.items():
            if isinstance(value, int) and not isinstance(value, bool):
                orders[name][purpose].append((value, person))
    return {
        order: {purpose: [person for _, person in sorted(numbers)] for purpose, numbers in of_purpose.items()}
        for order, of_purpose in orders.items()
        if sum(len({number for number, _ in numbers}) for numbers in of_purpose.values()) > 1
    }


def _sequences(scans: Sequence[ObservedScan]) -> dict[str, list[ObservedScan]]:
    """Return the scans in their order: all, the first of each trail, those that asked for consent, what came of it."""
    firsts, answers, trails, pending = [], [], set(), set()
    for scan in scans:
        if scan.trail not in trails:
            trails.add(scan.trail)
            firsts.append(scan)
        if scan.reason == "consent_required":
            pending.add((scan.trail, scan.purpose))
        elif (scan.trail, scan.purpose) in pending:
            answers.append(scan)
    requests = [scan for scan in scans if scan.reason == "consent_required"]
    return {"all scans": list(scans), "first scans": firsts, "requests": requests, "answers": answers}


def _match(scores: dict[str, Counter[str]], trails: Sequence[str], people: Sequence[str]) -> None:
    if not trails or not people:
        return
    for rank, trail in enumerate(trails):
        centre = rank * len(people) // len(trails)
        for at in range(max(0, centre - WINDOW), min(len(people), centre + WINDOW + 1)):
            scores[trail][people[at]] += 1 / (1 + abs(at - centre))
