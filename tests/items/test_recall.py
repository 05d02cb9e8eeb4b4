"""The recall set: what people type finds what they want among the first five, on the whole sample catalogue."""

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from qe_ban import migrations
from qe_ban.app import load_city
from qe_ban.config import Settings
from qe_ban.db.engine import Database
from qe_ban.items.service import searching
from qe_ban.kernel.city import City
from qe_ban.sandbox.catalogue import entries, loading
from tests.factories import databases

pytestmark = pytest.mark.xdist_group("recall")

CASES = json.loads((Path(__file__).parents[1] / "vectors" / "items" / "recall.json").read_text("utf-8"))
FIRST, LEAST = 5, 0.95
WELL_FORMED = ("official", "everyday")
SECOND = "second"
"""Who wrote queries that nobody had looked at while the search was made: see docs/catalogue.md."""


@pytest.fixture(scope="module")
def sample(settings: Settings) -> Iterator[Database]:
    made = Database(databases.another(settings, "recall").database_url)
    migrations.upgrade(made.engine)
    assert loading.load(made, datetime.now(UTC)) > 7000
    yield made
    made.dispose()


def first_names(database: Database, city: City, query: str) -> list[str]:
    anywhere = searching.Filters()
    with database.transaction() as session:
        found = searching.search(session, city, query, anywhere, offset=0, limit=FIRST, now=datetime.now(UTC))
    return [item.name for item in found.items]


def test_the_set_is_large_and_a_third_is_as_people_really_type():
    slips = [case for case in CASES if case["kind"] not in WELL_FORMED]
    # what both authors thought of counts for each
    assert len({(case["query"], case.get("author")) for case in CASES}) == len(CASES) >= 160
    assert len(slips) * 3 >= len(CASES)


def test_a_second_author_wrote_some_of_it():
    assert sum(case.get("author") == SECOND for case in CASES) == 150


def test_every_wanted_answer_is_in_the_catalogue():
    names = {entry.name for entry in entries.entries()}
    assert {name for case in CASES for name in case["wanted"]} <= names


def test_what_people_want_is_among_the_first_five(sample, settings):
    city, kinds, misses = load_city(settings), defaultdict(list), []
    for case in CASES:
        names = first_names(sample, city, case["query"])
        hit = not set(names).isdisjoint(case["wanted"])
        kinds[case["kind"]].append(hit)
        if not hit:
            misses.append(f"{case['kind']}: {case['query']} -> {names}, wanted {case['wanted']}")
    told = [f"{kind}: {sum(hits)} of {len(hits)}" for kind, hits in kinds.items()]
    right = sum(sum(hits) for hits in kinds.values())
    assert right >= LEAST * len(CASES), "\n".join([f"{right} of {len(CASES)}", *told, *misses])


@pytest.mark.parametrize(("query", "limit", "least"), [(None, 100, 1000), (None, 33, 990), ("登记", 50, 100)])
def test_a_list_is_read_on_without_repeats(sample, settings, query, limit, least):
    city, seen, more = load_city(settings), [], True
    while more:
        with sample.transaction() as session:
            found = searching.search(
                session, city, query, searching.Filters(), offset=len(seen), limit=limit, now=datetime.now(UTC)
            )
        seen += [item.code for item in found.items]
        more = found.more
    assert len(seen) == len(set(seen)) >= least
