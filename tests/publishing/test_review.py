"""Review: always another person than the editors, with a reason where it goes back, and over the newest version."""

import pytest
from sqlalchemy import exc, update

from qe_ban.publishing.models import Page
from qe_ban.publishing.rules.states import PageKind
from tests.factories.pages import content
from tests.publishing.asking import done, events, refused, words_of

ZONE = PageKind.ZONE


def submitted(town, slug, *editors):
    for number, editor in enumerate(editors):
        done(town.put(editor, ZONE, slug, content(title=f"第{number}稿")))
    done(town.do(editors[0], ZONE, slug, "submit"))


@pytest.mark.parametrize("kind", list(PageKind))
def test_another_person_than_the_editor_approves(town, kind):
    editor, reviewer, slug = town.staff(), town.staff("reviewer"), town.page(kind)
    done(town.put(editor, kind, slug, content()))
    done(town.do(editor, kind, slug, "submit"))
    refused(town.do(editor, kind, slug, "approve"), 403, "publishing.own_draft")
    refused(town.do(editor, kind, slug, "reject", {"reason": "自己退回"}), 403, "publishing.own_draft")
    approved = done(town.do(reviewer, kind, slug, "approve"))
    assert (approved.json["state"], approved.json["reviewed_by"]) == ("approved", str(reviewer.id))


def test_a_draft_of_two_editors_can_be_approved_by_neither(town):
    first, second, slug = town.staff(), town.staff(), town.zone()
    submitted(town, slug, first, second)
    for editor in (first, second):
        refused(town.do(editor, ZONE, slug, "approve"), 403, "publishing.own_draft")
    done(town.do(town.staff(), ZONE, slug, "approve"))


def test_who_hands_in_anothers_draft_cannot_approve_it(town):
    editor, other, slug = town.staff(), town.staff(), town.zone()
    done(town.put(editor, ZONE, slug, content()))
    done(town.do(other, ZONE, slug, "submit"))
    refused(town.do(other, ZONE, slug, "approve"), 403, "publishing.own_draft")
    done(town.do(town.staff(), ZONE, slug, "approve"))


def test_a_draft_that_nobody_wrote_is_not_submitted(town):
    slug, admin = town.zone(), town.staff()
    refused(town.do(admin, ZONE, slug, "submit"), 409, "publishing.wrong_state")
    done(town.do(admin, ZONE, slug, "preview", {}), 201)
    refused(town.do(admin, ZONE, slug, "submit"), 409, "publishing.wrong_state")


def test_the_table_itself_refuses_an_editor_as_reviewer(town):
    editor, slug = town.staff(), town.zone()
    submitted(town, slug, editor)
    own = update(Page).where(Page.slug == slug).values(state="approved", reviewed_by=editor.id)
    with pytest.raises(exc.IntegrityError, match="four_eyes"), town.database.transaction() as session:
        session.execute(own)
    nobody = update(Page).where(Page.slug == slug).values(state="approved")
    with pytest.raises(exc.IntegrityError, match="reviewed"), town.database.transaction() as session:
        session.execute(nobody)


def test_once_published_the_next_draft_has_editors_of_its_own(town):
    editor, reviewer, slug = town.staff(), town.staff(), town.zone()
    submitted(town, slug, editor)
    done(town.do(reviewer, ZONE, slug, "approve"))
    done(town.do(editor, ZONE, slug, "publish"))
    submitted(town, slug, reviewer)
    assert done(town.do(editor, ZONE, slug, "approve")).json["editors"] == [str(reviewer.id)]


def test_a_rejection_needs_a_reason_and_tells_it_until_the_next_submission(town):
    editor, reviewer, slug = town.staff(), town.staff(), town.zone()
    submitted(town, slug, editor)
    for body in ({}, {"reason": ""}, {"reason": " "}, {"reason": "字" * 501}, {"reason": None}):
        refused(town.do(reviewer, ZONE, slug, "reject", body), 422, "invalid_fields", "reason")
    rejected = done(town.do(reviewer, ZONE, slug, "reject", {"reason": "标题不清楚"}))
    assert (rejected.json["state"], rejected.json["reason"]) == ("rejected", "标题不清楚")
    assert done(town.put(editor, ZONE, slug, content())).json["reason"] == "标题不清楚"
    again = done(town.do(editor, ZONE, slug, "submit"))
    assert (again.json["state"], again.json["reason"], again.json["reviewed_by"]) == ("submitted", None, None)


def test_a_rejected_draft_may_be_submitted_as_it_is(town):
    editor, slug = town.staff(), town.zone()
    submitted(town, slug, editor)
    done(town.do(town.staff(), ZONE, slug, "reject", {"reason": "请核对"}))
    assert done(town.do(editor, ZONE, slug, "submit")).json["state"] == "submitted"


def test_what_does_not_fit_the_state_is_refused_and_says_where_the_draft_stands(town):
    editor, reviewer, slug = town.staff(), town.staff(), town.zone()
    steps = {"submit": None, "approve": None, "reject": {"reason": "不清楚"}, "publish": {}}

    def only(state, *allowed):
        for verb in steps.keys() - set(allowed):
            answer = refused(town.do(reviewer, ZONE, slug, verb, steps[verb]), 409, "publishing.wrong_state")
            assert answer.json["state"] == state

    town.put(editor, ZONE, slug, content())
    only("draft", "submit")
    town.do(editor, ZONE, slug, "submit")
    only("submitted", "approve", "reject")
    town.do(reviewer, ZONE, slug, "reject", {"reason": "不清楚"})
    only("rejected", "submit")
    town.do(editor, ZONE, slug, "submit")
    town.do(reviewer, ZONE, slug, "approve")
    only("approved", "publish")
    town.do(reviewer, ZONE, slug, "publish")
    only("published")


def test_a_draft_from_before_the_newest_version_must_be_saved_over_it(town):
    slug, editor = town.zone(), town.staff()
    town.publish(ZONE, slug)
    town.publish(ZONE, slug, content(title="第二版"))
    submitted(town, slug, editor)
    done(town.do(editor, ZONE, slug, "rollback", {"version": 1}))
    refused(town.do(town.staff(), ZONE, slug, "approve"), 409, "publishing.draft_outdated")
    held = town.get(editor, ZONE, f"{slug}/draft").json
    assert (held["state"], held["outdated"], held["base"], held["latest"]) == ("submitted", True, 2, 3)
    saved = done(town.put(editor, ZONE, slug, held["content"]))
    assert (saved.json["outdated"], saved.json["base"]) == (False, 3)
    done(town.do(editor, ZONE, slug, "submit"))
    done(town.do(town.staff(), ZONE, slug, "approve"))


def test_an_approval_from_before_the_newest_version_publishes_nothing(town):
    slug = town.zone()
    town.publish(ZONE, slug)
    editor, _ = town.approve_draft(ZONE, slug, content(title="第二版"))
    done(town.do(editor, ZONE, slug, "rollback", {"version": 1}))
    refused(town.do(editor, ZONE, slug, "publish"), 409, "publishing.draft_outdated")


def test_review_is_audited_with_who_and_why(town):
    editor, reviewer, slug = town.staff(), town.staff(), town.zone()
    submitted(town, slug, editor)
    town.do(reviewer, ZONE, slug, "reject", {"reason": "标题不清楚"})
    town.do(editor, ZONE, slug, "submit")
    town.do(reviewer, ZONE, slug, "approve")
    *_, rejected, _, approved = events(town, ZONE, slug)
    assert (rejected.action, words_of(town, rejected)["reason"]) == ("pages.reject", "标题不清楚")
    assert (approved.action, approved.actor_id) == ("pages.approve", reviewer.id)
    assert (approved.details["before"]["state"], approved.details["after"]["state"]) == ("submitted", "approved")
