"""Drafts that were saved stay for a while; what is saved twice, or asked twice, is done once."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from qe_ban.publishing.models import MediaUse, PageSave
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.service import saves
from qe_ban.reviewing.service.saves import MAX_SAVES
from tests.factories.endings import end as end_rows
from tests.factories.pages import content, notice, rich_text
from tests.publishing.asking import done, events, refused

ZONE = PageKind.ZONE
EMPTY = {"title": "测试页面", "blocks": []}
KINDS = pytest.mark.parametrize("kind", list(PageKind))


def numbers(town, who, slug, kind=ZONE):
    return [row["save"] for row in done(town.get(who, kind, f"{slug}/saves")).json["items"]]


@KINDS
def test_an_emptied_page_is_warned_of_and_comes_back(town, kind):
    editor, slug = town.staff(), town.page(kind)
    blocks = [rich_text(f"b{number}") for number in range(5)]
    done(town.put(editor, kind, slug, content(*blocks)))
    emptied = done(town.put(editor, kind, slug, EMPTY))
    assert [(one["code"], one["place"]) for one in emptied.json["warnings"]] == [("blocks_removed", "blocks")]
    listed = done(town.get(editor, kind, f"{slug}/saves")).json["items"]
    assert [(row["save"], row["blocks"], row["saved_by"]) for row in listed] == [
        (2, 0, str(editor.id)),
        (1, 5, str(editor.id)),
    ]
    assert len(done(town.get(editor, kind, f"{slug}/saves/1")).json["content"]["blocks"]) == 5
    restored = done(town.do(editor, kind, slug, "restore", {"save": 1}, emptied.headers["ETag"]))
    assert len(restored.json["content"]["blocks"]) == 5
    assert numbers(town, editor, slug, kind) == [3, 2, 1]


def test_a_save_that_removes_most_rows_of_a_table_warns_and_one_that_removes_half_of_the_blocks_does_not(town):
    editor, slug = town.staff(), town.zone()
    table = notice() | {"notices": [{"title": f"通知{number}"} for number in range(6)]}
    done(town.put(editor, ZONE, slug, content(table, rich_text())))
    fewer = table | {"notices": table["notices"][:2]}
    saved = done(town.put(editor, ZONE, slug, content(fewer)))
    assert [(one["code"], one["place"]) for one in saved.json["warnings"]] == [("rows_removed", "blocks.0.notices")]


def test_a_restore_names_one_source_that_there_is_and_the_state_that_was_seen(town):
    editor, slug = town.staff(), town.zone()
    tag = done(town.put(editor, ZONE, slug, content())).headers["ETag"]
    for body in ({}, {"save": 1, "version": 1}):
        refused(town.do(editor, ZONE, slug, "restore", body), 422, "invalid_fields", "save")
    refused(town.do(editor, ZONE, slug, "restore", {"save": 9}), 404, "publishing.save_not_found")
    refused(town.do(editor, ZONE, slug, "restore", {"version": 9}), 404, "publishing.version_not_found")
    refused(town.get(editor, ZONE, f"{slug}/saves/9"), 404, "publishing.save_not_found")
    refused(town.do(editor, ZONE, slug, "restore", {"save": 1}, tag=None), 428, "precondition_required")
    done(town.put(editor, ZONE, slug, content(title="改")))
    refused(town.do(editor, ZONE, slug, "restore", {"save": 1}, tag), 412, "precondition_failed")


def test_saved_drafts_are_those_of_ones_own_pages(town):
    editor, slug = town.staff(), town.zone()
    done(town.put(editor, ZONE, slug, content()))
    other = town.staff("editor", zone=town.zone())
    for path in (f"{slug}/saves", f"{slug}/saves/1"):
        refused(town.get(other, ZONE, path), 403, "publishing.other_place")
    refused(town.do(other, ZONE, slug, "restore", {"save": 1}), 403, "publishing.other_place")
    reviewer = town.staff("reviewer", zone=slug)
    assert numbers(town, reviewer, slug) == [1]
    assert town.do(reviewer, ZONE, slug, "restore", {"save": 1}).status_code == 403


def test_the_last_fifty_are_kept_for_thirty_days_with_their_pictures(town, picture):
    editor, slug = town.staff(), town.zone()
    done(town.put(editor, ZONE, slug, content(banner=picture)))
    assert uses(town, slug) == {0, -1}
    for number in range(MAX_SAVES):
        done(town.put(editor, ZONE, slug, content(title=f"第{number}次")))
    assert numbers(town, editor, slug) == list(range(MAX_SAVES + 1, 1, -1))
    assert uses(town, slug) == set()
    with town.database.transaction() as session:
        end_rows(session, saves.ENDINGS, town.clock() + timedelta(days=29))
        assert session.scalar(select(PageSave.number).where(PageSave.slug == slug).limit(1)) is not None
    with town.database.transaction() as session:
        end_rows(session, saves.ENDINGS, town.clock() + timedelta(days=31))
        assert session.scalar(select(PageSave.number).where(PageSave.slug == slug).limit(1)) is None


def uses(town, slug):
    with town.database.transaction() as session:
        return set(session.scalars(select(MediaUse.number).where(MediaUse.slug == slug)))


def test_who_did_not_hear_that_a_draft_was_saved_hears_it_again(town):
    editor, other, slug = town.staff(), town.staff(), town.zone()
    tag = town.get(editor, ZONE, f"{slug}/draft").headers["ETag"]
    saved = done(town.put(editor, ZONE, slug, content(), tag))
    again = done(town.put(editor, ZONE, slug, content(), tag))
    assert (again.headers["ETag"], again.json["content"]) == (saved.headers["ETag"], saved.json["content"])
    assert [event.action for event in events(town, ZONE, slug)] == ["pages.save"]
    refused(town.put(editor, ZONE, slug, content(title="别的"), tag), 412, "precondition_failed")
    refused(town.put(other, ZONE, slug, content(), tag), 412, "precondition_failed")
    done(town.put(other, ZONE, slug, content(title="他人的"), saved.headers["ETag"]))
    refused(town.put(editor, ZONE, slug, content(), tag), 412, "precondition_failed")


def test_saving_what_is_approved_leaves_the_approval(town):
    slug = town.zone()
    editor, reviewer = town.approve_draft(ZONE, slug)
    saved = done(town.put(editor, ZONE, slug, content()))
    assert (saved.json["state"], saved.json["reviewed_by"]) == ("approved", str(reviewer.id))
    assert done(town.put(editor, ZONE, slug, content(title="改"))).json["state"] == "draft"


def test_each_step_that_is_asked_again_with_the_tag_from_before_is_done_once(town):
    editor, reviewer, slug = town.staff(), town.staff(), town.zone()
    tag = done(town.put(editor, ZONE, slug, content())).headers["ETag"]
    steps = (
        (editor, "submit", None),
        (reviewer, "reject", {"reason": "不清楚"}),
        (editor, "submit", None),
        (reviewer, "approve", None),
        (editor, "publish", {}),
        (editor, "rollback", {"version": 1}),
        (editor, "withdraw", {"version": 1, "reason": "有误"}),
    )
    for who, verb, body in steps:
        first = done(town.do(who, ZONE, slug, verb, body, tag))
        again = done(town.do(who, ZONE, slug, verb, body, tag))
        assert again.headers["ETag"].partition(".")[0] == first.headers["ETag"].partition(".")[0], verb
        assert again.json.get("published") == first.json.get("published")
        refused(town.do(town.staff(), ZONE, slug, verb, body, tag), 412, "precondition_failed")
        tag = first.headers["ETag"]
    actions = [event.action for event in events(town, ZONE, slug)]
    assert actions == ["pages.save", *(f"pages.{verb}" for _, verb, _ in steps)]
    assert town.get(editor, ZONE, f"{slug}/draft").json["latest"] == 2


def test_a_wrong_year_is_told_at_each_step(town):
    editor, reviewer, slug = town.staff(), town.staff(), town.zone()
    said = content(notice(starts_at="2025-12-01T00:00:00Z", ends_at="2025-12-05T00:00:00Z"))
    for answer in (
        town.put(editor, ZONE, slug, said),
        town.do(editor, ZONE, slug, "submit"),
        town.do(reviewer, ZONE, slug, "approve"),
        town.do(editor, ZONE, slug, "publish"),
        town.get(editor, ZONE, f"{slug}/draft"),
    ):
        told = [(one["code"], one["place"]) for one in done(answer).json["warnings"]]
        assert ("date_over", "blocks.0.notices.0.ends_at") in told


def test_what_will_be_over_when_its_version_begins_is_told_when_it_is_published(town):
    slug, ends = town.zone(), town.clock() + timedelta(days=2)
    editor, _ = town.approve_draft(ZONE, slug, content(notice(ends_at=ends.isoformat())))
    body = {"at": (ends + timedelta(days=1)).isoformat()}
    answer = done(town.do(editor, ZONE, slug, "publish", body))
    assert "date_over" in {one["code"] for one in answer.json["warnings"]}
