import pytest

from qe_ban.items.errors import HallUnknown


@pytest.mark.parametrize(
    "typed", ["社", "社会", "社会保障卡", "s", "sh", "sheh", "shbz", "社保", "shebao", "sbk", "社报卡", "社會"]
)
def test_the_popular_name_comes_first(suggest, typed):
    assert suggest(typed)[0].name == "社会保障卡申领"


def test_each_name_comes_once_and_ten_at_most(suggest):
    found = [one.name for one in suggest("j")]
    assert len(found) == len(set(found)) <= 10
    assert "居民身份证申领" in found


def test_a_later_word_may_begin_so_too(suggest):
    assert [one.name for one in suggest("驾驶")] == ["机动车驾驶证期满换证", "机动车驾驶证补领"]
    assert suggest("sfz")[0].matched == [(2, 5)]


def test_what_is_highlighted_is_the_name_or_else_the_alias_is_told(suggest):
    own, other = suggest("社会保")[0], suggest("社保")[0]
    assert (own.matched, own.alias) == ([(0, 3)], None)
    assert (other.matched, other.alias) == ([], "社保卡")


def test_a_suggestion_leads_to_the_hall_s_own_item(suggest, search):
    codes = {item.district.code: item.code for item in search("结婚登记", hall="laoshan").items}
    assert suggest("结婚", "laoshan")[0].code == codes["370212"]
    assert suggest("登山", "laoshan")
    assert not suggest("登山", "shinan")
    with pytest.raises(HallUnknown):
        suggest("结婚", "atlantis")


@pytest.mark.parametrize("typed", ["%", "'", "\\", "😀", "asdfgh", "&|!", "\u0301"])
def test_nonsense_suggests_nothing(suggest, typed):
    assert suggest(typed) == []
