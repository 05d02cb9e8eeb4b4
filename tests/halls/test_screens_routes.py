"""The doors of halls: screens by tag and encoding, blocks, the list; drafts and previews over the city's page."""

import gzip

import pytest

from qe_ban.halls.service import screens
from qe_ban.kernel.principal import Place
from qe_ban.publishing.rules.states import PageKind
from tests.factories import items
from tests.factories.pages import API, content, rich_text
from tests.halls.capital import ids
from tests.halls.capital import show as show  # noqa: PLC0414  fixtures
from tests.halls.capital import town as town  # noqa: PLC0414

HALL, CITY = PageKind.HALL, "city"


def test_a_screen_is_cached_tagged_and_compressed(town):
    slug = town.hall()
    town.publish(HALL, slug, content(*(rich_text(f"b-{number}", "<p>" + "字" * 200 + "</p>") for number in range(9))))
    path = f"{API}/halls/{slug}"
    plain, packed = (town.client.get(path, headers={"Accept-Encoding": one}) for one in ("identity", "gzip"))
    assert gzip.decompress(packed.data) == plain.data
    assert plain.headers["ETag"] != packed.headers["ETag"]
    assert {answer.headers["Vary"] for answer in (plain, packed)} == {"Accept-Encoding"}
    assert "stale-while-revalidate" in plain.headers["Cache-Control"]
    again = town.client.get(path, headers={"If-None-Match": plain.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    town.publish(HALL, slug, content(rich_text("other")))
    assert town.client.get(path, headers={"If-None-Match": plain.headers["ETag"]}).status_code == 200


@pytest.mark.parametrize(
    "query",
    ["district=370299", "district=", "district=abc", "real_name=1", "real_name=True", "age_mode=old", "audience=dog",
     "unknown=1", "audience=firm&audience=person", "district=%00"],
)  # fmt: skip
def test_views_that_cannot_be_are_refused(town, query):
    for path in (CITY, f"{CITY}/blocks/a"):
        answer = town.client.get(f"{API}/halls/{path}?{query}")
        assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
        assert answer.json["errors"]


def test_a_block_is_fetched_whole(town, show):
    slug, body = town.hall(), "<p>" + "长" * 3000 + "</p>"
    articles = [{"title": "短", "body": "<p>短</p>"}, {"title": "长", "body": body}]
    town.publish(HALL, CITY, content({"id": "news", "type": "article", "articles": articles}, rich_text("firm")))
    assert show(slug)["blocks"][0]["articles"][1]["body"] is None
    answer = town.client.get(f"{API}/halls/{slug}/blocks/news")
    assert answer.status_code == 200
    assert [row["body"] for row in answer.json["articles"]] == ["<p>短</p>", body]
    assert "stale-while-revalidate" in answer.headers["Cache-Control"]
    tag = {"If-None-Match": answer.headers["ETag"]}
    assert town.client.get(f"{API}/halls/{slug}/blocks/news", headers=tag).status_code == 304
    for name in ("gone", "x" * 120, "' OR 1=1 --"):
        missing = town.client.get(f"{API}/halls/{slug}/blocks/{name}")
        assert (missing.status_code, missing.json["code"]) == (404, "halls.block_not_found")


def test_the_list_tells_all_halls(town):
    slug = town.hall()
    town.publish(HALL, slug, content(title="海滨分厅", summary="欢迎"))
    answer = town.client.get(f"{API}/halls")
    assert answer.status_code == 200
    found = {row["slug"]: row for row in answer.json["items"]}
    assert list(found) == [CITY, *town.district]
    assert (found[slug]["title"], found[slug]["summary"], found[slug]["version"]) == ("海滨分厅", "欢迎", 1)
    assert found[slug]["district_name"].startswith("试验区")
    assert (found[CITY]["district"], found[CITY]["district_name"]) == (None, None)
    assert answer.headers["Cache-Control"].startswith("public")
    tag = {"If-None-Match": answer.headers["ETag"]}
    assert town.client.get(f"{API}/halls", headers=tag).status_code == 304
    assert town.client.get(f"{API}/halls?x=1").status_code == 422


def test_a_draft_that_does_not_fit_the_citys_page_is_told(town):
    slug, editor = town.hall(), town.staff()
    town.publish(HALL, CITY, content(rich_text("a"), rich_text("b")))
    refused = town.put(
        editor, HALL, slug, content(rich_text("a"), rich_text("x", after="y"), rich_text("y", after="x"))
    )
    assert refused.status_code == 422
    assert {"blocks.0.id"} < set(refused.json["errors"])
    saved = town.put(editor, HALL, slug, content(rich_text("x", replaces="gone"), hides=["b", "other"]))
    assert saved.status_code == 200, saved.json
    assert {row["place"] for row in saved.json["warnings"]} == {"blocks.0.replaces", "hides.1"}
    refused = town.put(editor, HALL, CITY, content(rich_text("x", replaces="a", after="b"), hides=["b"]))
    assert set(refused.json["errors"]) == {"blocks.0.replaces", "blocks.0.after", "hides"}


def test_a_preview_shows_the_draft_over_what_the_city_has_published(town):
    slug, editor = town.hall(), town.staff()
    town.publish(HALL, CITY, content(rich_text("a"), rich_text("b")))
    assert town.put(editor, HALL, slug, content(rich_text("x", replaces="b"))).status_code == 200
    made = town.do(editor, HALL, slug, "preview", {})
    assert made.status_code == 201, made.json
    path = made.json["url"] if "url" in made.json else made.json["path"]
    shown = town.client.get(path)
    assert shown.status_code == 200
    assert ids(shown.json) == ["a", "x"]
    assert (shown.json["version"], shown.json["district"]) == (None, town.district[slug])


def test_who_answers_for_a_hall(town):
    halls = screens.Halls(town.parts.city, {})
    slug, other = town.hall(), town.hall()
    district = town.district[slug]
    for place, covered in (
        (Place(), {slug, other, CITY}),
        (Place(district=district), {slug}),
        (Place(hall=slug), {slug}),
        (Place(hall=CITY), {CITY}),
        (Place(district="999999"), set()),
        (Place(zone=slug), set()),
        (Place(department=items.department_code()), set()),
    ):
        assert {name for name in (slug, other, CITY) if halls.covers(place, name)} == covered, place


CAMPAIGN = "utm_source=wechat&utm_medium=social&utm_source=again&utm%5Fid=1"


@pytest.mark.parametrize("query", ["", "age_mode=elder"])
def test_what_a_campaign_adds_to_a_shared_link_is_passed_over_and_makes_no_other_answer(town, query):
    slug = town.hall()
    town.publish(HALL, slug)
    plain = town.client.get(f"/api/v1/halls/{slug}?{query}")
    for shared in (f"{query}&{CAMPAIGN}", f"{CAMPAIGN}&{query}"):
        tagged = town.client.get(f"/api/v1/halls/{slug}?{shared}".replace("?&", "?"))
        assert (tagged.status_code, tagged.headers["ETag"]) == (200, plain.headers["ETag"])
    for path in ("halls", "places", "zones", "items", f"halls/{slug}/blocks/about"):
        assert town.client.get(f"/api/v1/{path}?{CAMPAIGN}").status_code == 200, path


@pytest.mark.parametrize("query", ["utm=1", "xutm_source=1", "UTM_SOURCE=1", "from=share"])
def test_every_other_unknown_parameter_is_refused_as_before(town, query):
    assert town.client.get(f"/api/v1/halls/{town.hall()}?{query}").status_code == 422


def test_staff_and_writes_get_no_such_leniency(town):
    editor = town.staff()
    assert town.get(editor, HALL, f"{town.hall()}/draft?utm_source=x").status_code == 422
    assert town.client.post("/api/v1/auth/otp?utm_source=x", json={"phone": "13800000000"}).status_code == 422
