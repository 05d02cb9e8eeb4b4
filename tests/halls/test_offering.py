"""Which office does an item in a hall, and what is hot, on a catalogue of its own."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, update

from qe_ban import migrations
from qe_ban.db.engine import Database
from qe_ban.items.models import Entry
from qe_ban.items.service import offering, publishing
from qe_ban.items.service.publishing import Draft
from qe_ban.publishing.rules import offices
from tests.factories import databases
from tests.factories.items import LAOSHAN, SHINAN, add_department, add_item, basic_code, content, item_code

NOW = datetime.now(UTC)
OTHER = "370281"


@pytest.fixture(scope="module")
def database(settings):
    made = Database(databases.another(settings, "offering").database_url, pool=4)
    migrations.upgrade(made.engine)
    yield made
    made.dispose()


@pytest.fixture
def put(database):
    """Make an item of an entry at an office of a district; gives its code."""

    def make(entry, district=None, **fields):
        department = add_department(database, district=district)
        said = content(department, **fields) | ({"district": district} if district else {})
        return add_item(database, Draft(item_code(department, entry[:12], entry[12:]), said), now=NOW)

    return make


@pytest.fixture
def of(database):
    """Give what pages take of some items."""

    def look(*keys, now=None):
        with database.transaction() as session:
            return offering.source(session, keys, now or datetime.now(UTC))

    return look


@pytest.fixture
def hot(database):
    def look(district=None, limit=5):
        with database.transaction() as session:
            return [item["entry"] for item in offering.hot(session, district, limit, datetime.now(UTC))]

    return look


def end(database, *codes):
    with database.transaction() as session:
        publishing.end(session, codes, at=datetime.now(UTC), now=datetime.now(UTC))


def use(database, **used):
    """Set how much entries (`e` and the code) are used; all others not at all."""
    with database.transaction() as session:
        session.execute(update(Entry).values(popularity=0))
        for name, popularity in used.items():
            session.execute(update(Entry).where(Entry.entry == name[1:]).values(popularity=popularity))


def test_an_item_comes_with_all_its_offices_the_citys_first(put, of):
    entry = basic_code()
    codes = {district: put(entry, district) for district in (SHINAN, None, LAOSHAN)}
    item = of(entry)[entry]
    assert (item["entry"], item["name"]) == (entry, "社会保障卡申领")
    assert [(office["district"], office["code"]) for office in item["offices"]] == [
        (district, codes[district]) for district in (None, SHINAN, LAOSHAN)
    ]
    first = item["offices"][0]
    assert (first["reach"], first["online"], first["link"]) == ("office", False, None)
    assert first["department"].startswith("测试局")


@pytest.mark.parametrize(
    ("standing", "district", "chosen"),
    [
        ((None, SHINAN, LAOSHAN), LAOSHAN, LAOSHAN),
        ((None, SHINAN), LAOSHAN, None),
        ((SHINAN,), LAOSHAN, "nobody"),
        ((None, SHINAN), None, None),
        ((SHINAN, LAOSHAN), None, "nobody"),
    ],
)
def test_the_districts_own_office_does_it_else_the_citys(put, of, standing, district, chosen):
    entry = basic_code()
    codes = {one: put(entry, one) for one in standing}
    shown = offices.with_office(of(entry)[entry], district)
    assert shown["code"] == (None if chosen == "nobody" else codes[chosen])
    assert shown["districts"] == sorted(one for one in standing if one)


def test_what_is_done_anywhere_is_done_for_a_district_without_an_office(put, of):
    entry = basic_code()
    put(entry, SHINAN)
    code = put(entry, LAOSHAN, reach="citywide")
    assert offices.with_office(of(entry)[entry], OTHER)["code"] == code


def test_a_full_code_means_the_same_item_and_prefers_just_that_office(put, of):
    entry = basic_code()
    city, shinan, second = put(entry), put(entry, SHINAN), put(entry, SHINAN)
    for code in (shinan, second, second.lower()):
        item = of(code)[code]
        assert len(item["offices"]) == 3
        assert offices.with_office(item, SHINAN)["code"] == code.upper()
        assert offices.with_office(item, LAOSHAN)["code"] == city


def test_a_handling_item_has_an_entry_of_its_own(put, of):
    entry = basic_code()
    plain, handling = put(entry), put(f"{entry}01")
    found = of(entry, f"{entry}01", handling)
    assert found[entry]["offices"][0]["code"] == plain
    assert [found[key]["offices"][0]["code"] for key in (f"{entry}01", handling)] == [handling, handling]
    assert offering.entry_of(handling) == f"{entry}01"


def test_what_has_ended_or_has_not_begun_does_not_stand(database, put, of):
    entry = basic_code()
    city, shinan = put(entry), put(entry, SHINAN)
    end(database, city)
    found = of(entry, city, shinan)
    assert [office["code"] for office in found[entry]["offices"]] == [shinan]
    # a page that names an item's own code means that item
    assert set(found) == {entry, shinan}
    end(database, shinan)
    assert of(entry, city, shinan) == {}
    with database.transaction() as session:
        assert offering.names(session, [entry, "0" * 12], datetime.now(UTC)) == {entry: "社会保障卡申领"}
    coming = basic_code()
    put(coming)
    assert of(coming, now=NOW - timedelta(days=1)) == {}


def test_the_name_is_the_citys_else_the_most_common(put, of):
    ours, theirs = basic_code(), basic_code()
    put(ours, SHINAN, name="甲")
    put(ours, LAOSHAN, name="甲")
    put(ours, name="乙")
    put(theirs, SHINAN, name="甲")
    put(theirs, LAOSHAN, name="丙")
    put(theirs, OTHER, name="丙")
    found = of(ours, theirs)
    assert (found[ours]["name"], found[theirs]["name"]) == ("乙", "丙")


def test_a_mobile_address_and_the_way_online_are_told(put, of):
    entry = basic_code()
    put(entry, channels=["app"], mobile_url="https://m.qingdao.gov.cn/a")
    (office,) = of(entry)[entry]["offices"]
    assert (office["online"], office["link"]) == (True, "https://m.qingdao.gov.cn/a")


@pytest.mark.parametrize("key", ["", "1", "x" * 31, "１" * 12, "' OR 1=1 --", "9" * 33, "\u202e", "12345678901\n"])
def test_keys_that_name_nothing_find_nothing(of, key):
    assert of(key) == {}
    assert of() == {}


def test_one_statement_finds_all(database, put):
    entries = [basic_code() for _ in range(5)]
    for entry in entries:
        put(entry)
    said = []

    def count(*args):
        said.append(args[2])

    event.listen(database.engine, "before_cursor_execute", count)
    try:
        with database.transaction() as session:
            assert len(offering.source(session, entries, datetime.now(UTC))) == 5
    finally:
        event.remove(database.engine, "before_cursor_execute", count)
    assert len(said) == 1


def test_hot_is_what_is_used_most_where_the_hall_has_an_office(database, put, hot):
    ours, citys, theirs, anywhere, ended = (basic_code() for _ in range(5))
    put(ours, LAOSHAN)
    put(citys)
    put(theirs, SHINAN)
    put(anywhere, SHINAN, reach="citywide")
    gone = put(ended)
    end(database, gone)
    use(database, **{f"e{ended}": 90, f"e{theirs}": 50, f"e{ours}": 40, f"e{anywhere}": 30, f"e{citys}": 20})
    assert hot(LAOSHAN)[:3] == [ours, anywhere, citys]
    assert hot(SHINAN)[:3] == [theirs, anywhere, citys]
    assert hot()[:2] == [anywhere, citys]
    assert hot(LAOSHAN, 1) == [ours]


def test_what_nobody_has_used_comes_by_name_after_what_was_used(database, put, hot):
    used, first, second = (basic_code() for _ in range(3))
    # one entry under many names takes no other's place
    for number in range(12):
        put(second, LAOSHAN, name=f"000 第二{number:02}")
    put(first, LAOSHAN, name="00 第一")
    put(used, LAOSHAN, name="最后")
    use(database, **{f"e{used}": 0.5})
    assert hot(LAOSHAN, 3) == [used, first, second]
    assert hot(LAOSHAN, 1) == [used]
