"""Drafts: whoever saves or submits must have seen the newest state, and had a hand in it from then on."""

import pytest

from qe_ban.kernel.errors import Conflict
from qe_ban.reviewing import errors
from tests.reviewing.bylaws import if_match


def test_a_document_that_nobody_wrote_yet_is_an_empty_draft(council):
    draft = council.draft
    assert (draft.revision, draft.state, draft.content, draft.editors) == (0, "draft", {"text": ""}, [])


def test_a_save_replaces_the_content_and_returns_what_it_replaced(council):
    editor = council.staff()
    assert council.save(editor, "first")[1] == {"text": ""}
    draft, old_content = council.save(editor, "second", precondition=if_match(1))
    assert (old_content, draft.content, draft.revision) == ({"text": "first"}, {"text": "second"}, 2)
    assert council.words(0) == {"second"}


def test_a_save_over_what_the_editor_has_not_seen_is_refused(council):
    council.save(council.staff(), "first")
    with pytest.raises(Conflict):
        council.save(council.staff(), "second", precondition=if_match(0))
    assert council.draft.content == {"text": "first"}


def test_the_same_save_again_is_answered_and_changes_nothing(council):
    editor = council.staff()
    council.save(editor, "first", precondition=if_match(0))
    draft, old_content = council.save(editor, "first", precondition=if_match(0))
    assert (draft.revision, old_content) == (1, None)
    with pytest.raises(Conflict):
        council.save(council.staff(), "first", precondition=if_match(0))


def test_all_who_save_or_submit_are_editors(council):
    first, second, third = council.staff(), council.staff(), council.staff()
    council.save(first, "first")
    council.save(second, "second")
    council.submit(third)
    assert council.draft.editors == [first.id, second.id, third.id]


def test_saving_what_is_approved_keeps_the_approval_and_saving_anything_else_ends_it(council):
    editor, _ = council.bring_to_approval("first")
    council.save(editor, "first")
    assert council.draft.state == "approved"
    council.save(editor, "second")
    assert (council.draft.state, council.draft.reviewed_by) == ("draft", None)


def test_what_nobody_saved_and_what_is_submitted_already_is_not_submitted(council):
    with pytest.raises(errors.WrongState):
        council.submit(council.staff())
    council.save(council.staff(), "first")
    council.submit(council.staff())
    with pytest.raises(errors.WrongState) as refusal:
        council.submit(council.staff())
    assert refusal.value.facts == {"state": "submitted"}


def test_a_draft_over_which_a_version_was_published_is_saved_anew_before_it_is_submitted(council):
    council.enact("first")
    council.enact("second")
    editor = council.staff()
    council.save(editor, "third")
    council.roll_back(council.staff(), 1)
    with pytest.raises(errors.DraftOutdated, match="规章又有新版本"):
        council.submit(editor)
    council.save(editor, "third again")
    council.submit(editor)


def test_the_audit_keeps_each_step_with_the_document_before_and_after(council):
    council.enact("first")
    events = council.events()
    assert [event.action for event in events] == [f"bylaws.{verb}" for verb in ("save", "submit", "approve", "publish")]
    assert [event.details["after"]["revision"] for event in events] == [1, 2, 3, 4]
    assert events[0].details["changes"] == [{"before": "", "after": "first"}]
    assert events[3].details["after"] == {"state": "published", "revision": 4, "latest": 1}
