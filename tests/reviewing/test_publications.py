"""Publication: versions in force by the clock, scheduled ones that must be settled, and old ones again."""

from datetime import timedelta

import pytest

from qe_ban.kernel.errors import Conflict
from qe_ban.reviewing import errors
from qe_ban.reviewing.rules.versions import ScheduledPolicy
from qe_ban.reviewing.service import history
from tests.reviewing.bylaws import BYLAWS, WITHDRAW, if_match

HOUR = timedelta(hours=1)


def states(council):
    with council.database.transaction() as session:
        versions = history.list_versions(session, BYLAWS, council.key, before=None, limit=9, now=council.now)
        return {version.row.number: version.state for version in versions}


def test_only_what_is_approved_is_published_and_once(council):
    editor = council.staff()
    council.save(editor, "first")
    with pytest.raises(errors.WrongState):
        council.publish(editor)
    council.submit(editor)
    council.approve(council.staff())
    publication = council.publish(editor)
    assert (publication.version.number, publication.row.state, publication.row.editors) == (1, "published", [])
    assert council.text_at() == "first"
    assert council.words(1) == {"first"}
    with pytest.raises(errors.WrongState):
        council.publish(editor)


def test_the_same_publication_again_is_answered_with_the_same_version(council):
    editor, _ = council.bring_to_approval("first")
    numbers = [council.publish(editor, precondition=if_match(3)).version.number for _ in range(2)]
    assert numbers == [1, 1]
    with pytest.raises(Conflict):
        council.publish(council.staff(), precondition=if_match(3))


def test_versions_come_into_force_and_end_by_the_clock(council):
    start = council.now
    council.enact("first")
    council.enact("second", at=start + HOUR, end_at=start + 2 * HOUR)
    assert [council.text_at(start + hours * HOUR) for hours in (0, 1, 2)] == ["first", "second", "first"]
    assert states(council) == {1: "in_force", 2: "scheduled"}
    council.later(hours=1)
    assert states(council) == {1: "replaced", 2: "in_force"}
    council.later(hours=1)
    assert states(council) == {1: "in_force", 2: "ended"}


def test_a_document_that_has_ended_has_no_version_in_force_and_gets_none(council):
    council.enact("first")
    editor, _ = council.bring_to_approval("second")
    with council.database.transaction() as session:
        session.get_one(BYLAWS.tables.drafts, council.key).ends_at = council.now + HOUR
    assert (council.text_at(), council.text_at(council.now + HOUR)) == ("first", None)
    with pytest.raises(errors.ScheduleInvalid) as refusal:
        council.publish(editor, at=council.now + HOUR)
    assert refusal.value.fields == {"at": "规章在此之前已经结束"}
    council.later(hours=1)
    with pytest.raises(errors.DocumentEnded, match="这个规章已经结束"):
        council.publish(editor)


def test_a_scheduled_version_that_would_replace_a_new_one_must_be_settled(council):
    council.enact("first", at=council.now + HOUR)
    editor, _ = council.bring_to_approval("second")
    with pytest.raises(errors.LaterUndecided) as refusal:
        council.publish(editor)
    assert [version["version"] for version in refusal.value.facts["later"]] == [1]
    council.publish(editor, end_at=council.now + HOUR)
    assert council.text_at(council.now + HOUR) == "first"


@pytest.mark.parametrize(("policy", "outcome", "text"), [("keep", "kept", "first"), ("replace", "withdrawn", "second")])
def test_a_scheduled_version_is_kept_or_replaced_as_the_caller_says(council, policy, outcome, text):
    council.enact("first", at=council.now + HOUR)
    editor, _ = council.bring_to_approval("second")
    revision = council.draft.revision
    for _ in range(2):
        publication = council.publish(editor, policy=ScheduledPolicy(policy), precondition=if_match(revision))
        assert [(one.number, one.outcome) for one in publication.later] == [(1, outcome)]
    assert council.text_at(council.now + HOUR) == text
    assert council.events()[-1].details["later"] == [{"version": 1, "outcome": outcome}]


def test_a_draft_that_contains_what_is_scheduled_for_later_must_be_settled_too(council):
    council.enact("old")
    council.enact("old secret", at=council.now + 2 * HOUR)
    editor, _ = council.bring_to_approval("old secret hint")
    with pytest.raises(errors.LaterUndecided):
        council.publish(editor, end_at=council.now + HOUR)
    council.save(editor, "old hint")
    council.submit(editor)
    council.approve(council.staff())
    council.publish(editor, end_at=council.now + HOUR)


def test_a_rollback_publishes_an_old_content_with_those_who_answered_for_it(council):
    council.enact("first")
    council.enact("second")
    publisher = council.staff()
    publication = council.roll_back(publisher, 1)
    version = publication.version
    assert (version.number, version.rollback_of, version.published_by) == (3, 1, publisher.id)
    assert council.text_at() == "first"
    assert council.draft.content == {"text": "first"}
    assert council.words(0) == council.words(3) == {"first"}
    with council.database.transaction() as session:
        old = history.read_version(session, BYLAWS, council.key, 1, now=council.now).row
    assert (version.approved_by, version.editors) == (old.approved_by, old.editors)


def test_a_rollback_leaves_an_unpublished_draft_as_it_is(council):
    council.enact("first")
    council.save(council.staff(), "second")
    council.roll_back(council.staff(), 1)
    assert (council.draft.content, council.draft.base, council.draft.latest) == ({"text": "second"}, 1, 2)


def test_a_withdrawn_version_comes_back_by_review_only_and_an_unknown_one_not_at_all(council):
    council.enact("first")
    council.withdraw(council.staff(WITHDRAW), 1)
    with pytest.raises(errors.AlreadyWithdrawn):
        council.roll_back(council.staff(), 1)
    with pytest.raises(errors.VersionNotFound):
        council.roll_back(council.staff(), 2)


def test_the_contents_of_old_versions_and_of_the_draft_stay_readable(council):
    council.enact("first")
    council.enact("second")
    council.save(council.staff(), "third")
    with council.database.transaction() as session:
        texts = [history.read_content(session, BYLAWS, council.key, number)["text"] for number in (1, 2, 0)]
        assert texts == ["first", "second", "third"]
        with pytest.raises(errors.VersionNotFound):
            history.read_content(session, BYLAWS, council.key, 3)
