"""Rows that read otherwise by the clock or by their length: events and articles."""

from datetime import UTC, datetime, timedelta

import pytest

from qe_ban.publishing.rules import filtering
from qe_ban.publishing.rules.blocks.article import key_of
from qe_ban.publishing.rules.filtering import filter_for_view
from qe_ban.publishing.rules.views import View
from tests.publishing.rules.contents import NOW, block, content, page, stamp


def event(**fields):
    said = {"title": "甲", "starts_at": stamp(1), "ends_at": stamp(2), "stream": "https://live.gov.cn/a.m3u8"}
    return block("event", events=[said | {"replay": "https://live.gov.cn/replay"} | fields])


@pytest.mark.parametrize(
    ("minutes", "state", "stream", "replay", "turns"),
    [
        (0, "upcoming", False, False, 50),
        (49.9, "upcoming", False, False, 50),
        (50, "upcoming", True, False, 60),
        (60, "live", True, False, 120),
        (119.9, "live", True, False, 120),
        (120, "replay", False, True, None),
    ],
)
def test_an_event_follows_the_clock_and_tells_its_stream_while_it_runs(minutes, state, stream, replay, turns):
    payload, next_change_at = filter_for_view(page(content(event())), View(), NOW + timedelta(minutes=minutes))
    (row,) = payload["blocks"][0]["events"]
    assert (row["state"], row["stream"] is not None, row["replay"] is not None) == (state, stream, replay)
    assert next_change_at == (None if turns is None else NOW + timedelta(minutes=turns))


@pytest.mark.parametrize(
    ("fields", "hours", "state", "name"),
    [
        ({"replay": None}, 3, "ended", "已结束"),
        ({"status": "planned"}, 1.5, "live", "正在直播"),
        ({"status": "cancelled"}, 1.5, "cancelled", "已取消"),
        ({"status": "postponed"}, 0, "postponed", "已延期"),
        ({"stream": None}, 1.5, "live", "正在直播"),
    ],
)
def test_an_event_is_off_as_the_editor_says(fields, hours, state, name):
    payload, next_change_at = filter_for_view(page(content(event(**fields))), View(), NOW + timedelta(hours=hours))
    (row,) = payload["blocks"][0]["events"]
    assert (row["state"], row["state_name"]) == (state, name)
    if state in ("cancelled", "postponed"):
        assert (row["stream"], row["replay"], next_change_at) == (None, None, None)


def test_events_at_the_edges_of_the_calendar_do_no_harm():
    edges = {"starts_at": "0001-01-01T00:00:00Z", "ends_at": "9999-12-31T23:59:59Z"}
    for now in (NOW, datetime(1, 1, 1, 0, 5, tzinfo=UTC)):
        (row,) = filter_for_view(page(content(event(**edges))), View(), now)[0]["blocks"][0]["events"]
        assert row["state"] == "live"


def test_a_long_article_comes_without_its_body_and_is_given_whole_by_its_key():
    short, long = "<p>" + "字" * 1993 + "</p>", "<p>" + "字" * 1994 + "</p>"
    said = page(content(block("article", articles=[{"title": "短", "body": short}, {"title": "长", "body": long}])))
    rows = filter_for_view(said, View(), NOW)[0]["blocks"][0]["articles"]
    assert [(row["title"], row["long"], row["body"]) for row in rows] == [("短", False, short), ("长", True, None)]
    assert rows[1]["key"] == key_of("长")
    assert filtering.article(said, View(), NOW, "one", key_of("长"))["body"] == long
    assert filtering.article(said, View(), NOW, "one", key_of("短"))["body"] == short


def test_an_article_that_the_view_does_not_see_is_not_given():
    said = page(
        content(block("article", articles=[{"title": "甲"}], starts_at=stamp(1)), block("rich_text", html="文", id="b"))
    )
    assert filtering.article(said, View(), NOW, "one", key_of("甲")) is None
    later = NOW + timedelta(hours=1)
    assert filtering.article(said, View(), later, "one", key_of("甲"))["title"] == "甲"
    assert filtering.article(said, View(), later, "one", key_of("乙")) is None
    assert filtering.article(said, View(), later, "b", key_of("甲")) is None
