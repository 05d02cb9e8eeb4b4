"""What zones show: the list, one call a screen, lists with search and counts, events by the clock."""

from datetime import timedelta
from urllib.parse import quote

import pytest

from qe_ban.kernel.clock import CITY_TIME, rfc3339
from qe_ban.kernel.field_types import moment_of
from qe_ban.kernel.shapes import Fault
from qe_ban.publishing.rules.states import PageKind
from qe_ban.zones.service import screens
from tests.factories.pages import content
from tests.zones.conftest import FORM, SOLUTIONS

POLICIES = {
    "id": "policies",
    "type": "policy_list",
    "policies": [
        {"title": "技改补助", "issuer": "市工信局", "industries": ["machinery"], "sizes": ["small"]},
        {"title": "普惠减税", "issuer": "市税务局"},
        {"title": "老政策", "issuer": "市工信局", "ends_at": "2020-01-01T00:00:00+08:00"},
    ],
}


def test_a_screen_is_one_call(zones):
    slug = zones.publish(FORM, SOLUTIONS, title="卡奥斯", primary_colour="#ffd700", audiences=["firm"])
    answer = zones.get(f"/zones/{slug}")
    assert answer.status_code == 200
    body = answer.json
    assert (body["kind"], body["slug"], body["title"], body["version"]) == ("zone", slug, "卡奥斯", 1)
    assert body["theme"] == {"primary": "#ffd700", "background": "#f5f7fa", "on_primary": "#000000"}
    assert (body["banner"], body["audiences"], body["notices"]) == (None, ["firm"], [])
    assert [block["id"] for block in body["blocks"]] == ["form", "solutions"]
    solutions = body["blocks"][1]
    assert (len(solutions["solutions"]), solutions["total"]) == (1, 3)
    assert "stale-while-revalidate" in answer.headers["Cache-Control"]
    again = zones.get(f"/zones/{slug}", **{"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_a_zone_that_is_not_open_is_not_there(zones):
    coming = zones.publish(starts_in=60)
    for slug in (coming, zones.town.zone(), "no-such-zone", "Zone"):
        for path in ("", "/solutions", "/cases", "/policies", "/events", "/blocks/form"):
            answer = zones.get(f"/zones/{slug}{path}")
            assert (answer.status_code, answer.json["code"]) == (404, "publishing.not_found"), path


def test_a_zone_opens_and_closes_at_its_time(zones):
    slug = zones.publish(starts_in=60, ends_in=120)
    with zones.clock.shift(seconds=61):
        assert zones.get(f"/zones/{slug}").status_code == 200
    with zones.clock.shift(seconds=121):
        assert zones.get(f"/zones/{slug}").status_code == 404


def test_the_list_tells_which_zones_are_open(zones):
    zone_in_force, coming, empty = zones.publish(title="开放专区"), zones.publish(starts_in=3600), zones.town.zone()
    over = zones.publish()
    assert zones.end(over).status_code == 200
    answer = zones.get("/zones")
    by_slug = {row["slug"]: row for row in answer.json["items"]}
    assert [row["slug"] for row in answer.json["items"]] == zones.town.zones
    assert (by_slug[zone_in_force]["state"], by_slug[zone_in_force]["title"]) == ("open", "开放专区")
    assert by_slug[coming]["state"] == "coming"
    assert by_slug[coming]["opens_at"]
    # what will be shown is not told before its time
    assert by_slug[coming]["title"] == by_slug[coming]["name"]
    assert (by_slug[empty]["state"], by_slug[empty]["opens_at"]) == ("empty", None)
    assert by_slug[over]["state"] == "ended"
    assert by_slug[over]["ended_at"]
    assert answer.headers["Cache-Control"].startswith("public")
    assert zones.get("/zones", **{"If-None-Match": answer.headers["ETag"]}).status_code == 304


def test_solutions_are_searched_filtered_counted_and_paged(zones):
    slug = zones.publish(SOLUTIONS)
    everything = zones.get(f"/zones/{slug}/solutions").json
    assert [row["name"] for row in everything["items"]] == ["注塑产线联网", "冷链追溯", "AGV 调度"]
    counts = {one["value"]: one["count"] for one in everything["facets"]["industry"]}
    assert counts == {"machinery": 1, "food": 1, "logistics": 2}
    assert (everything["total"], everything["next"]) == (3, None)
    result = zones.get(f"/zones/{slug}/solutions?q={quote('ａｇｖ')}&industry=logistics").json
    assert [row["name"] for row in result["items"]] == ["AGV 调度"]
    assert zones.get(f"/zones/{slug}/solutions?q={quote('没有')}").json["items"] == []
    first = zones.get(f"/zones/{slug}/solutions?limit=2").json
    second = zones.get(f"/zones/{slug}/solutions?limit=2&cursor={first['next']}").json
    assert [row["name"] for row in first["items"] + second["items"]] == [row["name"] for row in everything["items"]]
    assert second["next"] is None
    assert [row["title"] for row in zones.get(f"/zones/{slug}/cases?industry=food").json["items"]] == ["某食品厂"]
    assert zones.get(f"/zones/{slug}/cases?industry=energy").json["total"] == 0


def test_policies_are_matched_to_the_firm_and_what_has_expired_is_left_out(zones):
    slug = zones.publish(POLICIES)
    titles = [row["title"] for row in zones.get(f"/zones/{slug}/policies").json["items"]]
    assert titles == ["技改补助", "普惠减税"]
    large = zones.get(f"/zones/{slug}/policies?industry=machinery&size=large").json
    assert [row["title"] for row in large["items"]] == ["普惠减税"]
    small = zones.get(f"/zones/{slug}/policies?industry=machinery&size=small").json
    assert [row["title"] for row in small["items"]] == titles
    assert {one["value"]: one["count"] for one in large["facets"]["size"]}["small"] == 2


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=101", "limit=x", "cursor=AAAA", "cursor=WzFd%00", "cursor=Wy0xXQ", "industry=nothing",
        "q=" + quote("字") * 101, "unknown=1", "district=370299", "district=abc", "audience=dog", "age_mode=1",
        "real_name=1", "q=a&q=b", "q=%00",
    ],
)  # fmt: skip
def test_queries_that_cannot_be_are_refused(zones, query):
    slug = getattr(zones, "public_zone", None) or zones.publish(SOLUTIONS)
    zones.public_zone = slug
    answer = zones.get(f"/zones/{slug}/solutions?{query}")
    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json"), query
    assert answer.json["errors"]


def test_events_follow_the_clock(zones):
    now = zones.clock()

    def event(title, begins, ends, **more):
        # the city's time, so that an offset is read and not taken for UTC
        starts_at, ends_at = ((now + timedelta(minutes=at)).astimezone(CITY_TIME).isoformat() for at in (begins, ends))
        stream = "https://live.qtv.com.cn/a.m3u8"
        return {"title": title, "starts_at": starts_at, "ends_at": ends_at, "stream": stream} | more

    rows = [
        event("将来", 60, 120),
        event("现在", -5, 5),
        event("过去", -120, -60),
        event("回看", -240, -180, replay="https://www.qtv.com.cn/b"),
        event("取消", -5, 5, status="cancelled"),
    ]
    slug = zones.publish({"id": "live", "type": "event", "events": rows})
    by_title = {row["title"]: row for row in zones.get(f"/zones/{slug}/events").json["items"]}
    assert list(by_title) == ["回看", "过去", "现在", "取消", "将来"]
    states = {title: row["state"] for title, row in by_title.items()}
    assert states == {"将来": "upcoming", "现在": "live", "过去": "ended", "回看": "replay", "取消": "cancelled"}
    assert [title for title, row in by_title.items() if row["stream"]] == ["现在"]
    assert [row["title"] for row in zones.get(f"/zones/{slug}/events?state=live").json["items"]] == ["现在"]
    with zones.clock.shift(minutes=65):
        assert [row["title"] for row in zones.get(f"/zones/{slug}/events?state=live").json["items"]] == ["将来"]
        screen = zones.get(f"/zones/{slug}").json["blocks"][0]["events"]
        assert {row["title"]: row["state"] for row in screen}["现在"] == "ended"


def test_a_block_is_told_whole(zones):
    article = {"id": "news", "type": "article", "articles": [{"title": "长文", "body": "<p>" + "字" * 5000 + "</p>"}]}
    slug = zones.publish(SOLUTIONS, article)
    block = zones.get(f"/zones/{slug}/blocks/solutions").json
    assert len(block["solutions"]) == 3
    assert "block" not in block["solutions"][0]
    screen = zones.get(f"/zones/{slug}").json["blocks"][1]["articles"][0]
    whole = zones.get(f"/zones/{slug}/blocks/news").json["articles"][0]
    assert (screen["body"], len(whole["body"])) == (None, 5007)
    assert zones.get(f"/zones/{slug}/blocks/nothing").json["code"] == "zones.block_not_found"


def test_a_block_aimed_at_firms_is_shown_to_firms(zones):
    slug = zones.publish(SOLUTIONS | {"aim": {"audiences": ["firm"]}})
    assert zones.get(f"/zones/{slug}").json["blocks"] == []
    assert len(zones.get(f"/zones/{slug}?audience=firm").json["blocks"]) == 1
    assert zones.get(f"/zones/{slug}/solutions").json["total"] == 0
    assert zones.get(f"/zones/{slug}/solutions?audience=firm").json["total"] == 3
    assert zones.get(f"/zones/{slug}/blocks/solutions").status_code == 404


def test_a_zone_inherits_from_nobody(zones):
    body = {"hides": ["news"], "blocks": [FORM | {"replaces": "a"}, FORM | {"after": "b"}, FORM, "nonsense"]}
    with zones.database.transaction() as session:
        zone_pages = screens.Zones(zones.town.parts.city, {})
        faults = zone_pages.faults(session, "karos", body, zones.clock())
        assert [fault.place for fault in faults] == ["hides", "blocks.0.replaces", "blocks.1.after"]
        assert all(isinstance(fault, Fault) for fault in faults)
        for harmless in ({}, {"blocks": None}, {"hides": [], "blocks": [{"id": "a", "replaces": None}]}, {"blocks": 3}):
            assert zone_pages.faults(session, "karos", harmless, zones.clock()) == []


@pytest.mark.parametrize(
    ("block", "place"),
    [
        ({"type": "places", "kinds": ["bank"]}, "blocks.0.kinds"),
        ({"type": "app_grid", "local": True}, "blocks.0.local"),
        ({"type": "notice", "aim": {"districts": ["370202", "999999"]}}, "blocks.0.aim.districts"),
    ],
    ids=str,
)
def test_a_zone_says_nothing_that_it_cannot_show(zones, block, place):
    with zones.database.transaction() as session:
        faults = screens.Zones(zones.town.parts.city, {}).faults(session, "karos", {"blocks": [block]}, zones.clock())
    assert [(fault.place, fault.severity) for fault in faults] == [(place, "error")]


def test_a_reference_to_a_zone_stands_until_the_zone_ends(zones):
    zone_in_force, over = zones.publish(), zones.publish()
    zones.end(over)
    with zones.database.transaction() as session:
        targets = screens.source(zones.town.parts.city, session, [zone_in_force, over, "nothing"], zones.clock())
    assert list(targets) == [zone_in_force]


def test_a_place_opens_and_closes_on_the_screen_at_its_minute(zones):
    hours = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
    place = {"name": "网点", "kind": "bank", "address": "一号", "latitude": 36.1, "longitude": 120.4, "hours": hours}
    staff = zones.town.staff().headers | {"If-None-Match": "*"}
    assert zones.call("PUT", "/places/bank-zone", staff, place | {"services": [], "state": "open"}).status_code == 201
    slug = zones.publish({"id": "map", "type": "places", "places": ["bank-zone"]})

    def read_place():
        return zones.get(f"/zones/{slug}").json["blocks"][0]["places"][0]

    before = read_place()
    turn = moment_of(before["closes_at"] or before["opens_at"])
    with zones.clock.shift(seconds=(turn - zones.clock()).total_seconds()):
        assert read_place()["open_now"] is not before["open_now"]


def test_a_planned_end_turns_the_screen_off_by_itself(zones):
    slug = zones.publish()
    assert zones.end(slug, at=rfc3339(zones.clock() + timedelta(minutes=5))).status_code == 200
    assert zones.get(f"/zones/{slug}").status_code == 200
    with zones.clock.shift(minutes=5, seconds=1):
        assert zones.get(f"/zones/{slug}").status_code == 404


def test_a_zone_goes_the_whole_way_from_draft_to_screen(zones):
    slug, kind = zones.town.zone(), PageKind.ZONE
    editor = zones.town.staff("editor", zone=slug)
    refused = zones.town.put(editor, kind, slug, content(FORM | {"after": "news"}, hides=["news"]))
    assert refused.status_code == 422
    assert set(refused.json["errors"]) == {"hides", "blocks.0.after"}
    other = zones.town.put(zones.town.staff("editor", zone="other"), kind, slug, content(FORM))
    assert other.status_code == 403
    assert zones.town.publish(kind, slug, content(FORM, SOLUTIONS)) == 1
    assert [block["id"] for block in zones.get(f"/zones/{slug}").json["blocks"]] == ["form", "solutions"]
    assert zones.send(slug, version=1).status_code == 201
    zones.end(slug)
    assert zones.get(f"/zones/{slug}").status_code == 404
