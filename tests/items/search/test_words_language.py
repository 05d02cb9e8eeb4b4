"""What the language knows: words of the dictionary, numbers, pinyin as people write it, and what may be a slip."""

from itertools import pairwise

import pytest

from qe_ban.items.words import corrections, dictionary, latin, numerals


@pytest.mark.parametrize("word", ["信访", "复婚", "押金", "监察", "一万三千", "龢"])
def test_a_word_of_the_dictionary_is_found_where_it_lies(word):
    assert dictionary.entry(word) is not None


@pytest.mark.parametrize("word", ["社报", "退押金", "份正", "", "abc", "龢龢"])
def test_what_is_no_word_is_not_found(word):
    assert dictionary.entry(word) is None


def test_the_dictionary_is_sorted_where_it_is_searched():
    words = [line.split(b" ")[0] for line in dictionary._lines()[:].splitlines()]
    han = [word.decode() for word in words if word >= "一".encode()]
    assert len(han) > 300_000
    # a handful of lines that somebody added stand in another order
    assert sum(one > following for one, following in pairwise(han)) < 10
    assert sum(dictionary.entry(word) is None for word in han[::50]) < 5


def test_a_query_is_cut_as_jieba_does():
    assert dictionary.segment("我奶奶今年刚满八十") == ("我", "奶奶", "今年", "刚满", "八十")
    assert dictionary.spans("退押金") == ((1, 3),)


def test_general_words_say_less_and_long_ones_more():
    def known(word: str) -> float:
        return dictionary.emphasis(word, is_known=True)

    assert known("情况") < known("信访") < known("林木采伐")
    assert dictionary.emphasis("那个", is_known=False) < 0.1


@pytest.mark.parametrize(
    ("query", "variant"),
    [("2胎", "二胎"), ("2胎", "两胎"), ("二胎", "2胎"), ("两胎", "二胎"), ("叁孩", "三孩"), ("60岁", "六十岁"),
     ("六十岁", "60岁"), ("65 周岁", "六十五周岁"), ("一百零五元", "105元"), ("科目2", "科目二")],
)  # fmt: skip
def test_a_number_is_one_whichever_way_it_is_written(query, variant):
    assert variant in numerals.variants(query)


@pytest.mark.parametrize("query", ["12345", "2026年", "a4纸", "mp3", "信访", ""])
def test_years_telephones_and_words_are_not_rewritten(query):
    assert numerals.variants(query) == [query]


@pytest.mark.parametrize("number", [0, 1, 10, 12, 20, 60, 99, 100, 101, 110, 115, 120, 999])
def test_a_number_is_read_as_it_is_said(number):
    assert f"{number}岁" in numerals.variants(numerals.to_han(number) + "岁") or number == 0


@pytest.mark.parametrize(
    ("written", "plain"),
    [("jiéhūn", "jiehun"), ("lǜshī", "lvshi"), ("LÜSHI", "lvshi"), ("lu:shi", "lvshi"), ("lvshi", "lvshi"),
     ("hu4kou3", "hukou"), ("paiwu4zheng4", "paiwuzheng"), ("usb3", "usb3"), ("windows2", "windows2"),
     ("ab1ba2ny3", "ab1ba2ny3"), ("xian" * 20 + "q1", "xian" * 20 + "q1"),
     ("xi'an", "xian"), ("mp3", "mp3"), ("b2驾照", "b2驾照"), ("12345", "12345")],
)  # fmt: skip
def test_pinyin_is_one_whichever_way_it_is_written(written, plain):
    assert latin.plain(written) == plain


@pytest.mark.parametrize(
    ("query", "word"),
    [("信访", "新房"), ("退押金", "退休金"), ("复婚登记", "离婚登记"), ("监察", "检查"), ("王芳", "网房")],
)
def test_right_chinese_is_no_slip(query, word):
    assert not corrections.may_be(query, word, corrections.guard(query, 0, len(query)))


@pytest.mark.parametrize(("query", "word"), [("社报卡", "社保卡"), ("身份正", "身份证"), ("施工许证可", "施工许可证")])
def test_what_lies_outside_all_words_may_be_a_slip(query, word):
    assert corrections.may_be(query, word, corrections.guard(query, 0, len(query)))


@pytest.mark.parametrize(
    ("letters", "may_be"), [("shebaoak", True), ("taobao", False), ("visa", False), ("jiehuun", True)]
)
def test_whole_syllables_and_few_letters_are_no_slip(letters, may_be):
    assert corrections.may_be_pinyin_slip(letters) is may_be
