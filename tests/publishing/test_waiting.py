"""While a version waits: nobody makes it public early unknowingly, and nothing urgent vanishes without a word."""

from datetime import timedelta

import pytest

from qe_ban.publishing.rules.states import PageKind
from tests.factories.pages import content, notice, rich_text
from tests.publishing.asking import done, events, refused

ZONE = PageKind.ZONE
PLAIN = rich_text()
SECRET = rich_text("secret", "<p>下月的新政策</p>")
URGENT = notice("urgent", "台风红色预警", level="urgent")


def codes(answer):
    return {warning["code"] for warning in answer.json["warnings"]}


def shown(town, slug):
    answer = done(town.client.get(f"/api/v1/zones/{slug}"))
    return {block["id"] for block in answer.json["blocks"]} | ({"urgent"} if answer.json["notices"] else set())


@pytest.fixture
def waiting(town):
    """A zone that shows one version, and for which another waits; gives its slug and when that begins."""
    slug, at = town.zone(), town.clock() + timedelta(days=3)
    town.publish(ZONE, slug, content(PLAIN))
    town.publish(ZONE, slug, content(PLAIN, SECRET), at=at.isoformat())
    return slug, at


def test_a_draft_says_what_of_it_is_not_in_force_yet_and_can_start_from_what_is(town, waiting):
    slug, at = waiting
    editor = town.staff()
    read = done(town.get(editor, ZONE, f"{slug}/draft"))
    (scheduled,) = read.json["scheduled"]
    assert (scheduled["version"], scheduled["starts_at"]) == (2, at.strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert [overlap["place"] for overlap in scheduled["overlaps"]] == ["blocks.secret"]
    assert {"version_waiting", "not_in_force"} <= codes(read)
    restored = done(town.do(editor, ZONE, slug, "restore", {"version": 1}, read.headers["ETag"]))
    assert [block["id"] for block in restored.json["content"]["blocks"]] == ["about"]
    assert restored.json["scheduled"][0]["overlaps"] == []
    assert "not_in_force" not in codes(restored)
    assert "version_waiting" in codes(restored)


def test_every_step_warns_with_the_number_and_the_time_of_what_waits(town, waiting):
    slug, at = waiting
    editor, reviewer = town.staff(), town.staff()
    time = (at + timedelta(hours=8)).strftime("%Y-%m-%d %H:%M")
    for answer in (
        town.put(editor, ZONE, slug, content(PLAIN, SECRET, URGENT)),
        town.do(editor, ZONE, slug, "submit"),
        town.do(reviewer, ZONE, slug, "approve"),
        town.do(editor, ZONE, slug, "publish", {"later": "keep"}),
    ):
        said = {one["code"]: one["message"] for one in done(answer).json["warnings"]}
        assert "版本 2" in said["version_waiting"]
        assert time in said["version_waiting"]
        if answer.json["state"] != "published":
            assert "secret" in said["not_in_force"]


def test_what_is_urgent_is_published_only_when_it_is_said_what_becomes_of_what_waits(town, waiting):
    slug, _ = waiting
    editor, _ = town.approve_draft(ZONE, slug, content(PLAIN, URGENT))
    refusal = refused(town.do(editor, ZONE, slug, "publish"), 409, "publishing.later_undecided")
    assert [one["version"] for one in refusal.json["later"]] == [2]
    assert town.get(editor, ZONE, f"{slug}/draft").json["state"] == "approved"
    refused(town.do(editor, ZONE, slug, "publish", {"later": "drop"}), 422, "invalid_fields", "later")
    answer = done(town.do(editor, ZONE, slug, "publish", {"later": "keep"}))
    assert [(one["version"], one["outcome"]) for one in answer.json["later"]] == [(2, "kept")]
    assert shown(town, slug) == {"about", "urgent"}
    with town.clock.shift(days=4):
        assert town.get(editor, ZONE, f"{slug}/draft").json["in_force"] == 2


def test_what_waits_can_be_replaced_and_then_never_comes(town, waiting):
    slug, _ = waiting
    editor, _ = town.approve_draft(ZONE, slug, content(PLAIN, URGENT))
    answer = done(town.do(editor, ZONE, slug, "publish", {"later": "replace"}))
    assert [(one["version"], one["outcome"]) for one in answer.json["later"]] == [(2, "withdrawn")]
    assert answer.json["upcoming"] == []
    with town.clock.shift(days=4):
        assert town.get(editor, ZONE, f"{slug}/draft").json["in_force"] == 3
    (listed,) = [one for one in town.get(editor, ZONE, f"{slug}/versions").json["items"] if one["version"] == 2]
    assert (listed["state"], listed["withdrawal_reason"]) == ("withdrawn", "由版本 3 取代")
    assert {"pages.withdraw", "pages.publish"} <= {event.action for event in events(town, ZONE, slug)}


def test_a_publication_that_is_over_before_what_waits_begins_needs_no_word_unless_it_makes_it_public(town, waiting):
    slug, _ = waiting
    end = (town.clock() + timedelta(days=1)).isoformat()
    editor, _ = town.approve_draft(ZONE, slug, content(PLAIN, URGENT))
    assert done(town.do(editor, ZONE, slug, "publish", {"end_at": end})).json["later"] == []
    editor, _ = town.approve_draft(ZONE, slug, content(PLAIN, SECRET))
    refused(town.do(editor, ZONE, slug, "publish", {"end_at": end}), 409, "publishing.later_undecided")


def test_publishing_between_or_at_the_same_time_needs_a_word_and_after_it_none(town, waiting):
    slug, at = waiting
    editor, _ = town.approve_draft(ZONE, slug, content(PLAIN, URGENT))
    for moment in (at - timedelta(days=1), at):
        body = {"at": moment.isoformat()}
        refused(town.do(editor, ZONE, slug, "publish", body), 409, "publishing.later_undecided")
    body = {"at": (at + timedelta(days=1)).isoformat()}
    assert done(town.do(editor, ZONE, slug, "publish", body)).json["later"] == []


def test_a_rollback_and_the_withdrawal_of_what_is_shown_need_a_word_too(town, waiting):
    slug, _ = waiting
    admin = town.staff()
    refused(town.do(admin, ZONE, slug, "rollback", {"version": 1}), 409, "publishing.later_undecided")
    done(town.do(admin, ZONE, slug, "rollback", {"version": 1, "later": "keep"}))
    body = {"version": 3, "reason": "有误"}
    refused(town.do(admin, ZONE, slug, "withdraw", body), 409, "publishing.later_undecided")
    answer = done(town.do(admin, ZONE, slug, "withdraw", body | {"later": "replace"}))
    assert [(one["version"], one["outcome"]) for one in answer.json["later"]] == [(2, "withdrawn")]
    assert (answer.json["in_force"], answer.json["scheduled"]) == (1, [])


def test_a_row_that_a_waiting_version_adds_to_a_block_is_noticed(town):
    slug, editor = town.zone(), town.staff()
    one, two = notice("notices", "一"), notice("notices", "一")
    two["notices"].append({"title": "下月收费", "level": "info"})
    town.publish(ZONE, slug, content(one))
    town.publish(ZONE, slug, content(two), at=(town.clock() + timedelta(days=3)).isoformat())
    two["notices"].append({"title": "台风", "level": "urgent"})
    saved = done(town.put(editor, ZONE, slug, content(two)))
    (overlap,) = saved.json["scheduled"][0]["overlaps"]
    assert overlap["place"] == "blocks.notices.notices"
    assert "下月收费" in overlap["heading"]


def test_what_was_withdrawn_is_not_published_again_without_a_word(town):
    slug, editor, reviewer = town.zone(), town.staff(), town.staff()
    town.publish(ZONE, slug, content(PLAIN))
    town.publish(ZONE, slug, content(PLAIN, SECRET))
    withdrawal = done(town.do(editor, ZONE, slug, "withdraw", {"version": 2, "reason": "有误"}))
    answers = [
        withdrawal,
        town.get(editor, ZONE, f"{slug}/draft"),
        town.put(editor, ZONE, slug, content(PLAIN, SECRET, URGENT)),
        town.do(editor, ZONE, slug, "submit"),
        town.do(reviewer, ZONE, slug, "approve"),
    ]
    for answer in answers:
        said = {one["code"]: one["message"] for one in done(answer).json["warnings"]}
        assert "版本 2" in said["withdrawn_content"]
        assert "secret" in said["withdrawn_content"]
        assert "版本 1" in said["withdrawn_content"]
    assert "withdrawn_content" not in codes(town.put(editor, ZONE, slug, content(PLAIN, URGENT)))


def test_what_was_withdrawn_before_it_began_is_not_made_public_without_a_word(town, waiting):
    slug, _ = waiting
    editor = town.staff()
    done(town.do(editor, ZONE, slug, "withdraw", {"version": 2, "reason": "有误"}))
    assert codes(town.get(editor, ZONE, f"{slug}/draft")) == {"withdrawn_content"}
    restored = town.do(editor, ZONE, slug, "restore", {"version": 1})
    assert "withdrawn_content" not in codes(done(restored))


def test_a_version_that_begins_after_the_end_of_its_zone_is_not_passed_over_in_silence(town, waiting):
    slug, at = waiting
    admin = town.staff()
    before = at - timedelta(days=1)
    end = {"at": before.isoformat(), "delete": False}
    done(town.client.post(f"/api/v1/zones/{slug}/end", json=end, headers={**admin.headers, "If-Match": "*"}))
    read = done(town.get(admin, ZONE, f"{slug}/draft"))
    (said,) = [one["message"] for one in read.json["warnings"] if one["code"] == "version_after_end"]
    assert "版本 2" in said
    assert (before + timedelta(hours=8)).strftime("%Y-%m-%d %H:%M") in said
    assert read.json["scheduled"] == []
