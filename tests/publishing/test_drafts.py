"""Drafts: who saves over whom, what is refused at once, what is only told, and what hinders a submission."""

import json
import secrets
from dataclasses import replace

import pytest
from sqlalchemy import select

from qe_ban.halls.rules import inheritance
from qe_ban.publishing.models import Media, MediaUse
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.service.links import Links
from qe_ban.publishing.service.page_types import PageTypes
from qe_ban.web import parts
from tests.factories.pages import PREFIX, content, notice, rich_text
from tests.publishing.asking import done, events, followed, refused

ZONE, HALL = PageKind.ZONE, PageKind.HALL
KINDS = pytest.mark.parametrize("kind", list(PageKind))


@KINDS
def test_a_page_that_nobody_wrote_has_an_empty_draft_and_is_made_once(town, kind):
    editor, slug = town.staff(), town.page(kind)
    read = done(town.get(editor, kind, f"{slug}/draft"))
    assert (read.json["state"], read.json["content"], read.json["editors"]) == ("draft", {"blocks": []}, [])
    new, path = {"If-None-Match": "*"} | editor.headers, f"/api/v1/{PREFIX[kind]}/{slug}/draft"
    made = done(town.client.put(path, json=content(), headers=new))
    assert made.json["editors"] == [str(editor.id)]
    again = refused(town.client.put(path, json=content(title="别的"), headers=new), 412, "precondition_failed")
    assert again.headers["ETag"].strip('"') == made.headers["ETag"].strip('"').partition(".")[0]
    refused(town.put(editor, kind, slug, content(title="别的"), read.headers["ETag"]), 412, "precondition_failed")


def test_the_tag_of_the_empty_draft_makes_the_page(town):
    editor, slug = town.staff(), town.zone()
    tag = town.get(editor, ZONE, f"{slug}/draft").headers["ETag"]
    assert tag.startswith('"0.')
    assert done(town.put(editor, ZONE, slug, content(), tag)).headers["ETag"].startswith('"1.')


def test_a_write_must_say_what_it_believes_and_the_tag_of_a_write_is_that_of_the_read(town):
    editor, slug = town.staff(), town.zone()
    for verb, body in (
        ("submit", None),
        ("approve", None),
        ("reject", {"reason": "不清楚"}),
        ("publish", {}),
        ("rollback", {"version": 1}),
        ("withdraw", {"version": 1, "reason": "有误"}),
    ):
        refused(town.do(editor, ZONE, slug, verb, body, tag=None), 428, "precondition_required")
    refused(town.put(editor, ZONE, slug, content(), tag=None), 428, "precondition_required")
    saved = done(town.put(editor, ZONE, slug, content()))
    assert saved.headers["ETag"] == town.get(editor, ZONE, f"{slug}/draft").headers["ETag"]
    submitted = done(town.do(editor, ZONE, slug, "submit", tag=saved.headers["ETag"]))
    assert submitted.headers["ETag"] == town.get(editor, ZONE, f"{slug}/draft").headers["ETag"]
    stale = refused(town.do(editor, ZONE, slug, "approve", tag=saved.headers["ETag"]), 412, "precondition_failed")
    assert stale.headers["ETag"] == '"2"'


@KINDS
def test_every_fault_of_shape_is_named_at_once_and_nothing_is_saved(town, kind):
    editor, slug = town.staff(), town.page(kind)
    before = done(town.put(editor, kind, slug, content()))
    wrong = content(
        {"id": "A", "type": "rich_text", "html": 5},
        {"id": "x", "type": "no_such"},
        notice(level="loud", link="javascript:alert(1)"),
        notice(link="https://evil.example/", starts_at="2030-01-02T00:00:00Z", ends_at="2030-01-01T00:00:00Z"),
        5,
        title="字" * 41,
        primary_colour="red",
        banner="x",
    )
    answer = town.put(editor, kind, slug, wrong)
    refused(
        answer,
        422,
        "publishing.invalid",
        "title",
        "primary_colour",
        "banner",
        "blocks.0.id",
        "blocks.0.html",
        "blocks.1.type",
        "blocks.2.notices.0.level",
        "blocks.2.notices.0.link",
        "blocks.3.id",
        "blocks.3.notices.0.link",
        "blocks.3.notices.0.ends_at",
        "blocks.4",
    )
    assert town.get(editor, kind, f"{slug}/draft").headers["ETag"] == before.headers["ETag"]
    refused(town.put(editor, kind, slug, content(unknown=1)), 422, "invalid_fields", "unknown")


def test_a_page_of_five_thousand_blocks_is_refused_clearly(town):
    blocks = [{"id": f"b{number}", "type": "rich_text", "html": "<p>一</p>"} for number in range(5000)]
    answer = refused(town.put(town.staff(), ZONE, town.zone(), content(*blocks)), 422, "publishing.invalid", "blocks")
    assert answer.json["errors"]["blocks"] == ["最多 200 项，现有 5000 项"]


def test_a_page_over_half_a_mebibyte_and_a_body_over_one_are_refused(town):
    editor, slug = town.staff(), town.zone()
    half = [rich_text(f"b{number}", f"<p>{'x' * 19_000}</p>") for number in range(30)]
    refused(town.put(editor, ZONE, slug, content(*half)), 422, "publishing.invalid", "blocks")
    assert town.put(editor, ZONE, slug, content(*half, *half)).status_code == 413


HOSTILE = (
    ("<script>alert(1)</script><p>好</p>", "<p>好</p>"),
    ('<p onclick="x()">好</p><img src=x onerror=alert(1)>', "<p>好</p>"),
    ("<svg><script>alert(1)</script></svg><p>好</p>", "<p>好</p>"),
    ('<p><a href="javascript:alert(1)">好</a></p>', None),
)


@pytest.mark.parametrize(("html", "kept"), HOSTILE)
def test_hostile_text_with_tags_is_cleaned_and_the_editor_is_told(town, html, kept):
    saved = done(town.put(town.staff(), ZONE, town.zone(), content(rich_text(html=html))))
    said = saved.json["content"]["blocks"][0]["html"]
    assert said == kept or (kept is None and "javascript" not in said and "好" in said)
    assert [warning["place"] for warning in saved.json["warnings"]] == ["blocks.0.html"]


def test_text_that_would_mean_the_opposite_without_its_tags_is_refused_with_its_place(town):
    said = content(rich_text(html="<p>已<s>不再</s>受理</p>"))
    answer = refused(town.put(town.staff(), ZONE, town.zone(), said), 422, "publishing.invalid", "blocks.0.html")
    assert "删除线" in answer.json["errors"]["blocks.0.html"][0]


def test_a_warning_names_what_was_taken_out_and_addresses_are_trimmed(town):
    host = town.parts.city.link_hosts[0].replace("*", "www")
    said = content(rich_text(html="<p><font>红</font></p>"), notice(link=f" https://{host}/ "))
    saved = done(town.put(town.staff(), ZONE, town.zone(), said)).json
    assert [(one["code"], one["place"]) for one in saved["warnings"]] == [("content_removed", "blocks.0.html")]
    assert "<font>" in saved["warnings"][0]["message"]
    assert saved["content"]["blocks"][1]["notices"][0]["link"] == f"https://{host}/"


def test_text_that_reads_otherwise_than_it_is_stored_is_refused(town):
    for hostile in ("停水\u202e知通", "一\u0000", "\u200b"):
        said = json.dumps(content(notice(title=hostile)))
        answer = town.client.put(
            f"/api/v1/zones/{town.zone()}/draft",
            data=said,
            headers=town.staff().headers | {"If-None-Match": "*", "Content-Type": "application/json"},
        )
        assert answer.status_code in (400, 422)


def test_what_is_pasted_with_tabs_and_line_ends_of_windows_is_saved(town):
    said = content(rich_text(html="<p>一\t二</p>\r\n<p>三</p>"), notice(body="一\r\n\t二"))
    saved = done(town.put(town.staff(), ZONE, town.zone(), said)).json
    assert saved["content"]["blocks"][0]["html"] == "<p>一 二</p>\n<p>三</p>"
    assert saved["content"]["blocks"][1]["notices"][0]["body"] == "一\n 二"
    assert saved["warnings"] == []


def test_what_the_city_forbids_or_says_since_the_draft_was_saved_refuses_the_submission(town):
    """Allowed hosts change with the city's file, and a district's block may not have the id of a city's one."""
    editor, slug = town.staff(), town.hall()
    mine = f"own-{secrets.token_hex(4)}"
    link = followed(town, f"https://www.qingdao.gov.cn/{mine}", "alive", 200)
    done(town.put(editor, HALL, slug, content(rich_text(mine), notice(link=link))))
    with town.app.app_context():
        page_types = parts.part(PageTypes)
    parts.provide(town.app, replace(page_types, link_hosts=("*.example.cn",)))
    try:
        refused(town.do(editor, HALL, slug, "submit"), 422, "publishing.invalid", "blocks.1.notices.0.link")
    finally:
        parts.provide(town.app, page_types)
    hall = page_types.types[HALL]
    citys = replace(
        hall, faults=lambda _session, _slug, said, _now: list(inheritance.faults(said, content(rich_text(mine))))
    )
    parts.provide(town.app, replace(page_types, types={**page_types.types, HALL: citys}))
    try:
        refused(town.do(editor, HALL, slug, "submit"), 422, "publishing.invalid", "blocks.0.id")
    finally:
        parts.provide(town.app, page_types)
    assert town.get(editor, HALL, f"{slug}/draft").json["state"] == "draft"
    done(town.do(editor, HALL, slug, "submit"))


def test_saving_takes_a_draft_back_from_review_and_its_approval_lapses(town):
    slug = town.zone()
    town.put(town.staff(), ZONE, slug, content())
    done(town.do(town.staff(), ZONE, slug, "submit"))
    saved = done(town.put(town.staff(), ZONE, slug, content()))
    assert (saved.json["state"], saved.json["submitted_at"]) == ("draft", None)
    editor, _ = town.approve_draft(ZONE, slug)
    saved = done(town.put(editor, ZONE, slug, content(title="改")))
    assert (saved.json["state"], saved.json["reviewed_by"], len(saved.json["editors"])) == ("draft", None, 4)
    refused(town.do(editor, ZONE, slug, "publish"), 409, "publishing.wrong_state")


def test_a_reviewer_may_become_an_editor_and_then_judges_no_more(town):
    slug = town.zone()
    _, reviewer = town.approve_draft(ZONE, slug)
    saved = done(town.put(reviewer, ZONE, slug, content(title="改")))
    assert str(reviewer.id) in saved.json["editors"]
    done(town.do(reviewer, ZONE, slug, "submit"))
    refused(town.do(reviewer, ZONE, slug, "approve"), 403, "publishing.own_draft")


BROKEN = content(
    {"id": "grid", "type": "service_grid", "services": [{"item": "999999999999", "label": "没有"}]},
    {"id": "apps", "type": "app_grid", "apps": ["no-such-app"]},
    {"id": "codes", "type": "code_shortcut", "kinds": ["identity", "no-such-code"]},
    {
        "id": "banner",
        "type": "banner",
        "slides": [{"title": "图", "picture": "0" * 64, "alt": "图", "zone": "no-such-zone"}],
    },
    {"id": "places", "type": "places", "places": ["no-such-place"]},
    banner="1" * 64,
)
PLACES = (
    "banner",
    "blocks.0.services.0.item",
    "blocks.1.apps.0",
    "blocks.2.kinds.1",
    "blocks.3.slides.0.picture",
    "blocks.3.slides.0.zone",
    "blocks.4.places.0",
)


@KINDS
def test_broken_references_are_told_when_saving_and_refuse_the_submission(town, kind):
    editor, slug = town.staff(), town.page(kind)
    saved = done(town.put(editor, kind, slug, BROKEN))
    assert {finding["place"] for finding in saved.json["findings"]} == set(PLACES)
    assert all("\u4e00" <= finding["message"][0] <= "\u9fff" for finding in saved.json["findings"])
    refused(town.do(editor, kind, slug, "submit"), 409, "publishing.references_broken", *PLACES)
    assert town.get(editor, kind, f"{slug}/draft").json["state"] == "draft"


def test_a_dead_link_refuses_the_submission_and_one_that_cannot_be_reached_does_not(town):
    editor, slug = town.staff(), town.zone()
    dead = followed(town, f"https://www.qingdao.gov.cn/{secrets.token_hex(8)}", "dead", 404)
    away = followed(town, f"https://www.qingdao.gov.cn/{secrets.token_hex(8)}", "unreachable")
    alive = followed(town, f"https://www.qingdao.gov.cn/{secrets.token_hex(8)}", "alive", 200)
    html = f'<p><a href="{dead}">一</a></p>'
    town.put(editor, ZONE, slug, content(notice(link=alive), notice("n2", link=away), rich_text(html=html)))
    refused(town.do(editor, ZONE, slug, "submit"), 409, "publishing.references_broken", "blocks.2.html")
    found = town.get(editor, ZONE, f"{slug}/draft").json["findings"]
    assert [(one["place"], one["severity"]) for one in found] == [
        ("blocks.1.notices.0.link", "warning"),
        ("blocks.2.html", "error"),
    ]
    town.put(editor, ZONE, slug, content(notice(link=alive), notice("n2", link=away)))
    assert done(town.do(editor, ZONE, slug, "submit")).json["state"] == "submitted"


def test_a_draft_that_changes_while_its_links_are_followed_is_not_submitted(town):
    editor, slug = town.staff(), town.zone()
    other = town.staff()

    class Meanwhile(Links):
        def check(self, urls, now):
            done(town.put(other, ZONE, slug, content(title="另一个人")))
            return super().check(urls, now)

    done(town.put(editor, ZONE, slug, content()))
    with town.app.app_context():
        links = parts.part(Links)
    parts.provide(town.app, Meanwhile(links._database, links._http), Links)
    try:
        refused(town.do(editor, ZONE, slug, "submit"), 412, "precondition_failed")
    finally:
        parts.provide(town.app, links)
    assert town.get(editor, ZONE, f"{slug}/draft").json["state"] == "draft"


def test_the_pictures_of_a_draft_are_noted_as_used(town, picture):
    slug = town.zone()
    done(town.put(town.staff(), ZONE, slug, content(banner=picture)))
    assert uses(town, slug) == {(picture, 0)}
    town.publish(ZONE, slug, content(banner=picture))
    assert uses(town, slug) == {(picture, 0), (picture, 1)}
    done(town.put(town.staff(), ZONE, slug, content()))
    assert uses(town, slug) == {(picture, 1)}


def test_a_picture_that_came_after_the_draft_was_saved_is_noted_when_it_is_submitted(town):
    editor, slug, late = town.staff(), town.zone(), secrets.token_hex(32)
    done(town.put(editor, ZONE, slug, content(banner=late)))
    assert uses(town, slug) == set()
    with town.database.transaction() as session:
        row = {"type": "image/png", "width": 800, "height": 600, "bytes": 1, "widths": [320]}
        session.add(Media(digest=late, created_at=town.clock(), **row))
    done(town.do(editor, ZONE, slug, "submit"))
    assert uses(town, slug) == {(late, 0)}


def uses(town, slug):
    with town.database.transaction() as session:
        wanted = select(MediaUse.digest, MediaUse.number).where(MediaUse.slug == slug, MediaUse.number >= 0)
        return {tuple(row) for row in session.execute(wanted)}


@KINDS
def test_an_unknown_page_is_not_found_by_any_route(town, kind):
    admin = town.staff()
    for path in ("draft", "versions", "versions/1", "versions/1/diff/0", "findings"):
        refused(town.get(admin, kind, f"no-such/{path}"), 404, "publishing.not_found")
    refused(town.put(admin, kind, "no-such", content()), 404, "publishing.not_found")
    for verb, body in (
        ("submit", None),
        ("approve", None),
        ("reject", {"reason": "不清楚"}),
        ("publish", {}),
        ("rollback", {"version": 1}),
        ("withdraw", {"version": 1, "reason": "有误"}),
        ("preview", {}),
    ):
        refused(town.do(admin, kind, "no-such", verb, body), 404, "publishing.not_found")


def test_every_save_is_audited_with_what_changed(town):
    editor, slug = town.staff(), town.zone()
    town.put(editor, ZONE, slug, content(notice()))
    town.put(editor, ZONE, slug, content(notice(title="停电通知")))
    done(town.do(editor, ZONE, slug, "submit"))
    saved, again, submitted = events(town, ZONE, slug)
    assert [event.action for event in (saved, again, submitted)] == ["pages.save", "pages.save", "pages.submit"]
    assert saved.details["before"] == {"state": "draft", "revision": 0, "latest": 0}
    assert again.details["after"] == {"state": "draft", "revision": 2, "latest": 0}
    headings = [change["heading"] for change in again.details["changes"]]
    assert headings
    assert any("停电通知" in heading for heading in headings)
    assert (submitted.details["before"]["state"], submitted.details["after"]["state"]) == ("draft", "submitted")
    assert again.actor_id == editor.id
