"""Preview links: they show the draft as it is to whoever holds one, for a while, and tell nobody else anything."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from qe_ban.publishing.models import PagePreview
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.service import previews
from tests.factories.endings import end as end_rows
from tests.factories.pages import API, PREFIX, content, notice, rich_text
from tests.publishing.asking import done, events, refused

ZONE = PageKind.ZONE
KINDS = pytest.mark.parametrize("kind", list(PageKind))


def link(town, kind, slug, **body):
    made = done(town.do(town.staff(), kind, slug, "preview", body), 201)
    assert made.json["url"].startswith(f"https://qe-ban.test{API}/{PREFIX[kind]}/{slug}/previews/")
    return made.json["url"].removeprefix("https://qe-ban.test")


@KINDS
def test_whoever_holds_the_link_sees_the_draft_as_it_is_now(town, kind):
    editor, slug = town.staff(), town.page(kind)
    town.publish(kind, slug, content(title="已发布"))
    url = link(town, kind, slug)
    assert done(town.client.get(url)).json["title"] == "已发布"
    done(town.put(editor, kind, slug, content(notice(), rich_text(), title="草稿")))
    seen = done(town.client.get(url))
    assert (seen.json["title"], seen.json["version"]) == ("草稿", None)
    assert [one["type"] for one in seen.json["blocks"] if one["id"] == "about"] == ["rich_text"]
    assert "停水通知" in [one["title"] for one in seen.json["notices"]]
    assert (seen.headers["Cache-Control"], seen.headers["X-Robots-Tag"]) == ("no-store", "noindex")
    assert town.client.get(f"{API}/{PREFIX[kind]}/{slug}").json["title"] == "已发布"


def test_a_page_that_nobody_wrote_can_be_previewed_and_then_be_made(town):
    slug = town.zone()
    assert done(town.client.get(link(town, ZONE, slug))).json["blocks"] == []
    headers = town.staff().headers | {"If-None-Match": "*"}
    done(town.client.put(f"{API}/zones/{slug}/draft", json=content(), headers=headers))


def test_a_preview_is_cut_to_the_view_that_is_asked_for(town):
    slug, district = town.zone(), next(iter(town.district.values()))
    blocks = [
        rich_text("all"),
        rich_text("elder", aim={"age_mode": "elder"}),
        rich_text("firm", aim={"audiences": ["firm"]}),
        rich_text("here", aim={"districts": [district]}),
        rich_text("known", aim={"real_name": True}),
        rich_text("over", ends_at="2020-01-01T00:00:00Z"),
    ]
    done(town.put(town.staff(), ZONE, slug, content(*blocks)))
    url = link(town, ZONE, slug)

    def seen(query):
        return [block["id"] for block in done(town.client.get(url + query)).json["blocks"]]

    assert seen("") == ["all"]
    assert seen("?age_mode=elder") == ["all", "elder"]
    assert seen(f"?audience=firm&district={district}&real_name=true") == ["all", "firm", "here", "known"]
    for query in ("?age_mode=child", "?district=x", "?real_name=1", "?audience=dog", "?page=1"):
        assert town.client.get(url + query).status_code == 422


def test_a_link_ends_when_it_was_told_to(town):
    slug = town.zone()
    hour, day, week = link(town, ZONE, slug, hours=1), link(town, ZONE, slug), link(town, ZONE, slug, hours=168)

    def seen():
        return [town.client.get(url).status_code for url in (hour, day, week)]

    assert seen() == [200, 200, 200]
    with town.clock.shift(hours=1):
        assert seen() == [404, 200, 200]
    with town.clock.shift(hours=24):
        assert seen() == [404, 404, 200]
    with town.clock.shift(hours=168):
        assert seen() == [404, 404, 404]
    for wrong in (0, 169, -1, "1", 1.5, None, True):
        refused(town.do(town.staff(), ZONE, slug, "preview", {"hours": wrong}), 422, "invalid_fields", "hours")


def test_what_is_no_link_expired_or_another_page_s_is_answered_alike(town):
    slug, other = town.zone(), town.zone()
    good, gone = link(town, ZONE, slug), link(town, ZONE, slug, hours=1)
    token = good.rpartition("/")[2]
    wrong = [
        good[:-1] + ("A" if good[-1] != "A" else "B"),
        f"{API}/zones/{other}/previews/{token}",
        f"{API}/halls/city/previews/{token}",
        f"{API}/zones/no-such/previews/{token}",
        f"{API}/zones/{slug}/previews/x",
        f"{API}/zones/{slug}/previews/{token.lower()}",
    ]
    answers = [town.client.get(url) for url in wrong]
    with town.clock.shift(hours=2):
        answers.append(town.client.get(gone))
    bodies = {tuple((name, answer.json[name]) for name in ("status", "code", "detail")) for answer in answers}
    assert {(("status", 404), ("code", "publishing.preview_not_found"))} == {body[:2] for body in bodies}
    assert len(bodies) == 1


def test_only_the_hash_of_a_link_is_kept_and_it_is_long(town):
    slug = town.zone()
    token = link(town, ZONE, slug).rpartition("/")[2]
    assert len(token) == 43
    with town.database.transaction() as session:
        row = session.scalars(select(PagePreview).where(PagePreview.slug == slug)).one()
        assert token.encode() not in row.token_hash
        assert len(row.token_hash) == 32
    event = events(town, ZONE, slug)[-1]
    assert event.action == "pages.preview"
    assert token not in str(event.details)


def test_links_that_have_expired_are_forgotten(town):
    slug = town.zone()
    link(town, ZONE, slug, hours=1)
    url = link(town, ZONE, slug)
    with town.database.transaction() as session:
        end_rows(session, previews.ENDINGS, town.clock() + timedelta(hours=2))
        assert len(session.scalars(select(PagePreview).where(PagePreview.slug == slug)).all()) == 1
    assert town.client.get(url).status_code == 200
