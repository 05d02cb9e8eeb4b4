"""The types of blocks: told once, complete, and each with what only it minds."""

import pkgutil

import pytest

from qe_ban.kernel import field_types
from qe_ban.publishing.rules import blocks, content, page
from qe_ban.publishing.rules.blocks import TYPES
from tests.publishing.rules.contents import ENTRY, HOSTS, MEDIA, block
from tests.publishing.rules.contents import content as page_of

NO_TYPES = {"block_type", "parts", "words"}
REFERRED = {"app", "place", "zone", "code_kind", "stream", ""}


def faults(*listed):
    found = content.faults(page_of(*listed), district_hall=False, link_hosts=HOSTS)
    return {fault.place.removeprefix("blocks.0."): fault.message for fault in found if fault.severity == "error"}


def warnings(*listed):
    found = content.faults(page_of(*listed), district_hall=False, link_hosts=HOSTS)
    return {fault.place.removeprefix("blocks.0.") for fault in found if fault.severity == "warning"}


def test_every_file_is_a_type_of_its_name_and_every_type_is_offered():
    files = {module.name for module in pkgutil.iter_modules(blocks.__path__)} - NO_TYPES
    assert set(TYPES) == files
    assert all(one.slug == slug for slug, one in TYPES.items())


@pytest.mark.parametrize("block_type", TYPES.values(), ids=lambda one: one.slug)
def test_a_type_is_told_whole(block_type):
    names = [field.name for field in block_type.fields] + [table.name for table in block_type.tables]
    common = {field.name for field in page.BLOCK} | {"aim"}
    assert len(set(names)) == len(names)
    assert not common & set(names)
    assert names
    for table in block_type.tables:
        own = {field.name: field for field in table.fields}
        assert own[table.key].required
        assert len(own) == len(table.fields)
    tables = {table.name for table in block_type.tables}
    assert {*block_type.timed_tables, *(block_type.render_row or ())} <= tables
    every = [*block_type.fields, *(field for table in block_type.tables for field in table.fields)]
    for field in every:
        assert field.heading
        assert field.refers in REFERRED
        assert bool(field.choices) == (field.type in (field_types.CHOICE, field_types.CHOICES))
        assert (field.type is not field_types.SLUGS) or field.refers


def test_a_slide_leads_to_one_place_at_most():
    slide = {"title": "甲", "picture": MEDIA, "alt": "乙"}
    assert faults(block("banner", slides=[slide, slide | {"title": "丙", "zone": "karos"}])) == {}
    both = slide | {"item": ENTRY, "zone": "karos"}
    assert list(faults(block("banner", slides=[both]))) == ["slides.0.zone"]


def test_a_slide_has_a_picture_that_is_described():
    assert set(faults(block("banner", slides=[{"title": "甲"}]))) == {"slides.0.picture", "slides.0.alt"}
    wrong = {"title": "甲", "alt": "乙", "picture": "photo.svg"}
    assert set(faults(block("banner", slides=[wrong]))) == {"slides.0.picture"}


def test_apps_are_named_or_all_of_the_district():
    assert faults(block("app_grid", apps=["bus"])) == faults(block("app_grid", local=True)) == {}
    assert set(faults(block("app_grid"))) == set(faults(block("app_grid", local=False))) == {"apps"}


def test_places_are_named_or_of_some_kinds():
    assert faults(block("places", places=["a"])) == faults(block("places", kinds=["testing"])) == {}
    assert set(faults(block("places"))) == {"places"}
    assert set(faults(block("places", kinds=["moon"]))) == {"kinds"}


def test_a_demand_form_says_what_is_agreed_to():
    assert set(faults(block("demand_form"))) == {"consent", "industries"}
    assert faults(block("demand_form", consent="同意", industries=["food"])) == {}


def test_an_event_ends_after_it_starts_and_streams_by_hls():
    event = {"title": "甲", "starts_at": "2022-05-01T08:00:00+08:00", "ends_at": "2022-05-01T09:00:00+08:00"}
    assert faults(block("event", events=[event | {"stream": "https://live.gov.cn/a/b.m3u8?token=1"}])) == {}
    assert set(faults(block("event", events=[event | {"stream": "https://live.gov.cn/a.mp4?x=.m3u8"}]))) == {
        "events.0.stream"
    }
    assert set(faults(block("event", events=[event | {"stream": "https://evil.example/a.m3u8"}]))) == {
        "events.0.stream"
    }
    assert set(faults(block("event", events=[event | {"ends_at": "2022-05-01T00:00:00Z"}]))) == {"events.0.ends_at"}
    assert set(faults(block("event", events=[{"title": "甲"}]))) == {"events.0.starts_at", "events.0.ends_at"}


def test_a_notice_ends_after_it_starts():
    notice = {"title": "甲", "starts_at": "2022-05-01T08:00:00+08:00", "ends_at": "2022-05-01T00:00:00Z"}
    assert set(faults(block("notice", notices=[notice]))) == {"notices.0.ends_at"}


@pytest.mark.parametrize("wrong", ["2022-5-1", "2022-02-30", "20220501", "2022-W01-1", "五月一日", "0000-01-01"])
def test_dates_are_dates(wrong):
    assert set(faults(block("notice", notices=[{"title": "甲", "published_on": wrong}]))) == {"notices.0.published_on"}
    assert set(faults(block("policy_list", policies=[{"title": "甲", "issuer": "乙", "issued_on": wrong}]))) == {
        "policies.0.issued_on"
    }


def test_a_list_shows_one_to_twenty_rows_on_the_screen():
    for wrong in (0, 21, -1, "5", True):
        assert set(faults(block("policy_list", shown=wrong))) == {"shown"}
        assert set(faults(block("solution_list", shown=wrong))) == {"shown"}
    assert faults(block("policy_list", shown=1), block("solution_list", id="b", shown=20)) == {}


def test_two_articles_of_a_block_do_not_have_one_title():
    assert set(faults(block("article", articles=[{"title": "甲"}, {"title": "甲"}]))) == {"articles.1.title"}


def test_pictures_without_a_description_and_cases_of_no_solution_are_warned_of():
    solution = {"name": "甲", "provider": "乙", "industries": ["food"], "summary": "丙", "picture": MEDIA}
    case = {"title": "丁", "firm": "戊", "result": "己", "solution": "别的"}
    said = block("solution_list", solutions=[solution], cases=[case])
    assert faults(said) == {}
    assert warnings(said) == {"solutions.0.alt", "cases.0.solution"}


def test_a_block_without_rows_is_warned_of():
    assert warnings(block("questions")) == {"questions"}
    assert faults(block("questions")) == {}
