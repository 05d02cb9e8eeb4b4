"""Rows of a page found by words and filters."""

from hypothesis import given
from hypothesis import strategies as st

from qe_ban.publishing.rules.listing import search
from tests.publishing.rules.contents import READABLE

ROWS = [
    {
        "name": "工业互联网平台",
        "industries": ["food", "auto"],
        "industries_names": ["食品饮料", "汽车"],
        "summary": "COSMOPlat",
    },
    {"name": "能耗管理", "industries": ["energy"], "industries_names": ["能源"], "link": "https://a.gov.cn/"},
    {"name": "惠企政策", "industries": [], "sizes": ["small"], "item": {"name": "藏在里面"}},
]


def names(q=None, **filters):
    return [row["name"][:2] for row in search(ROWS, q, filters)]


def test_without_words_and_filters_all_are_found():
    assert names() == names("") == names("  ") == names(industries=None) == ["工业", "能耗", "惠企"]


def test_every_word_must_occur_somewhere_in_the_row():
    assert names("平台 cosmo") == ["工业"]
    assert names("平台 能耗") == []
    assert names("汽车") == ["工业"]


def test_case_and_width_make_no_difference():
    assert names("ｃｏｓｍｏＰＬＡＴ") == names("cosmoplat") == names("COSMOPLAT") == ["工业"]
    assert names("平台\u3000食品") == ["工业"]


def test_addresses_and_what_stands_inside_are_not_searched():
    assert names("https") == names("gov.cn") == names("藏在里面") == []


def test_filters_fit_one_of_several_words_and_rows_that_are_for_all():
    assert names(industries="food") == ["工业", "惠企"]
    assert names(industries="energy", sizes="small") == ["能耗", "惠企"]
    assert names(sizes="large") == ["工业", "能耗"]
    assert names("政策", industries="energy") == ["惠企"]


def test_a_field_of_one_word_is_compared_whole():
    rows = [{"industry": "food"}, {"industry": "foo"}, {"industry": None}]
    assert search(rows, None, {"industry": "foo"}) == rows[1:]


@given(st.lists(st.text(alphabet=READABLE, min_size=1, max_size=5), min_size=1, max_size=4), st.integers(0, 3))
def test_a_row_is_found_by_any_of_its_own_words(texts, number):
    rows = [{"name": text} for text in texts]
    wanted = rows[number % len(rows)]
    assert wanted in search(rows, wanted["name"])
    kept = search(rows, wanted["name"])
    assert kept == [row for row in rows if row in kept]
