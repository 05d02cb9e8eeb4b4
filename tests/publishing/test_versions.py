"""What was published: listed, read, compared, brought back, taken away."""

from datetime import timedelta

import pytest
from sqlalchemy import inspect

from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import Principal, PrincipalKind
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.service import history
from qe_ban.publishing.service.page_types import PageTypes
from qe_ban.web import paging, parts, requests
from tests.factories.pages import content, notice
from tests.publishing.asking import done, events, refused, words_of
from tests.publishing.test_publish import in_force, shown

ZONE = PageKind.ZONE


def states(town, slug):
    found = done(town.get(town.staff(), ZONE, f"{slug}/versions")).json["items"]
    return {version["version"]: version["state"] for version in found}


def test_every_version_tells_who_made_it_and_where_it_stands(town):
    slug = town.zone()
    town.publish(ZONE, slug, content(title="一"))
    hour, day = (town.clock() + timedelta(hours=1)).isoformat(), (town.clock() + timedelta(days=1)).isoformat()
    town.publish(ZONE, slug, content(title="二"), end_at=hour)
    town.publish(ZONE, slug, content(title="三"))
    editor, reviewer = town.approve_draft(ZONE, slug, content(title="四"))
    town.do(editor, ZONE, slug, "publish", {"at": day})
    town.publish(ZONE, slug, content(title="五"), at=day, later="keep")
    done(town.do(town.staff(), ZONE, slug, "withdraw", {"version": 5, "reason": "有误"}))
    assert states(town, slug) == {5: "withdrawn", 4: "scheduled", 3: "in_force", 2: "replaced", 1: "replaced"}
    with town.clock.shift(days=2):
        assert states(town, slug) == {5: "withdrawn", 4: "in_force", 3: "replaced", 2: "ended", 1: "replaced"}
    fourth = town.get(editor, ZONE, f"{slug}/versions").json["items"][1]
    assert (fourth["editors"], fourth["approved_by"]) == ([str(editor.id)], str(reviewer.id))
    assert (fourth["published_by"], fourth["rollback_of"], fourth["withdrawn_at"]) == (str(editor.id), None, None)


def test_the_list_is_read_on_from_page_to_page(town):
    slug, admin = town.zone(), town.staff()
    for number in range(5):
        town.publish(ZONE, slug, content(title=f"第{number}版"))
    seen, path = [], f"{slug}/versions?limit=2"
    while path:
        answer = done(town.get(admin, ZONE, path)).json
        seen += [version["version"] for version in answer["items"]]
        path = answer["next"] and f"{slug}/versions?limit=2&cursor={answer['next']}"
    assert seen == [5, 4, 3, 2, 1]
    refused(town.get(admin, ZONE, f"{slug}/versions?cursor=x"), 422, "bad_cursor", "cursor")


def test_a_version_is_read_whole_and_an_unknown_one_is_not_found(town):
    slug, admin = town.zone(), town.staff()
    town.publish(ZONE, slug, content(notice(), title="一"))
    read = done(town.get(admin, ZONE, f"{slug}/versions/1")).json
    assert (read["content"]["title"], read["content"]["blocks"][0]["notices"][0]["title"]) == ("一", "停水通知")
    for number in ("0", "2", "2147483647"):
        refused(town.get(admin, ZONE, f"{slug}/versions/{number}"), 404, "publishing.version_not_found")
    for number in ("2147483648", "-1", "1.0", "x", "9" * 100):
        assert town.get(admin, ZONE, f"{slug}/versions/{number}").status_code == 404
    for body in ({"version": 2}, {"version": 2**31 - 1}):
        refused(town.do(admin, ZONE, slug, "rollback", body), 404, "publishing.version_not_found")
    for wrong in (0, -1, 2**31, "1", None, True):
        refused(town.do(admin, ZONE, slug, "rollback", {"version": wrong}), 422, "invalid_fields", "version")


def test_a_difference_is_told_for_people_and_the_draft_is_number_nought(town):
    slug, admin = town.zone(), town.staff()
    town.publish(ZONE, slug, content(notice(), title="一"))
    town.publish(ZONE, slug, content(notice(title="停电通知"), title="二"))
    found = done(town.get(admin, ZONE, f"{slug}/versions/1/diff/2")).json
    assert (found["before"], found["after"]) == (1, 2)
    title = next(change for change in found["changes"] if change["place"] == "title")
    assert (title["heading"], title["before"], title["after"]) == ("标题", "一", "二")
    assert any("停电通知" in change["heading"] for change in found["changes"])
    back = done(town.get(admin, ZONE, f"{slug}/versions/2/diff/1")).json["changes"]
    assert {change["before"] for change in back if change["place"] == "title"} == {"二"}
    assert done(town.get(admin, ZONE, f"{slug}/versions/2/diff/0")).json["changes"] == []
    done(town.put(admin, ZONE, slug, content(notice(title="停电通知"), title="三")))
    assert [one["after"] for one in town.get(admin, ZONE, f"{slug}/versions/2/diff/0").json["changes"]] == ["三"]
    refused(town.get(admin, ZONE, f"{slug}/versions/1/diff/3"), 404, "publishing.version_not_found")


def test_a_rollback_is_a_new_version_of_the_old_content(town):
    slug, editor = town.zone(), town.staff()
    town.publish(ZONE, slug, content(title="一"))
    town.publish(ZONE, slug, content(title="二"))
    back = done(town.do(editor, ZONE, slug, "rollback", {"version": 1}))
    assert (back.json["published"]["version"], back.json["in_force"], shown(town, slug)) == (3, 3, "一")
    assert (back.json["content"]["title"], back.json["outdated"], back.json["state"]) == ("一", False, "published")
    first, third = (town.get(editor, ZONE, f"{slug}/versions/{number}").json for number in (1, 3))
    assert (third["content"], third["rollback_of"]) == (first["content"], 1)
    assert (third["editors"], third["approved_by"]) == (first["editors"], first["approved_by"])
    event = events(town, ZONE, slug)[-1]
    assert (event.action, event.details["rollback_of"], event.details["replaces"]) == ("pages.rollback", 1, 2)


def test_a_rollback_keeps_the_draft_that_somebody_is_writing(town):
    slug, editor = town.zone(), town.staff()
    town.publish(ZONE, slug, content(title="一"))
    done(town.put(editor, ZONE, slug, content(title="正在写")))
    back = done(town.do(town.staff(), ZONE, slug, "rollback", {"version": 1, "later": "keep"})).json
    assert (back["state"], back["content"]["title"], back["outdated"]) == ("draft", "正在写", True)


def test_a_rollback_does_not_touch_what_is_planned(town):
    slug = town.zone()
    town.publish(ZONE, slug, content(title="一"))
    town.publish(ZONE, slug, content(title="二"), at=(town.clock() + timedelta(hours=1)).isoformat())
    back = done(town.do(town.staff(), ZONE, slug, "rollback", {"version": 1, "later": "keep"})).json
    assert [one["version"] for one in back["upcoming"]] == [2]
    with town.clock.shift(hours=2):
        assert in_force(town, slug).number == 2


def test_what_is_withdrawn_is_gone_at_once_and_the_one_before_is_shown(town):
    slug, admin = town.zone(), town.staff()
    town.publish(ZONE, slug, content(title="一"))
    town.publish(ZONE, slug, content(title="出错了"))
    assert shown(town, slug) == "出错了"
    gone = done(town.do(admin, ZONE, slug, "withdraw", {"version": 2, "reason": "内容有误"}))
    assert (gone.json["in_force"], shown(town, slug)) == (1, "一")
    read = town.get(admin, ZONE, f"{slug}/versions/2").json
    assert (read["state"], read["withdrawal_reason"], read["withdrawn_by"]) == ("withdrawn", "内容有误", str(admin.id))
    event = events(town, ZONE, slug)[-1]
    assert (words_of(town, event)["reason"], event.details["in_force"]) == ("内容有误", {"before": 2, "after": 1})
    again = {"version": 2, "reason": "再撤"}
    refused(town.do(admin, ZONE, slug, "withdraw", again), 409, "publishing.already_withdrawn")
    refused(town.do(admin, ZONE, slug, "rollback", {"version": 2}), 409, "publishing.already_withdrawn")
    done(town.do(admin, ZONE, slug, "withdraw", {"version": 1, "reason": "也撤"}))
    assert shown(town, slug) is None


def test_a_withdrawal_needs_a_version_and_a_reason(town):
    slug, admin = town.zone(), town.staff()
    town.publish(ZONE, slug)
    for body, places in (
        ({"version": 1}, {"reason"}),
        ({"version": 1, "reason": ""}, {"reason"}),
        ({"reason": "有误"}, {"version"}),
        ({}, {"version", "reason"}),
    ):
        refused(town.do(admin, ZONE, slug, "withdraw", body), 422, "invalid_fields", *places)
    body = {"version": 2, "reason": "有误"}
    refused(town.do(admin, ZONE, slug, "withdraw", body), 404, "publishing.version_not_found")


@pytest.mark.parametrize("role", ["editor", "reviewer"])
def test_what_has_begun_only_the_city_withdraws_and_what_has_not_whoever_publishes(town, role):
    slug = town.zone()
    town.publish(ZONE, slug)
    town.publish(ZONE, slug, at=(town.clock() + timedelta(hours=1)).isoformat())
    own, other = town.staff(role, zone=slug), town.staff(role, zone=town.zone())
    begun, planned = {"version": 1, "reason": "有误"}, {"version": 2, "reason": "改期"}
    refused(town.do(own, ZONE, slug, "withdraw", begun), 403, "publishing.withdrawal_refused")
    refused(town.do(other, ZONE, slug, "withdraw", planned), 403, "publishing.other_place")
    assert done(town.do(own, ZONE, slug, "withdraw", planned)).json["in_force"] == 1
    assert states(town, slug) == {2: "withdrawn", 1: "in_force"}


@pytest.mark.parametrize("number", [-1, 0, 2**31, 2**63 - 1])
def test_a_cursor_that_no_list_gave_is_refused(town, number):
    admin, slug = town.staff(), town.zone()
    path = f"/api/v1/zones/{slug}/versions"
    with town.app.test_request_context(path) as context:
        context.request.environ[requests.QUERY] = paging.PageQuery().load({})
        cursor = paging.encode([number])
    refused(town.get(admin, ZONE, f"{slug}/versions?cursor={cursor}"), 422, "bad_cursor", "cursor")


def test_a_list_of_versions_leaves_what_they_say_in_the_database(town):
    slug, now = town.zone(), town.clock()
    town.publish(ZONE, slug)
    with town.app.app_context():
        page_types = parts.part(PageTypes)
    with town.database.transaction() as session:
        reader = Principal(PrincipalKind.STAFF, new_id(), frozenset(), new_id())
        (found,) = history.list_versions(session, page_types, ZONE, slug, before=None, limit=5, reader=reader, now=now)
        assert (found.row.number, "content" in inspect(found.row).unloaded) == (1, True)
