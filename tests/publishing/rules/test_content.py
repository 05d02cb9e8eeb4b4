"""What is wrong with a page's content is told, whatever it holds; and the form in which it is kept."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qe_ban.kernel.shapes import Fault
from qe_ban.publishing.rules import content as rules
from qe_ban.publishing.rules import page, rich
from qe_ban.publishing.rules.blocks import TYPES
from tests.publishing.rules.contents import HOSTS, SLUG, block, content, contents

NAMES = sorted(
    {field.name for field in (*page.PAGE, *page.BLOCK, *page.AIM)}
    | {"blocks", "aim"}
    | {table.name for one in TYPES.values() for table in one.tables}
    | {field.name for one in TYPES.values() for field in one.fields}
    | {field.name for one in TYPES.values() for table in one.tables for field in table.fields}
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(list(TYPES)),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), inner, max_size=6)
    ),
    max_leaves=20,
)
hostile_blocks = st.lists(
    st.builds(
        lambda said, word: said | {"type": word},
        st.dictionaries(st.sampled_from(NAMES), anything, max_size=8),
        st.sampled_from(list(TYPES)),
    ),
    max_size=4,
)


def found(said, *, district_hall=True):
    return rules.faults(said, district_hall=district_hall, link_hosts=HOSTS)


def errors(said, **options):
    return {fault.place: fault.message for fault in found(said, **options) if fault.severity == "error"}


def warnings(said, **options):
    return {fault.place for fault in found(said, **options) if fault.severity == "warning"}


def chinese(fault: Fault) -> bool:
    return any("\u4e00" <= char <= "\u9fff" for char in fault.message)


@given(
    anything
    | st.builds(lambda said, listed: {"blocks": listed} | said, anything.filter(dict.__instancecheck__), st.none())
)
def test_nothing_that_json_can_hold_makes_the_checks_fail(hostile):
    assert all(chinese(fault) for fault in found(hostile))


@given(hostile_blocks, st.booleans())
def test_no_block_that_json_can_hold_makes_the_checks_fail(hostile, district_hall):
    told = found({"blocks": hostile}, district_hall=district_hall)
    assert all(chinese(fault) for fault in told)
    if not any(fault.severity == "error" for fault in told):
        rules.clean({"blocks": hostile}, HOSTS)


@given(contents)
def test_what_the_tables_allow_has_no_errors(said):
    assert errors(said, district_hall=False) == {}


def test_an_empty_page_is_right_and_no_object_is_none():
    assert found({}) == found({"blocks": []}) == found({"blocks": None}) == []
    for wrong in (None, [], "page", 3):
        assert set(errors(wrong)) == {""}
    assert set(errors({"blocks": {"0": {}}})) == {"blocks"}
    assert set(errors({"blocks": ["banner", None]})) == {"blocks.0", "blocks.1"}


def test_places_name_the_block_the_row_and_the_field():
    slide = {"title": "标题", "picture": "0" * 64, "alt": "说明"}
    said = content(block("contacts", id="a"), block("banner", id="b", slides=[slide, slide | {"title": "长" * 41}]))
    assert errors(said) == {"blocks.1.slides.1.title": "最多 40 个字符，现有 41 个"}


def test_unknown_types_and_fields_are_named():
    assert set(errors(content(block("carousel", slides=[])))) == {"blocks.0.type"}
    assert set(errors(content({"id": "a"}))) == {"blocks.0.type"}
    assert set(errors(content(block("questions", color="red")))) == {"blocks.0.color"}
    assert set(errors(content(block("questions", slides=[])))) == {"blocks.0.slides"}
    assert set(errors(content(block("questions", aim={"city": "x"})))) == {"blocks.0.aim.city"}
    assert set(errors({"color": "red"})) == {"color"}


def test_ids_are_slugs_and_each_is_had_once():
    assert errors(content(block("contacts", id="a"), block("questions", id="a"))) == {
        "blocks.1.id": "与第 1 个区块的编号重复"
    }
    for wrong in ("A", "a b", "-a", "中", "a" * 41, 7):
        assert set(errors(content(block("contacts", id=wrong)))) == {"blocks.0.id"}
    assert set(errors({"blocks": [{"type": "contacts"}]})) == {"blocks.0.id"}


def test_a_page_of_five_thousand_blocks_has_one_fault():
    many = {"blocks": [{"type": "rich_text", "html": "<p>x</p>"}] * 5000}
    assert errors(many) == {"blocks": "最多 200 项，现有 5000 项"}
    assert found(many) == [Fault("blocks", "最多 200 项，现有 5000 项")]
    assert (
        found(
            content(
                *[block("contacts", id=f"b{number}", contacts=[{"name": "甲", "phone": "1"}]) for number in range(200)]
            )
        )
        == []
    )


def test_a_page_over_512_kib_is_refused_by_its_size():
    html = "<p>" + "字" * 19000 + "</p>"
    nine, ten = (
        content(*[block("rich_text", id=f"b{number}", html=html) for number in range(count)]) for count in (9, 10)
    )
    assert found(nine) == []
    assert list(errors(ten)) == ["blocks"]
    assert "524288" in errors(ten)["blocks"]


def test_of_thousands_of_faults_two_hundred_are_told_and_errors_come_first():
    warned = block("contacts", id="w")
    wrong = {f"field{number}": 1 for number in range(5000)}
    told = found({"blocks": [warned]} | wrong)
    assert len(told) == 200
    assert all(fault.severity == "error" for fault in told)
    assert told[-1].message == "另有 4802 处问题没有列出"


def test_many_warnings_do_not_hide_an_error():
    listed = [block("contacts", id=f"b{number}") for number in range(200)]
    listed[199]["heading"] = "长" * 41
    listed[0] |= {"contacts": [{"name": "甲", "phone": "1"}] * 30}
    assert found({"blocks": listed})[0] == Fault("blocks.199.heading", "最多 40 个字符，现有 41 个")


def test_blocks_end_after_they_start_and_time_zones_are_minded():
    def timed(start, end):
        return errors(content(block("contacts", starts_at=start, ends_at=end)))

    assert timed("2022-05-01T08:00:00+08:00", "2022-05-01T00:00:01Z") == {}
    assert set(timed("2022-05-01T08:00:00+08:00", "2022-05-01T00:00:00Z")) == {"blocks.0.ends_at"}
    assert set(timed("2022-05-01T08:00:00", "2022-05-01")) == {"blocks.0.starts_at", "blocks.0.ends_at"}
    assert set(timed("2022-02-30T08:00:00Z", "0001-01-01T00:00:00+08:00")) == {"blocks.0.starts_at", "blocks.0.ends_at"}


def test_aims_are_checked():
    def aimed(**aim):
        return set(errors(content(block("contacts", aim=aim))))

    assert aimed(districts=["370202"], real_name=False, age_mode="elder", audiences=["firm"]) == set()
    assert (
        aimed(districts=["市南区"]) == aimed(districts="370202") == aimed(districts=[1]) == {"blocks.0.aim.districts"}
    )
    assert aimed(districts=["３７０２０２"]) == {"blocks.0.aim.districts"}
    assert aimed(real_name="yes", age_mode="old", audiences=["dog"]) == {
        "blocks.0.aim.real_name",
        "blocks.0.aim.age_mode",
        "blocks.0.aim.audiences",
    }
    assert set(errors(content(block("contacts", aim="all")))) == {"blocks.0.aim"}


@pytest.mark.parametrize("hidden", ["\u202e", "\u2066", "\u200b", "\ufeff", "\0", "\x1b", "\ud800", "\r", "\u2028"])
def test_texts_hold_nothing_that_nobody_sees(hidden):
    text = f"a{hidden}b"
    said = {"title": text, "summary": text} | content(
        block("rich_text", id="a", heading=text, html=f"<p>{text}</p>"),
        block("questions", id="b", questions=[{"question": text, "answer": text}]),
        block("policy_list", id="c", policies=[{"title": "甲", "issuer": "乙", "tags": [text]}]),
    )
    assert set(errors(said)) == {
        "title",
        "summary",
        "blocks.0.heading",
        "blocks.0.html",
        "blocks.1.questions.0.question",
        "blocks.1.questions.0.answer",
        "blocks.2.policies.0.tags",
    }


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "https://user:secret@www.qingdao.gov.cn/",
        "http://www.qingdao.gov.cn/",
        "https://evil.example/",
        "https://gov.cn.evil.example/",
        "https://evilgov.cn/",
        "//www.qingdao.gov.cn/",
        "https://www.qingdao.gov.cn\\@evil.example/",
    ],
)
def test_links_lead_by_https_to_allowed_hosts_only(link):
    row = {"title": "甲", "link": link}
    assert set(errors(content(block("notice", notices=[row])))) == {"blocks.0.notices.0.link"}
    assert errors(content(block("notice", notices=[row | {"link": "https://www.qingdao.gov.cn/a"}]))) == {}


def test_text_of_which_nothing_would_stay_is_refused():
    for html in ("<script>alert(1)</script>", "<p> </p>", "<img src=x onerror=alert(1)>"):
        assert set(errors(content(block("rich_text", html=html)))) == {"blocks.0.html"}


def test_text_that_grows_over_its_limit_by_cleaning_is_refused():
    assert set(errors(content(block("rich_text", html="&" * 20000)))) == {"blocks.0.html"}


@given(contents)
def test_the_canonical_form_is_its_own_and_survives_json(said):
    plain = rules.canonical(said)
    assert rules.canonical(plain) == plain
    assert json.loads(rules.encode(plain)) == plain
    assert rules.digest(said) == rules.digest(plain)
    assert errors(plain) == {}


@given(contents)
def test_what_was_cleaned_is_clean(said):
    kept, told = rules.clean(said, HOSTS)
    assert told == []
    assert rules.clean(kept, HOSTS) == (kept, [])
    assert rules.canonical(kept) == kept


def test_what_is_not_told_is_left_out_of_the_canonical_form():
    said = {"title": "", "banner": None, "hides": []} | content(
        block("contacts", heading="", aim={"districts": []}, contacts=[{"name": "甲", "phone": "1", "note": None}]),
        block("app_grid", id="b", apps=[], local=False),
    )
    assert rules.canonical(said) == {
        "blocks": [
            {"id": "one", "type": "contacts", "contacts": [{"name": "甲", "phone": "1"}]},
            {"id": "b", "type": "app_grid", "local": False},
        ]
    }


def test_order_counts_only_where_it_says_something():
    one, other = (
        {"audiences": audiences, "hides": hides}
        | content(block("app_grid", apps=["x", "a", "x"], aim={"districts": districts}))
        for audiences, hides, districts in (
            (["firm", "person"], ["b", "a"], ["370212", "370202"]),
            (["person", "firm", "person"], ["a", "b"], ["370202", "370212"]),
        )
    )
    assert rules.digest(one) == rules.digest(other)
    assert rules.canonical(one)["blocks"][0]["apps"] == ["x", "a"]


def test_moments_are_kept_in_utc():
    said = content(block("contacts", starts_at="2022-05-01T00:00:00.5+08:00", ends_at="2022-05-01t00:00:00z"))
    kept = rules.canonical(said)["blocks"][0]
    assert (kept["starts_at"], kept["ends_at"]) == ("2022-04-30T16:00:00.500000Z", "2022-05-01T00:00:00Z")


def test_what_cleaning_takes_out_is_told_and_not_kept():
    html = '<p onclick="x()">看<a href="https://evil.example/">这里</a><a href="https://a.gov.cn/">那里</a></p>'
    kept, told = rules.clean(content(block("rich_text", html=html)), HOSTS)
    assert [(fault.place, fault.severity) for fault in told] == [("blocks.0.html", "warning")]
    assert "evil" not in rules.encode(kept)
    assert "onclick" not in rules.encode(kept)
    assert 'href="https://a.gov.cn/"' in kept["blocks"][0]["html"]


@given(st.lists(SLUG, max_size=3))
def test_only_a_district_hall_hides_replaces_and_follows(hides):
    said = {"hides": hides} | content(block("contacts", replaces="x", after="y"))
    assert errors(said) == {}
    assert set(errors(said, district_hall=False)) == {"blocks.0.replaces", "blocks.0.after"} | (
        {"hides"} if hides else set()
    )


def test_what_a_person_pastes_is_spelled_as_it_was_meant():
    said = content(
        block("rich_text", id="a", html="<p>一\t二</p>\r\n<p>三</p>\r"),
        block("notice", id="b", notices=[{"title": "标\t题", "body": "一\r\n二\t三"}, 5]),
        block("questions", id="c", questions=[{"question": "问\r", "answer": "\t答"}]),
    )
    made = rules.normalize_texts(said)["blocks"]
    assert made[0]["html"] == "<p>一 二</p>\n<p>三</p>\n"
    assert made[1]["notices"] == [{"title": "标\t题", "body": "一\n二 三"}, 5]
    assert made[2]["questions"] == [{"question": "问\n", "answer": " 答"}]
    assert said["blocks"][0]["html"].count("\r") == 2


@given(anything.filter(dict.__instancecheck__) | st.builds(lambda listed: {"blocks": listed}, hostile_blocks))
def test_nothing_that_json_can_hold_stops_the_spelling(hostile):
    assert set(rules.normalize_texts(hostile)) == set(hostile)


@pytest.mark.parametrize("piece", ["<ul><li>", "<b x>", "<p>x"])
def test_of_a_page_full_of_hostile_text_nothing_is_cleaned(piece, monkeypatch):
    """As much as a body may hold, and more than a page may: cleaning is what costs time."""
    monkeypatch.setattr(rich, "clean", pytest.fail)
    html = (piece * 20_000)[:19_990]
    said = content(*(block("rich_text", id=f"b{number}", html=f"{html}{number}") for number in range(52)))
    assert "最多 524288" in errors(said, district_hall=False)["blocks"]
