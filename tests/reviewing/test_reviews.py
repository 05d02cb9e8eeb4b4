"""Review: four eyes, a reason for a rejection, and an approval that lapses with the reviewer's right."""

import pytest

from qe_ban.kernel.errors import Conflict
from qe_ban.reviewing import errors
from qe_ban.reviewing.service import reasons
from tests.reviewing.bylaws import BYLAWS, if_match


def test_whoever_had_a_hand_in_a_draft_does_not_review_it(council):
    editor, submitter = council.staff(), council.staff()
    council.save(editor, "first")
    council.submit(submitter)
    for member in (editor, submitter):
        with pytest.raises(errors.OwnDraft):
            council.approve(member)
        with pytest.raises(errors.OwnDraft):
            council.reject(member, "no")
    reviewer = council.staff()
    council.approve(reviewer)
    assert (council.draft.state, council.draft.reviewed_by) == ("approved", reviewer.id)


def test_a_rejection_has_a_reason_that_is_kept_sealed(council):
    editor = council.staff()
    council.save(editor, "first")
    council.submit(editor)
    council.reject(council.staff(), "too short")
    draft = council.draft
    assert (draft.state, draft.reason) == ("rejected", None)
    assert reasons.read_rejection(council.rings, BYLAWS, draft) == "too short"
    council.submit(editor)
    assert reasons.read_rejection(council.rings, BYLAWS, council.draft) is None


def test_the_same_review_again_is_answered_and_another_is_not(council):
    editor, reviewer = council.staff(), council.staff()
    council.save(editor, "first")
    council.submit(editor)
    for _ in range(2):
        assert council.reject(reviewer, "too short", precondition=if_match(2)).revision == 3
    for other, reason in ((reviewer, "too long"), (council.staff(), "too short")):
        with pytest.raises(Conflict):
            council.reject(other, reason, precondition=if_match(2))


@pytest.mark.parametrize("loss", ["disabled", "role", "place"])
def test_an_approval_lapses_when_the_reviewer_may_no_longer_review(council, loss):
    editor, reviewer = council.bring_to_approval("first")
    columns = {"disabled": {"disabled_at": council.now}, "role": {"roles": ["auditor"]}, "place": {"hall": "shinan"}}
    council.change_staff(reviewer, **columns[loss])
    refusal = council.publish(editor)
    assert isinstance(refusal, errors.ApprovalLapsed)
    assert "不再负责此规章" in refusal.message
    assert (council.draft.state, council.draft.reviewed_by, council.text_at()) == ("submitted", None, None)
    assert council.events()[-1].details["reviewed_by"] == str(reviewer.id)
    council.approve(council.staff())
    council.publish(editor)
    assert council.text_at() == "first"
