"""What halls show: the city's blocks below the districts' own, offices by district, apps, hot items; one call each."""

from datetime import timedelta

import pytest

from qe_ban.halls.service import screens
from qe_ban.items.service import publishing
from qe_ban.items.service.publishing import Draft
from qe_ban.kernel.clock import rfc3339
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.service.page_cache import PageCache
from qe_ban.web.parts import part
from tests.factories import items
from tests.factories.pages import API, content, notice, rich_text
from tests.halls.capital import ids
from tests.halls.capital import show as show  # noqa: PLC0414  fixtures
from tests.halls.capital import town as town  # noqa: PLC0414

HALL, CITY = PageKind.HALL, "city"
OPEN = {"mon": [["09:00", "17:00"]], "tue": [["09:00", "17:00"]], "wed": [["09:00", "17:00"]]}
OPEN |= {day: [["09:00", "17:00"]] for day in ("thu", "fri", "sat", "sun")}
BODY = {"kind", "slug", "name", "title", "summary", "theme", "banner", "version", "city_version", "updated_at"}
BODY |= {"district", "apps", "hot", "blocks", "notices"}


@pytest.fixture
def put(town):
    """Make an item of an entry at an office of a district; gives its code."""

    def make(entry, district=None, **fields):
        department = items.add_department(town.database, district=district)
        said = items.content(department, **fields) | ({"district": district} if district else {})
        return items.add_item(town.database, Draft(items.item_code(department, entry), said))

    return make


def grid(*entries, **fields):
    return {"id": "grid", "type": "service_grid", "services": [{"item": entry} for entry in entries]} | fields


def register(town, path, **said):
    answer = town.client.put(f"{API}/{path}", json=said, headers=town.staff().headers | {"If-None-Match": "*"})
    assert answer.status_code == 201, answer.json


def add_app(town, slug, **said):
    app = {"name": slug, "kind": "h5", "address": "https://a.qingdao.gov.cn/", "owner": "局", "category": "信用"}
    register(town, f"apps/{slug}", **app | {"state": "active"} | said)


def add_place(town, slug, **said):
    place = {"name": slug, "kind": "office", "address": "一号", "latitude": 36.1, "longitude": 120.4, "hours": OPEN}
    register(town, f"places/{slug}", **place | {"services": [], "state": "open"} | said)


def test_a_hall_that_published_nothing_shows_what_is_the_citys(town, show):
    slug = town.hall()
    town.publish(HALL, CITY, content(rich_text("welcome"), primary_colour="#112233", background_colour="#ffffff"))
    said = show(slug)
    assert set(said) >= BODY
    assert (said["kind"], said["slug"], said["version"]) == ("hall", slug, None)
    assert said["name"] == said["title"] == town.parts.city.hall_names[slug]
    assert said["district"] == town.district[slug]
    assert said["city_version"] == show(CITY)["version"]
    assert said["theme"] == {"primary": "#112233", "background": "#ffffff", "on_primary": "#ffffff"}
    assert ids(said) == ids(show(CITY)) == ["welcome"]
    assert said["updated_at"].endswith("Z")


def test_a_hall_that_the_city_does_not_have_is_not_there(town):
    for path in ("no-such-hall", "City", "x" * 120, "%00", "no-such-hall/blocks/about", "no-such-hall/apps"):
        answer = town.client.get(f"{API}/halls/{path}")
        assert (answer.status_code, answer.mimetype) == (404, "application/problem+json"), path


def test_a_district_replaces_hides_and_adds(town, show):
    slug = town.hall()
    town.publish(HALL, CITY, content(*(rich_text(name, f"<p>市级{name}</p>") for name in "abc")))
    own = content(
        rich_text("top"),
        rich_text("mine", replaces="b"),
        rich_text("tail", after="c"),
        notice(title="停电通知"),
        hides=["a"],
        title="试验分厅",
        primary_colour="#ffd700",
    )
    assert town.publish(HALL, slug, own) == 1
    said = show(slug)
    assert ids(said) == ["top", "mine", "c", "tail"]
    assert [row["title"] for row in said["notices"]] == ["停电通知"]
    assert (said["title"], said["version"]) == ("试验分厅", 1)
    assert said["theme"]["on_primary"] == "#000000"
    # the city changes: what the district did not touch follows at once
    town.publish(HALL, CITY, content(rich_text("c", "<p>新</p>"), rich_text("d")))
    again = show(slug)
    assert ids(again) == ["top", "c", "tail", "d", "mine"]
    assert again["blocks"][1]["html"] == "<p>新</p>"
    assert again["city_version"] > said["city_version"]


def test_a_block_that_the_city_publishes_later_under_a_districts_id_is_told_apart(town, show):
    slug = town.hall()
    town.publish(HALL, CITY, content(rich_text("a")))
    town.publish(HALL, slug, content(rich_text("same", "<p>区</p>")))
    town.publish(HALL, CITY, content(rich_text("same", "<p>市</p>")))
    assert ids(show(slug)) == ["same", "city.same"]
    blocks = f"{API}/halls/{slug}/blocks"
    found = [town.client.get(f"{blocks}/{name}").json["html"] for name in ("same", "city.same")]
    assert found == ["<p>区</p>", "<p>市</p>"]


def test_an_item_is_done_by_the_districts_own_office_else_by_the_citys(town, show, put):
    own, other = town.hall(), town.hall()
    both, citys, theirs = items.basic_code(), items.basic_code(), items.basic_code()
    codes = {
        "city": put(both), "own": put(both, town.district[own]), "citys": put(citys),
        "theirs": put(theirs, town.district[own]),
    }  # fmt: skip
    town.publish(HALL, CITY, content(grid(both, citys, theirs)))

    def chosen(slug, **query):
        return [row["item"]["code"] for row in show(slug, **query)["blocks"][0]["services"]]

    assert chosen(own) == [codes["own"], codes["citys"], codes["theirs"]]
    assert chosen(other) == [codes["city"], codes["citys"], None]
    assert chosen(CITY) == [codes["city"], codes["citys"], None]
    # in the city's hall the district that the client chose counts, in a district's own its own
    assert chosen(CITY, district=town.district[own]) == chosen(own)
    assert chosen(other, district=town.district[own]) == chosen(other)


def test_hot_items_are_the_halls(town, show, put):
    own, other = town.hall(), town.hall()
    entry = items.basic_code()
    code = put(entry, town.district[own], name="0 只在本区办")
    assert show(own)["hot"][0] == {
        "entry": entry, "name": "0 只在本区办", "code": code, "district": town.district[own], "online": False,
        "link": None, "districts": [town.district[own]], "department": show(own)["hot"][0]["department"],
    }  # fmt: skip
    for slug in (other, CITY):
        assert entry not in [item["entry"] for item in show(slug)["hot"]]
    assert len(show(own)["hot"]) <= screens.HOT


def test_what_has_ended_is_shown_no_more(town, show, put):
    slug, entries = town.hall(), [items.basic_code(), items.basic_code()]
    codes = [put(entry) for entry in entries]
    town.publish(HALL, slug, content(grid(*entries, id="own-grid")))
    now = town.clock()
    with town.database.transaction() as session:
        publishing.end(session, codes[:1], at=now, now=now)
    with town.app.app_context():
        part(PageCache).publish_invalidation()
    (block,) = [block for block in show(slug)["blocks"] if block["id"] == "own-grid"]
    assert [row["item"]["entry"] for row in block["services"]] == entries[1:]


def load(town, slug):
    with town.app.app_context(), town.database.transaction() as session:
        return part(PageCache)._loads[HALL](session, slug, town.clock())


def test_apps_of_the_hall_and_places_of_a_kind_come_by_themselves(town, show):
    slug, other = town.hall(), town.hall()
    mine = town.district[slug]
    add_app(town, "app-citys")
    add_app(town, "app-own", districts=[mine])
    add_app(town, "app-other", districts=[town.district[other]])
    add_place(town, "office-own", district=mine)
    add_place(town, "office-closed", district=mine, state="withdrawn")
    add_place(town, "office-other", district=town.district[other])
    add_place(town, "kiosk-own", district=mine, kind="self_service")
    blocks = (
        {"id": "apps", "type": "app_grid", "apps": ["app-citys"], "local": True},
        {"id": "map", "type": "places", "places": ["kiosk-own"], "kinds": ["office"]},
    )
    town.publish(HALL, slug, content(*blocks))
    said = show(slug)
    found = {block["id"]: block for block in said["blocks"]}
    assert [app["slug"] for app in found["apps"]["apps"]] == ["app-citys", "app-own"]
    assert [place["slug"] for place in found["map"]["places"]] == ["kiosk-own", "office-own"]
    assert [app["slug"] for app in said["apps"]] == ["app-own", "app-citys"]
    assert [app["slug"] for app in show(CITY)["apps"]] == ["app-citys"]
    # when the first of them opens or closes the screen is another
    dressed = load(town, slug)
    assert town.clock() < dressed.next_change_at <= town.clock() + timedelta(hours=16)


def test_an_app_that_is_withdrawn_is_gone_from_all_screens_at_once(town, show):
    slug, away = town.hall(), {"state_reason": "停办", "address": "https://a.qingdao.gov.cn/"}
    mine = {"kind": "h5", "owner": "局", "category": "信用", "districts": [town.district[slug]]}
    for name in ("app-stays", "app-goes"):
        add_app(town, name, districts=[town.district[slug]])
    town.publish(HALL, slug, content({"id": "apps", "type": "app_grid", "apps": ["app-goes"], "local": True}))

    def shown():
        said = show(slug)
        grid = next(block for block in said["blocks"] if block["id"] == "apps")
        both = [{app["slug"]: app["state"] for app in apps} for apps in (said["apps"], grid["apps"])]
        return [{name: apps[name] for name in ("app-stays", "app-goes") if name in apps} for apps in both]

    assert shown() == [{"app-goes": "active", "app-stays": "active"}] * 2
    for state, left in (("suspended", {"app-goes": "suspended"}), ("withdrawn", {})):
        body = {"name": "app-goes", "state": state} | mine | away
        headers = town.staff().headers | {"If-Match": "*"}
        assert town.client.put(f"{API}/apps/app-goes", json=body, headers=headers).status_code == 200
        assert shown() == [left | {"app-stays": "active"}] * 2


def test_what_stands_in_the_place_of_a_citys_block_stays_when_that_has_ended(town, show):
    own, other, now = town.hall(), town.hall(), town.clock()
    ends_at = rfc3339(now + timedelta(hours=1))
    town.publish(HALL, CITY, content(rich_text("a"), rich_text("b", ends_at=ends_at), rich_text("c")))
    town.publish(HALL, own, content(rich_text("mine", replaces="b"), rich_text("tail", after="b")))
    assert (ids(show(own)), ids(show(other))) == (["a", "mine", "tail", "c"], ["a", "b", "c"])
    with town.clock.shift(hours=1):
        assert (ids(show(own)), ids(show(other))) == (["a", "mine", "tail", "c"], ["a", "c"])


def test_a_page_begins_and_ends_at_its_time_also_the_citys(town, show):
    slug, now = town.hall(), town.clock()
    town.publish(HALL, CITY, content(rich_text("a")))
    town.publish(HALL, slug, content(rich_text("later")), at=rfc3339(now + timedelta(hours=1)))
    citys = content(rich_text("b"))
    town.publish(HALL, CITY, citys, at=rfc3339(now + timedelta(hours=2)), end_at=rfc3339(now + timedelta(hours=3)))
    assert ids(show(slug)) == ["a"]
    for hours, blocks in ((1, ["later", "a"]), (2, ["later", "b"]), (3, ["later", "a"])):
        with town.clock.shift(hours=hours, seconds=2):
            assert ids(show(slug)) == blocks


def test_a_withdrawn_page_leaves_the_citys_blocks(town, show):
    slug = town.hall()
    town.publish(HALL, CITY, content(rich_text("a")))
    number = town.publish(HALL, slug, content(rich_text("mine")))
    answer = town.do(town.staff(), HALL, slug, "withdraw", {"version": number, "reason": "内容有误"})
    assert answer.status_code == 200, answer.json
    assert ids(show(slug)) == ["a"]


def test_blocks_are_aimed_at_views(town, show):
    slug = town.hall()
    aims = {"elder": {"age_mode": "elder"}, "known": {"real_name": True}, "firm": {"audiences": ["firm"]}}
    aims["here"] = {"districts": [town.district[slug]]}
    town.publish(HALL, CITY, content(rich_text("all"), *(rich_text(name, aim=aim) for name, aim in aims.items())))
    assert ids(show(slug)) == ["all", "here"]
    assert ids(show(slug, age_mode="elder", real_name="true", audience="firm")) == [
        "all",
        "elder",
        "known",
        "firm",
        "here",
    ]
    assert ids(show(CITY)) == ["all"]
    assert ids(show(CITY, district=town.district[slug])) == ["all", "here"]
