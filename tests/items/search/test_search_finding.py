import random
from datetime import UTC, datetime

import pytest

from qe_ban.items.errors import HallUnknown
from qe_ban.items.service import ranking, searching, suggesting
from tests.items.search.conftest import CITY_OFFICE

CARD, REPLACED = "社会保障卡申领", "社会保障卡补领、换领、换发"


@pytest.mark.parametrize(
    "query",
    [
        "社会保障卡申领",
        "社保卡",
        "shehuibaozhangka",
        "shebaoka",
        "sheb",
        "SBK",
        "shbzk",
        "社報卡",
        "社會保障卡",
        "社报卡",
        "shebaoak",
        "shebaoka 申领",
        "社保ka",
        "怎么办社保卡",
        "我想办一张社保卡需要什么材料",
        "  社保卡！！",
        "社会保障卡 申请",
        "保障卡申领",
    ],
)
def test_what_people_type_finds_the_card(names, query):
    assert names(query)[0] == CARD


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("驾照丢了", "机动车驾驶证补领"),
        ("身份证丢了怎么补办", "居民身份证补领"),
        ("医保", "城乡居民基本医疗保险参保登记"),
        ("結婚", "内地居民结婚登记"),
        ("结婚证", "内地居民结婚登记"),
        ("etc", "ETC办理"),
        ("ＥＴＣ", "ETC办理"),
        ("jiazhao", "机动车驾驶证期满换证"),
        ("食品经营许可", "食品经营许可新办"),
        ("开公司", "有限责任公司设立登记"),
        ("身份正", "居民身份证申领"),
        ("居住证", "居住证申领"),
    ],
)
def test_synonyms_sounds_and_aliases_find_their_item(names, query, name):
    assert names(query)[0] == name


def test_a_mended_slip_is_told(search):
    assert search("社报卡").corrected == "社保卡"
    assert search("社保卡").corrected is None


def test_a_code_and_its_beginning_find_the_item(search):
    hit = search("结婚登记").items[0]
    assert search(hit.code).items[0].code == hit.code
    assert hit.name in [item.name for item in search(hit.code[19:28]).items]
    assert hit.name in [item.name for item in search(hit.code[:18].lower()).items]


def test_a_digit_after_a_syllable_is_no_tone_in_a_code(names):
    assert CARD in names(CITY_OFFICE.lower())


def test_an_entry_comes_once_with_the_number_of_its_offices(search):
    found = search("社保卡")
    assert [item.name for item in found.items] == [CARD, REPLACED]
    assert found.total == 2
    assert [item.offices for item in found.items] == [2, 2]
    assert found.items[0].district is None


def test_a_hall_shows_its_own(search):
    assert {item.district.code for item in search("社保卡", hall="laoshan").items} == {"370212"}
    assert {item.district for item in search("社保卡", hall="city").items} == {None}
    assert {item.district for item in search("社保卡", hall="jimo").items} == {None}
    with pytest.raises(HallUnknown):
        search("社保卡", hall="atlantis")


def test_what_one_district_does_alone_is_not_shown_in_another(names):
    assert names("登山证") == names("登山证", hall="laoshan") == ["崂山风景区登山证核发"]
    assert names("登山证", hall="shinan") == []


def test_a_district_in_the_query_is_preferred(search):
    found = search("崂山 社保卡")
    assert [item.name for item in found.items] == [CARD, REPLACED]
    assert {item.district.name for item in found.items} == {"崂山区"}


def test_filters_narrow_and_counts_tell_how_far(search):
    found = search("证")
    counts = {count.value: count.count for count in found.counts["online"]}
    online = search("证", online=True)
    assert counts[True] == online.total == 2
    assert counts[False] == search("证", online=False).total == found.total - 2
    assert online.counts["online"] == found.counts["online"], "one can choose anew"
    every = search(None)
    audiences = {count.value: count.count for count in every.counts["audience"]}
    assert audiences["firm"] == search(None, audience="firm").total == 2
    topics = {count.value: (count.name, count.count) for count in every.counts["topic"]}
    assert topics["work"] == ("就业社保", search(None, topic="work").total) == ("就业社保", 3)
    assert search(None, topic="life").total == 4, "a topic means those below it too"
    department = every.counts["department"][0]
    assert search(None, department=department.value).total == department.count
    assert search(None, reach="citywide").total == 1
    assert search(None, department="none").total == search(None, topic="none").total == 0
    districts = {count.value: count.count for count in every.counts["district"]}
    assert districts["370212"] == districts["370202"] + 1 == districts[None] + 1


@pytest.mark.parametrize("q", [None, "登记"])
@pytest.mark.parametrize(("facet", "value"), [("audience", "firm"), ("topic", "work"), ("online", False)])
def test_a_facet_s_counts_do_not_apply_its_own_filter(search, q, facet, value):
    def counts(**filters):
        return {name: {one.value: one.count for one in many} for name, many in search(q, **filters).counts.items()}

    every, filtered = counts(), counts(**{facet: value})
    assert filtered[facet] == every[facet]
    other = "online" if facet != "online" else "audience"
    # one item may be for several audiences, but is done online or is not
    assert max(filtered[other].values()) < sum(every[other].values())
    both = counts(**{facet: value, "hall": "laoshan"})
    assert sum(both["district"].values()) == search(q, hall="laoshan", **{facet: value}).total


def test_a_department_s_counts_do_not_apply_its_own_filter_either(search):
    every = search(None)
    chosen = every.counts["department"][1]
    narrowed = search(None, department=chosen.value)
    assert narrowed.total == chosen.count
    assert narrowed.counts["department"] == every.counts["department"]


def test_in_a_hall_the_offices_that_are_shown_are_counted(search):
    found = search(None, hall="shinan")
    shown = {item.department.code for item in found.items}
    assert {count.value for count in found.counts["department"]} == shown
    assert sum(count.count for count in found.counts["department"]) == found.total
    assert [(count.value, count.count) for count in found.counts["district"]] == [("370202", 12)]


@pytest.mark.parametrize("query", ["崂山", "崂山区", "laoshan", "崂山区怎么办"])
def test_a_district_s_name_alone_is_its_hall(search, query):
    found, hall = search(query), search(None, hall="laoshan")
    assert [item.code for item in found.items] == [item.code for item in hall.items]
    assert {item.district.code for item in found.items} == {"370212"}
    assert not found.missed
    assert {item.district.code for item in search(query, hall="shinan").items} == {"370202"}


def test_nothing_found_is_not_capped(search, monkeypatch):
    monkeypatch.setattr(ranking, "MOST", 2)
    found = search("飞碟证")
    assert (found.total, found.capped) == (0, False)


def test_a_rare_audience_is_found_behind_the_popular(names, monkeypatch):
    firms = names(audience="firm")
    monkeypatch.setattr(searching, "WALKED", 1)
    assert names(audience="firm") == firms
    assert len(firms) == 2


def test_two_swapped_characters_are_mended_although_each_is_somewhere(search):
    found = search("社会障保卡")
    assert found.items[0].name == CARD
    assert found.corrected == "社会保障卡"


def test_a_long_sentence_finds_what_its_one_strong_word_says(search, names):
    said = "昨天晚上隔壁邻居老张跟咱闲聊提到登山那玩意儿咋回事"
    assert names(said) == ["崂山风景区登山证核发"]
    assert not search("昨天晚上隔壁邻居老张跟咱闲聊那玩意儿咋回事").items


def test_without_a_query_the_popular_come_first(names):
    assert names()[:3] == [CARD, "居民身份证申领", "内地居民结婚登记"]
    assert len(names()) == 13


def test_pages_repeat_nothing_and_end(search):
    seen, offset = [], 0
    while True:
        page = search(None, offset=offset, limit=5)
        seen += [item.code for item in page.items]
        offset += 5
        if not page.more:
            break
    assert len(seen) == len(set(seen)) == page.total == 13
    assert not search(None, offset=500).items


@pytest.mark.parametrize(
    "query", ["asdfghjkl", "啊啊啊啊", "qqqq", "%%%", "' OR 1=1", "& | ! :*", "<->", "😀", "\\", "今夜月色真美"]
)
def test_nonsense_finds_nothing(search, query):
    found = search(query)
    assert not found.items
    assert found.total == 0
    assert found.missed


def test_a_filter_that_leaves_nothing_is_no_miss(search):
    found = search("社保卡", audience="firm")
    assert not found.items
    assert not found.missed


HOSTILE = "%_'\"\\&|!:*()<>-;,.?/@#$^~`+=[]{} \t社保卡证登记abcshibk019😀\u202e\u0301\u3000ＡⅢ國"


@pytest.mark.slow
def test_thousands_of_hostile_queries_are_only_text(catalogue, city):
    chance = random.Random(3)
    texts = ["".join(chance.choices(HOSTILE, k=chance.choice((1, 2, 3, 5, 8)))) for _ in range(3_000)]
    texts += ["社" * 100, "a" * 100, "'" * 100, "社a" * 50, "1" * 100, "\u0301" * 100, "﷽" * 100, "社" * 10_000, ""]
    now, none = datetime.now(UTC), searching.Filters()
    with catalogue.transaction() as session:
        for number, query in enumerate(texts):
            if number % 4:
                suggesting.suggest(session, city, query, hall=None, now=now)
            else:
                assert len(searching.search(session, city, query, none, offset=0, limit=5, now=now).items) <= 5


def test_a_filter_finds_what_lies_behind_the_popular(names, search, monkeypatch):
    wanted = names("证", online=True)
    assert len(wanted) == 2
    monkeypatch.setattr(ranking, "MOST", 1)
    assert names("证", online=True) == wanted[:1]
    assert search("证").capped
