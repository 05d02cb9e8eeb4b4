"""What a page refers to is found by its fields, and replaced by what that names."""

from hypothesis import given
from hypothesis import strategies as st

from qe_ban.kernel import field_types
from qe_ban.publishing.rules.blocks import TYPES
from qe_ban.publishing.rules.content import canonical
from qe_ban.publishing.service.references import Reference, references, resolve_blocks
from tests.publishing.rules.contents import ENTRY, MEDIA, block, content, contents


def all_found(said, stands=lambda key: True):
    """Everything that a content refers to, as sources would give it."""
    found = {}
    for one in references(said):
        if stands(one.key):
            found.setdefault(one.sort, {})[one.key] = {"is": one.key}
    return found


def test_references_are_told_with_their_places():
    said = {"banner": MEDIA} | content(
        block("banner", slides=[{"title": "甲", "picture": MEDIA, "alt": "乙", "zone": "karos"}]),
        block("app_grid", id="b", apps=["bus", "tax"]),
        block("service_grid", id="c", services=[{"item": ENTRY, "icon": "f" * 64}]),
        block("code_shortcut", id="d", kinds=["identity"]),
        block("notice", id="e", notices=[{"title": "甲", "link": "https://a.gov.cn/"}]),
        block("places", id="f", places=["hall-1"], kinds=["bank"]),
    )
    assert references(said) == [
        Reference("media", MEDIA, "banner", False),
        Reference("media", MEDIA, "blocks.0.slides.0.picture", True),
        Reference("zone", "karos", "blocks.0.slides.0.zone", False),
        Reference("app", "bus", "blocks.1.apps.0", False),
        Reference("app", "tax", "blocks.1.apps.1", False),
        Reference("item", ENTRY, "blocks.2.services.0.item", True),
        Reference("media", "f" * 64, "blocks.2.services.0.icon", False),
        Reference("code_kind", "identity", "blocks.3.kinds.0", True),
        Reference("link", "https://a.gov.cn/", "blocks.4.notices.0.link", False),
        Reference("place", "hall-1", "blocks.5.places.0", False),
    ]


def test_links_in_text_with_tags_are_references_each_once():
    html = '<a href="https://a.gov.cn/?x=1&amp;y=2" rel="noopener noreferrer">一</a>' * 2
    assert references(content(block("rich_text", html=html))) == [
        Reference("link", "https://a.gov.cn/?x=1&y=2", "blocks.0.html", False)
    ]


def test_a_stream_that_only_runs_with_the_event_is_no_reference():
    event = {"title": "甲", "starts_at": "2022-05-01T08:00:00Z", "ends_at": "2022-05-01T09:00:00Z"}
    told = event | {"stream": "https://a.gov.cn/a.m3u8", "replay": "https://a.gov.cn/replay"}
    assert [one.key for one in references(content(block("event", events=[told])))] == ["https://a.gov.cn/replay"]


def test_what_a_district_replaces_or_follows_is_no_reference():
    assert references({"hides": ["x"]} | content(block("contacts", replaces="y", after="z"))) == []


def test_a_row_whose_required_reference_is_gone_is_left_out_and_an_optional_one_becomes_null():
    said = content(
        block(
            "service_grid",
            services=[{"item": ENTRY, "icon": MEDIA, "label": "甲"}, {"item": "370000000002", "label": "乙"}],
        )
    )
    found = {"item": {ENTRY: {"entry": ENTRY}}, "media": {}}
    assert resolve_blocks(said, found) == [
        {"id": "one", "type": "service_grid", "services": [{"item": {"entry": ENTRY}, "icon": None, "label": "甲"}]}
    ]


def test_of_several_those_remain_that_stand_and_a_block_with_none_of_what_it_needs_is_left_out():
    said = content(block("app_grid", apps=["bus", "tax", "gas"]), block("code_shortcut", id="b", kinds=["identity"]))
    found = {"app": {"bus": {"name": "公交"}, "gas": {"name": "燃气"}}}
    assert resolve_blocks(said, found) == [
        {"id": "one", "type": "app_grid", "apps": [{"name": "公交"}, {"name": "燃气"}]},
    ]


def test_a_block_of_a_type_that_is_no_more_is_passed_over():
    said = content({"id": "old", "type": "carousel", "slides": [{"picture": MEDIA}]}, block("contacts"))
    assert references(said) == []
    assert [one["id"] for one in resolve_blocks(said, {})] == ["one"]


@given(contents)
def test_where_everything_stands_nothing_is_lost(said):
    plain = canonical(said)
    made = resolve_blocks(plain, all_found(plain))
    assert [one["id"] for one in made] == [one["id"] for one in plain["blocks"]]
    for one in plain["blocks"]:
        block_type = TYPES[one["type"]]
        same = next(other for other in made if other["id"] == one["id"])
        assert [len(one.get(table.name, [])) for table in block_type.tables] == [
            len(same.get(table.name, [])) for table in block_type.tables
        ]


@given(contents, st.sampled_from([MEDIA, ENTRY, "f" * 64]))
def test_what_is_gone_is_nowhere_in_what_was_dressed(said, gone):
    plain = canonical(said)
    made = resolve_blocks(plain, all_found(plain, lambda key: key != gone))
    for one in made:
        for table in TYPES[one["type"]].tables:
            for row in one.get(table.name, []):
                for field in table.fields:
                    if field.type in (field_types.MEDIA, field_types.ENTRY):
                        assert row.get(field.name) != {"is": gone}
                        assert row.get(field.name) is not None or not field.required


@given(contents)
def test_dressing_leaves_the_content_as_it_was(said):
    plain = canonical(said)
    before = canonical(plain)
    resolve_blocks(plain, all_found(plain))
    assert plain == before
