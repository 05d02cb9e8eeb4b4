"""A page cut to what one view sees at a moment, and until when that holds."""

from copy import deepcopy
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qe_ban.kernel.field_types import moment_of
from qe_ban.publishing.rules import filtering
from qe_ban.publishing.rules.blocks import TYPES
from qe_ban.publishing.rules.filtering import filter_for_view
from qe_ban.publishing.rules.views import View
from tests.publishing.rules.contents import BODY, LAOSHAN, NOW, SHINAN, block, content, contents, page, stamp

views = st.builds(
    View,
    st.sampled_from([None, SHINAN, LAOSHAN]),
    st.booleans(),
    st.sampled_from(["standard", "elder"]),
    st.sampled_from(["person", "firm"]),
)


def shown(*blocks, view=View(), now=NOW, district=None):  # noqa: B008
    return filter_for_view(page(content(*blocks), district), view, now)[0]


def ids(*blocks, **options):
    return [one["id"] for one in shown(*blocks, **options)["blocks"]]


def rich(name, **fields):
    return block("rich_text", html="<p>文</p>", id=name, **fields)


@pytest.mark.parametrize(
    ("aim", "view", "sees"),
    [
        ({}, View(), True),
        ({"districts": [SHINAN]}, View(SHINAN), True),
        ({"districts": [SHINAN]}, View(LAOSHAN), False),
        ({"districts": [SHINAN]}, View(), False),
        ({"real_name": True}, View(real_name=True), True),
        ({"real_name": True}, View(), False),
        ({"real_name": False}, View(real_name=True), False),
        ({"real_name": False}, View(), True),
        ({"age_mode": "elder"}, View(age_mode="elder"), True),
        ({"age_mode": "elder"}, View(), False),
        ({"audiences": ["firm"]}, View(audience="firm"), True),
        ({"audiences": ["firm"]}, View(), False),
        ({"audiences": ["firm", "person"]}, View(), True),
        ({"districts": [SHINAN], "age_mode": "elder"}, View(SHINAN), False),
    ],
)
def test_a_block_comes_to_whom_it_is_aimed_at(aim, view, sees):
    assert ids(rich("a", aim=aim), view=view) == (["a"] if sees else [])


def test_in_a_districts_hall_its_own_district_counts():
    aimed = rich("a", aim={"districts": [LAOSHAN]})
    assert ids(aimed, district=LAOSHAN, view=View(SHINAN)) == ["a"]
    assert ids(aimed, district=SHINAN, view=View(LAOSHAN)) == []


def test_a_block_comes_from_its_start_until_its_end():
    said = page(content(rich("a", starts_at=stamp(1), ends_at=stamp(2))))
    seen = []
    for hours in (0, 1, 1.99, 2, 3):
        payload, next_change_at = filter_for_view(said, View(), NOW + timedelta(hours=hours))
        seen.append((len(payload["blocks"]), next_change_at and (next_change_at - NOW) / timedelta(hours=1)))
    assert seen == [(0, 1), (1, 2), (1, 2), (0, None), (0, None)]


def test_the_time_of_what_is_aimed_at_others_changes_nothing():
    said = page(content(rich("a", starts_at=stamp(1), aim={"age_mode": "elder"})))
    assert filter_for_view(said, View(), NOW)[1] is None
    assert filter_for_view(said, View(age_mode="elder"), NOW)[1] == NOW + timedelta(hours=1)


def test_a_coming_version_changes_the_screen_too():
    said = content(rich("a", ends_at=stamp(2)))
    assert filter_for_view(page(said, next_change_at=NOW + timedelta(hours=1)), View(), NOW)[1] == NOW + timedelta(
        hours=1
    )
    assert filter_for_view(page(said, next_change_at=NOW + timedelta(hours=3)), View(), NOW)[1] == NOW + timedelta(
        hours=2
    )
    assert filter_for_view(page(said, next_change_at=NOW), View(), NOW)[1] == NOW + timedelta(hours=2)


def test_a_block_says_nothing_of_whom_and_when_it_is_for():
    said = rich("a", aim={"real_name": True}, starts_at=stamp(-1), ends_at=stamp(1), replaces="x", after="y")
    assert shown(said, view=View(real_name=True))["blocks"] == [
        {"id": "a", "type": "rich_text", "heading": None, "html": "<p>文</p>"}
    ]


def test_a_block_comes_with_all_its_fields_and_the_names_of_its_words():
    policy = {"title": "甲", "issuer": "乙", "sizes": ["small"]}
    (made,) = shown(block("policy_list", policies=[policy]))["blocks"]
    assert made["policies"] == [
        {
            "title": "甲",
            "number": None,
            "issuer": "乙",
            "issued_on": None,
            "summary": None,
            "industries": [],
            "industries_names": [],
            "sizes": ["small"],
            "sizes_names": ["小型企业"],
            "tags": [],
            "link": None,
            "item": None,
            "ends_at": None,
        }
    ]


def test_notices_come_beside_the_blocks_the_most_urgent_first():
    first = block("notice", id="a", notices=[{"title": "甲"}, {"title": "乙", "level": "important"}])
    second = block("notice", id="b", notices=[{"title": "丙", "level": "urgent"}, {"title": "丁", "level": "info"}])
    payload = shown(first, rich("c"), second)
    assert [one["id"] for one in payload["blocks"]] == ["c"]
    assert [one["title"] for one in payload["notices"]] == ["丙", "乙", "甲", "丁"]
    assert payload["notices"][0]["level_name"] == "紧急"
    assert shown()["notices"] == []


def test_rows_come_for_their_time():
    said = page(
        content(
            block("notice", notices=[{"title": "甲", "ends_at": stamp(1)}, {"title": "乙", "starts_at": stamp(2)}]),
            block("policy_list", id="p", policies=[{"title": "丙", "issuer": "丁", "ends_at": stamp(3)}]),
        )
    )
    seen = []
    now = NOW
    while now is not None:
        payload, next_change_at = filter_for_view(said, View(), now)
        rows = [row for one in payload["blocks"] for row in one["policies"]]
        seen.append("".join(row["title"] for row in [*payload["notices"], *rows]))
        now = next_change_at
    assert seen == ["甲丙", "丙", "乙丙", "乙"]


def test_a_list_shows_some_rows_and_says_how_many_there_are():
    policies = [{"title": f"政策{number}", "issuer": "局"} for number in range(12)]
    (made,) = shown(block("policy_list", shown=3, policies=policies))["blocks"]
    assert ([row["title"] for row in made["policies"]], made["total"]) == (["政策0", "政策1", "政策2"], 12)
    (made,) = shown(block("policy_list", policies=policies))["blocks"]
    assert (len(made["policies"]), made["total"]) == (10, 12)


def test_solutions_and_cases_are_counted_apart():
    solution = {"name": "甲", "provider": "乙", "industries": ["food"], "summary": "丙"}
    case = {"title": "丁", "firm": "戊", "result": "己", "industry": "food"}
    said = block("solution_list", shown=1, solutions=[solution] * 3, cases=[case] * 2)
    (made,) = shown(said)["blocks"]
    assert (made["total"], len(made["solutions"]), made["cases_total"], len(made["cases"])) == (3, 1, 2, 1)
    assert made["solutions"][0]["industries_names"] == ["食品饮料"]
    assert made["cases"][0]["industry_name"] == "食品饮料"


def test_all_rows_of_a_type_are_given_for_searching():
    policies = [{"title": f"政策{number}", "issuer": "局"} for number in range(12)]
    said = page(
        content(
            block("policy_list", id="a", shown=1, policies=policies),
            block("policy_list", id="b", policies=[{"title": "过期", "issuer": "局", "ends_at": stamp(-1)}]),
            block("policy_list", id="c", policies=policies[:1], aim={"age_mode": "elder"}),
        )
    )
    listed = filtering.rows(said, View(), NOW, "policy_list", "policies")
    assert [(row["block"], row["title"]) for row in listed] == [("a", f"政策{number}") for number in range(12)]
    with pytest.raises(KeyError):
        filtering.rows(said, View(), NOW, "policy_list", "solutions")


def test_the_office_is_that_of_the_page_else_of_the_view():
    grid = block("service_grid", services=[{"item": "370000000001", "label": "社保"}])

    def code(**options):
        return shown(grid, **options)["blocks"][0]["services"][0]["item"]["code"]

    assert code(view=View(SHINAN)) == f"code-{SHINAN}"
    assert code(view=View(SHINAN), district=LAOSHAN) == f"code-{LAOSHAN}"
    assert code() is None


def test_a_block_of_which_nothing_is_left_does_not_come():
    said = page(
        content(
            block("questions", id="a"),
            block("policy_list", id="b", shown=3, policies=[{"title": "甲", "issuer": "乙", "ends_at": stamp(-1)}]),
            block("places", id="c", kinds=["bank"]),
            block("app_grid", id="d", local=True),
        )
    )
    assert [one["id"] for one in filter_for_view(said, View(), NOW)[0]["blocks"]] == ["c", "d"]


def test_the_body_of_the_page_stands_beside_its_blocks():
    assert shown() == BODY | {"blocks": [], "notices": []}


@given(contents, views, st.sampled_from([None, SHINAN]))
def test_every_field_of_a_type_is_there_and_lists_are_lists(said, view, district):
    for made in filter_for_view(page(said, district), view, NOW)[0]["blocks"]:
        block_type = TYPES[made["type"]]
        rows = [(block_type.fields, made)]
        rows += [(table.fields, row) for table in block_type.tables for row in made[table.name]]
        for fields, row in rows:
            for field in fields:
                assert isinstance(row[field.name], list) == (field.type.is_list)


@given(contents, views, st.floats(-6, 7), st.floats(0, 1))
def test_a_screen_holds_until_it_is_said_to_turn(said, view, hours, part):
    dressed, now = page(said), NOW + timedelta(hours=hours)
    payload, next_change_at = filter_for_view(dressed, view, now)
    until = next_change_at or now + timedelta(days=4000)
    assert until > now
    later = now + (until - now) * part
    if later < until:
        assert filter_for_view(dressed, view, later) == (payload, next_change_at)


@given(contents, views, st.floats(-6, 7))
def test_cutting_leaves_the_page_as_it_was(said, view, hours):
    dressed = page(said)
    before = deepcopy(dressed.blocks)
    filter_for_view(dressed, view, NOW + timedelta(hours=hours))
    assert dressed.blocks == before


@given(contents, views)
def test_nothing_that_begins_later_is_told_before(said, view):
    for made in filter_for_view(page(said), view, NOW)[0]["notices"]:
        assert made["starts_at"] is None or moment_of(made["starts_at"]) <= NOW
        assert made["ends_at"] is None or moment_of(made["ends_at"]) > NOW
