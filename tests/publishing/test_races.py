"""Several at once on one page: the locked row lets exactly one win, and nothing is lost or done twice."""

import pytest

from qe_ban.publishing.rules.states import PageKind
from tests.factories.accounts import together
from tests.factories.pages import content
from tests.publishing.asking import done

ZONE = PageKind.ZONE
AT_ONCE = 6


def outcomes(answers):
    """Give how many were done, and of what the others were told."""
    codes = [answer.status_code for answer in answers]
    assert set(codes) <= {200, 409, 412}, [answer.json for answer in answers]
    return codes.count(200), {answer.json["code"] for answer in answers if answer.status_code != 200}


def test_of_editors_who_save_at_once_one_wins_and_the_others_are_told(town):
    slug, editors = town.zone(), [town.staff() for _ in range(AT_ONCE)]
    for _ in range(3):
        tag = town.get(editors[0], ZONE, f"{slug}/draft").headers["ETag"]
        answers = together(
            AT_ONCE, lambda number, tag=tag: town.put(editors[number], ZONE, slug, content(title=f"{number}"), tag)
        )
        assert outcomes(answers) == (1, {"precondition_failed"})
        winner = next(number for number, answer in enumerate(answers) if answer.status_code == 200)
        assert town.get(editors[0], ZONE, f"{slug}/draft").json["content"]["title"] == f"{winner}"


def test_editors_who_save_over_whatever_stands_all_become_editors(town):
    slug, editors = town.zone(), [town.staff() for _ in range(AT_ONCE)]
    answers = together(AT_ONCE, lambda number: town.put(editors[number], ZONE, slug, content(title=f"{number}")))
    assert outcomes(answers) == (AT_ONCE, set())
    held = town.get(editors[0], ZONE, f"{slug}/draft")
    assert set(held.json["editors"]) == {str(editor.id) for editor in editors}
    assert held.headers["ETag"].startswith(f'"{AT_ONCE}.')


@pytest.mark.parametrize("tag", ["seen", "*"])
def test_what_is_approved_is_what_the_reviewer_saw(town, tag):
    """Whichever comes first, no approval lies on a content that was saved after it was looked at."""
    for _ in range(4):
        editor, reviewer, slug = town.staff(), town.staff(), town.zone()
        town.put(editor, ZONE, slug, content(title="看过的"))
        seen = done(town.do(editor, ZONE, slug, "submit")).headers["ETag"]
        said = seen if tag == "seen" else "*"
        work = (
            lambda slug=slug, said=said, reviewer=reviewer: town.do(reviewer, ZONE, slug, "approve", tag=said),
            lambda slug=slug, said=said, editor=editor: town.put(editor, ZONE, slug, content(title="改过的"), said),
        )
        answers = together(2, lambda number, work=work: work[number]())
        count, refusals = outcomes(answers)
        held = town.get(editor, ZONE, f"{slug}/draft").json
        if tag == "seen":
            assert (count, refusals) == (1, {"precondition_failed"})
        assert refusals <= {"precondition_failed", "publishing.wrong_state"}
        assert (held["state"], held["content"]["title"]) in (("approved", "看过的"), ("draft", "改过的"))


def test_of_those_who_publish_at_once_one_makes_one_version(town):
    for tag in ("seen", "*"):
        slug = town.zone()
        editor, _ = town.approve_draft(ZONE, slug)
        said = town.get(editor, ZONE, f"{slug}/draft").headers["ETag"] if tag == "seen" else "*"
        answers = together(
            AT_ONCE,
            lambda _, slug=slug, said=said, editor=editor: town.do(editor, ZONE, slug, "publish", {}, said),
        )
        # who saw the draft right before hears what they would have heard: a second time is a retry
        assert outcomes(answers) == ((AT_ONCE, set()) if tag == "seen" else (1, {"publishing.wrong_state"}))
        assert {answer.json["published"]["version"] for answer in answers if answer.status_code == 200} == {1}
        versions = town.get(editor, ZONE, f"{slug}/versions").json["items"]
        assert [version["version"] for version in versions] == [1]


def test_rollbacks_at_once_get_numbers_of_their_own(town):
    slug = town.zone()
    town.publish(ZONE, slug)
    town.publish(ZONE, slug, content(title="二"))
    admin = town.staff()
    # as many as staff have slots: each waits for the one before, and who waits for a slot may be refused
    answers = together(AT_ONCE // 2, lambda _: town.do(admin, ZONE, slug, "rollback", {"version": 1}))
    numbers = sorted(done(answer).json["published"]["version"] for answer in answers)
    assert numbers == list(range(3, 3 + AT_ONCE // 2))
    assert town.get(admin, ZONE, f"{slug}/draft").json["in_force"] == numbers[-1]


def test_a_version_is_withdrawn_once(town):
    slug, admin = town.zone(), town.staff()
    town.publish(ZONE, slug)
    body = {"version": 1, "reason": "有误"}
    answers = together(AT_ONCE, lambda _: town.do(admin, ZONE, slug, "withdraw", body))
    assert outcomes(answers) == (1, {"publishing.already_withdrawn"})


def test_publishing_and_withdrawing_at_once_leave_one_order_of_the_two(town):
    for _ in range(4):
        slug, admin = town.zone(), town.staff()
        town.publish(ZONE, slug, content(title="一"))
        editor, _ = town.approve_draft(ZONE, slug, content(title="二"))
        tag = town.get(admin, ZONE, f"{slug}/draft").headers["ETag"]
        work = (
            lambda slug=slug, tag=tag, who=editor: town.do(who, ZONE, slug, "publish", {}, tag),
            lambda slug=slug, tag=tag, who=admin: town.do(
                who, ZONE, slug, "withdraw", {"version": 1, "reason": "有误"}, tag
            ),
        )
        answers = together(2, lambda number, work=work: work[number]())
        assert outcomes(answers) == (1, {"precondition_failed"})
        published = answers[0].status_code == 200
        assert town.get(admin, ZONE, f"{slug}/draft").json["in_force"] == (2 if published else None)


def test_a_reviewer_who_is_disabled_while_it_is_published_was_in_time_or_not(town):
    for _ in range(4):
        slug = town.zone()
        editor, reviewer = town.approve_draft(ZONE, slug)
        work = (
            lambda slug=slug, editor=editor: town.do(editor, ZONE, slug, "publish"),
            lambda reviewer=reviewer: town.change(reviewer, disabled_at=town.clock()),
        )
        answer, disabled = together(2, lambda number, work=work: work[number]())
        assert disabled is None
        state = town.get(editor, ZONE, f"{slug}/draft").json["state"]
        assert (answer.status_code, state) in ((200, "published"), (409, "submitted"))
