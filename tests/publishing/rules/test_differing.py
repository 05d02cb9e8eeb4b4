"""How two contents differ, as people read it."""

from hypothesis import given

from qe_ban.publishing.rules.content import canonical, digest
from qe_ban.publishing.rules.differences import Change, changes
from tests.publishing.rules.contents import block, content, contents


@given(contents, contents)
def test_two_contents_differ_exactly_when_their_digests_do(before, after):
    assert (changes(before, after) == []) == (digest(before) == digest(after))


@given(contents)
def test_a_content_does_not_differ_from_its_canonical_form(said):
    assert changes(said, said) == changes(said, canonical(said)) == []


@given(contents)
def test_a_difference_is_told_in_chinese_and_with_the_ids_of_its_blocks(said):
    for one in changes({"blocks": []}, said):
        assert any("\u4e00" <= char <= "\u9fff" for char in one.heading)
        assert one.before is None
        assert one.place.startswith("blocks.b") or "." not in one.place


def test_fields_of_the_page_are_told_by_their_headings():
    before, after = {"title": "旧", "audiences": ["firm"]}, {"title": "新", "audiences": ["firm", "person"]}
    assert changes(before, after) == [
        Change("title", "标题", "旧", "新"),
        Change("audiences", "面向对象", "企业", "企业、个人"),
    ]


def test_added_and_removed_blocks_are_told_whole():
    contact = {"name": "政务热线", "phone": "12345"}
    added = content(block("contacts", heading="联系我们", contacts=[contact], aim={"real_name": True}))
    said = "类型：联系方式；标题：联系我们\n显示条件：已实名：是\n联系方式 1：单位：政务热线；电话：12345"
    assert changes({}, added) == [Change("blocks.one", "新增区块“联系我们”（联系方式，one）", None, said)]
    assert changes(added, {}) == [Change("blocks.one", "删除区块“联系我们”（联系方式，one）", said, None)]


def test_a_changed_block_is_told_by_its_changed_fields():
    before = content(block("policy_list", shown=3, aim={"districts": ["370202"]}, starts_at="2022-05-01T00:00:00Z"))
    after = content(block("policy_list", shown=5, heading="政策", ends_at="2022-06-01T00:00:00+08:00"))
    title = "区块“政策”（政策列表，one）："
    assert changes(before, after) == [
        Change("blocks.one.heading", f"{title}标题", None, "政策"),
        Change("blocks.one.starts_at", f"{title}开始显示时间", "2022-05-01 08:00:00", None),
        Change("blocks.one.ends_at", f"{title}结束显示时间", None, "2022-06-01 00:00:00"),
        Change("blocks.one.aim", f"{title}显示条件", "区市：370202", None),
        Change("blocks.one.shown", f"{title}首屏显示条数", "3", "5"),
    ]


def test_rows_are_recognised_by_their_key():
    before = content(block("contacts", contacts=[{"name": "甲", "phone": "1"}, {"name": "乙", "phone": "2"}]))
    after = content(
        block("contacts", contacts=[{"name": "乙", "phone": "3", "note": "午休"}, {"name": "丙", "phone": "4"}])
    )
    title = "区块（联系方式，one）：联系方式"
    assert changes(before, after) == [
        Change("blocks.one.contacts", f"{title}“乙”", "电话：2；备注：无", "电话：3；备注：午休"),
        Change("blocks.one.contacts", f"{title}“丙”", None, "单位：丙；电话：4"),
        Change("blocks.one.contacts", f"{title}“甲”", "单位：甲；电话：1", None),
    ]


def test_a_changed_order_is_told_of_rows_and_of_blocks():
    rows = [{"name": name, "phone": "1"} for name in ("甲", "乙")]
    before = content(block("contacts", id="a", contacts=rows), block("questions", id="b"))
    after = content(block("questions", id="b"), block("contacts", id="a", contacts=rows[::-1]))
    assert changes(before, after) == [
        Change("blocks.a.contacts", "区块（联系方式，a）：联系方式的顺序", "甲、乙", "乙、甲"),
        Change("blocks", "区块的顺序", "（联系方式，a）、（常见问题，b）", "（常见问题，b）、（联系方式，a）"),
    ]


def test_a_block_of_another_type_under_the_same_id_is_told_whole():
    found = changes(content(block("contacts")), content(block("questions")))
    assert found == [Change("blocks.one", "更换区块（常见问题，one）", "类型：联系方式", "类型：常见问题")]


def test_a_block_of_a_type_that_is_no_more_is_told_nevertheless():
    found = changes(content({"id": "old", "type": "carousel", "speed": 3}), content(block("contacts")))
    assert [one.heading for one in found] == ["新增区块（联系方式，one）", "删除区块（未知类型，old）"]
