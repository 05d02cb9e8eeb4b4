"""Dates that are hardly meant: every date of every type of block, by the kinds of its fields."""

from datetime import UTC, datetime

import pytest

from qe_ban.kernel import field_types
from qe_ban.kernel.field_types import Field
from qe_ban.kernel.shapes import Table
from qe_ban.publishing.rules import blocks, content, timeliness
from qe_ban.publishing.rules.blocks import TYPES, BlockType
from tests.publishing.rules.contents import HOSTS

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def warned(block):
    return [(one.place, one.code) for one in timeliness.warnings({"blocks": [block]}, NOW)]


def notice(**times):
    return {"id": "n", "type": "notice", "notices": [{"title": "停水"} | times]}


def event(starts_at, ends_at):
    return {"id": "e", "type": "event", "events": [{"title": "会", "starts_at": starts_at, "ends_at": ends_at}]}


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (notice(starts_at="2025-12-01T00:00:00Z", ends_at="2025-12-05T00:00:00Z"), [("ends_at", "date_over")]),
        (notice(starts_at="2062-12-01T00:00:00Z"), [("starts_at", "date_far")]),
        (notice(published_on="1026-12-01"), [("published_on", "date_early")]),
        (notice(published_on="2027-12-01"), [("published_on", "date_ahead")]),
        (notice(starts_at="1926-12-01T00:00:00Z"), [("starts_at", "date_early")]),
        (notice(starts_at="2026-12-01T00:00:00Z", ends_at="2126-12-05T00:00:00Z"),
         [("ends_at", "date_far"), ("ends_at", "date_span_long")]),
        (notice(starts_at="2026-12-01T00:00:00Z", ends_at="2026-12-05T00:00:00Z", published_on="2026-11-30"), []),
    ],
)  # fmt: skip
def test_a_wrong_year_of_a_notice_is_noticed(block, expected):
    assert warned(block) == [(f"blocks.0.notices.0.{name}", code) for name, code in expected]


def test_an_event_of_a_year_and_one_that_is_over_are_noticed():
    assert warned(event("2026-12-01T01:00:00Z", "2027-12-01T01:00:00Z")) == [
        ("blocks.0.events.0.ends_at", "date_span_long")
    ]
    assert warned(event("2025-12-01T01:00:00Z", "2025-12-01T03:00:00Z")) == [("blocks.0.events.0.ends_at", "date_over")]


def test_the_times_of_a_block_itself_are_looked_at_too():
    block = {"id": "a", "type": "rich_text", "html": "<p>一</p>", "ends_at": "2025-12-05T00:00:00Z"}
    (warning,) = timeliness.warnings({"blocks": [block]}, NOW)
    assert (warning.place, warning.severity) == ("blocks.0.ends_at", "warning")
    assert "已过期，不会显示" in warning.message


def test_every_date_of_every_type_of_block_is_looked_at():
    for block_type in TYPES.values():
        for table in block_type.tables:
            for field in (one for one in table.fields if one.type in (field_types.MOMENT, field_types.DATE)):
                value = "1026-12-01" if field.type is field_types.DATE else "1026-12-01T00:00:00Z"
                block = {"id": "a", "type": block_type.slug, table.name: [{field.name: value}]}
                assert warned(block), (block_type.slug, field.name)


@pytest.fixture
def new_type(monkeypatch):
    """A type of block that nobody has thought of yet, with times of its own names."""
    fields = (
        Field("title", "名称", max=20),
        Field("starts_on", "开始日期", field_types.DATE),
        Field("ends_on", "结束日期", field_types.DATE),
    )
    course = BlockType("course", "课程", tables=(Table("courses", "课程", "title", 5, fields),))
    monkeypatch.setattr(blocks, "TYPES", TYPES | {"course": course})
    for module in ("timeliness", "field_values", "content", "checks"):
        monkeypatch.setattr(f"qe_ban.publishing.rules.{module}.TYPES", TYPES | {"course": course}, raising=False)


@pytest.mark.usefixtures("new_type")
def test_a_new_type_of_block_gets_all_of_this_by_its_fields():
    row = {"title": "一", "starts_on": "2025-01-01", "ends_on": "2026-02-01"}
    block = {"id": "a", "type": "course", "courses": [row]}
    assert warned(block) == [
        ("blocks.0.courses.0.ends_on", "date_over"),
        ("blocks.0.courses.0.ends_on", "date_span_long"),
    ]
    row["ends_on"] = "2024-01-01"
    faults = content.faults({"blocks": [block]}, district_hall=False, link_hosts=HOSTS)
    assert ("blocks.0.courses.0.ends_on", "error") in [(fault.place, fault.severity) for fault in faults]
