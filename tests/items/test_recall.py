"""What people type finds what they want among the first five, and what the city does not do finds nothing.

On the whole sample catalogue.
"""

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

VECTORS = Path(__file__).parents[1] / "vectors" / "items"
CASES = json.loads((VECTORS / "recall.json").read_text("utf-8"))
ABSENT = json.loads((VECTORS / "absent.json").read_text("utf-8"))
FIRST, LEAST = 5, 0.95
LEAST_ABSENT = 0.85
"""How many of the queries that the catalogue cannot answer must find nothing, or the item that is meant after all."""
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


def search(database: Database, city: City, query: str) -> searching.SearchPage:
    anywhere = searching.Filters()
    with database.transaction() as session:
        return searching.search(session, city, query, anywhere, offset=0, limit=FIRST, now=datetime.now(UTC))


def first_names(database: Database, city: City, query: str) -> list[str]:
    return [item.name for item in search(database, city, query).items]


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


def test_what_the_city_does_not_do_finds_nothing_and_is_corrected_into_nothing(sample, settings):
    city, wrong, corrected = load_city(settings), [], {}
    for case in ABSENT:
        found = search(sample, city, case["query"])
        names = [item.name for item in found.items]
        if names and set(names).isdisjoint(case["wanted"]):
            wrong.append(f"{case['kind']}: {case['query']} -> {names}")
        assert found.missed == (not names)
        corrected |= {case["query"]: found.corrected} if found.corrected else {}
    assert len(ABSENT) - len(wrong) >= LEAST_ABSENT * len(ABSENT) >= 0.85 * 120, "\n".join(wrong)
    assert corrected == {}


@pytest.mark.parametrize("query", ["信访", "退押金", "12345", "劳动监察", "心理咨询", "押金", "110", "翻译", "heating"])
def test_a_right_word_is_not_taken_for_another(sample, settings, query):
    found = search(sample, load_city(settings), query)
    assert (found.items, found.corrected, found.missed) == ([], None, True)


@pytest.mark.parametrize(
    "query",
    ["生日蛋糕", "生日礼物", "外卖红包", "出租屋家具", "花呗还款", "微信解封", "健身房会员卡", "健身私教"],
)
def test_one_rare_word_of_the_catalogue_beside_another_thing_finds_nothing(sample, settings, query):
    found = search(sample, load_city(settings), query)
    assert (found.items, found.corrected, found.missed) == ([], None, True)


@pytest.mark.parametrize("query", ["60岁老年证", "老年证65岁", "七十岁老人证", "2026年老年证", "六十岁老人优待"])
def test_an_age_or_a_year_beside_what_is_wanted_does_not_outweigh_it(sample, settings, query):
    assert first_names(sample, load_city(settings), query)[0] == "老年人优待证（敬老卡）办理"


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("一胎登记", "生育登记服务（一孩、二孩、三孩）"),
        ("paiwu4zheng4", "排污许可证核发"),
        ("复婚登记", "内地居民结婚登记"),
        ("饭店办证", "食品经营许可新办"),
        ("网吧办证", "互联网上网服务营业场所经营许可新办"),
        ("2胎", "生育登记服务（一孩、二孩、三孩）"),
        ("两胎", "生育登记服务（一孩、二孩、三孩）"),
        ("３孩", "生育登记服务（一孩、二孩、三孩）"),
        ("叁孩", "生育登记服务（一孩、二孩、三孩）"),
        ("噪音", "夜间建筑施工噪声作业证明"),
        ("jiéhūn", "内地居民结婚登记"),
        ("jie2hun1", "内地居民结婚登记"),
        ("lüshi", "律师执业许可新办"),
        ("lu:shi", "律师执业许可新办"),
        ("驾驶证补办", "机动车驾驶证补领"),
        ("补办驾驶证", "机动车驾驶证补领"),
        ("紧急情况林木采伐备案", "林木采伐许可证核发"),
    ],
)
def test_the_item_that_is_meant_comes_first(sample, settings, query, first):
    assert first_names(sample, load_city(settings), query)[0] == first


def test_the_strong_word_decides_and_not_the_common_one(sample, settings):
    names = first_names(sample, load_city(settings), "电子社保卡")
    assert names
    assert all("社会保障卡" in name for name in names)


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
