"""Numbers and sizes: who has as many rows as the trail has scans, or whose sealed values are as long as the trail's."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from tests.privacy.attack.joins import View
from tests.privacy.attack.statistic import Scores


def rows(view: View) -> Iterator[tuple[str, Scores]]:
    """Score people by how near the number of their rows ranks to the number of the trail's scans."""
    lengths = Counter(scan.trail for scan in view.scans)
    for table, of_people in view.by_table.items():
        numbers = Counter(view.person_of[at] for at in of_people)
        if len(set(numbers.values())) > 1:
            # who has several trails, one for each kind of code, is looked for in the longest
            yield f"number of rows of {table}", _by_rank(dict(numbers), dict(lengths.most_common(len(numbers))))


def sizes(view: View) -> Iterator[tuple[str, Scores]]:
    """Score people by how near the length of a value of theirs ranks to the length of one of the trail's."""
    of_people, of_trails = _lengths(view, view.by_table, view.person_of), _lengths(view, view.of_trails, view.trail_of)
    for column, people in of_people.items():
        for other, trails in of_trails.items():
            yield f"length of {column} beside {other}", _by_rank(people, trails)


def _lengths(view: View, tables: dict[str, list[int]], owners: list[str | None]) -> dict[str, dict[str | None, int]]:
    lengths: dict[str, dict[str | None, int]] = defaultdict(dict)
    for table, of_table in tables.items():
        for at in of_table:
            for name, value in view.rows[at].values.items():
                if isinstance(value, str | bytes | memoryview | dict | list):
                    size = len(str(value)) if isinstance(value, dict | list) else len(value)
                    lengths[f"{table}.{name}"].setdefault(owners[at], size)
    return {name: of_column for name, of_column in lengths.items() if len(set(of_column.values())) > 1}


def _by_rank(people: dict, trails: dict) -> Scores:
    places = _places(people)
    return {
        trail: {person: 2 - abs(at - own) for person, at in places.items()} for trail, own in _places(trails).items()
    }


def _places(numbers: dict) -> dict[str, float]:
    """Return each one's place by number, from 0 to 1, equal numbers in the middle of their places."""
    order = sorted(numbers.values())
    first = {number: at for at, number in reversed(list(enumerate(order)))}
    equals = Counter(order)
    return {
        owner: (first[number] + (equals[number] - 1) / 2) / max(1, len(order) - 1) for owner, number in numbers.items()
    }
