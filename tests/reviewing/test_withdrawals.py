"""Withdrawal: with a reason, before its time by whoever publishes, after that by the city only."""

from datetime import timedelta

import pytest

from qe_ban.kernel.errors import Conflict
from qe_ban.reviewing import errors
from qe_ban.reviewing.rules.versions import ScheduledPolicy
from qe_ban.reviewing.service import history, reasons
from tests.reviewing.bylaws import BYLAWS, WITHDRAW, if_match

HOUR = timedelta(hours=1)


def read(council, number):
    with council.database.transaction() as session:
        version = history.read_version(session, BYLAWS, council.key, number, now=council.now)
        return version.state, reasons.read_withdrawal(council.rings, BYLAWS, version.withdrawal)


def test_what_a_withdrawn_version_had_replaced_is_in_force_again(council):
    council.enact("first")
    council.enact("second")
    council.withdraw(council.staff(WITHDRAW), 2, "a mistake")
    assert council.text_at() == "first"
    assert read(council, 2) == ("withdrawn", "a mistake")
    assert council.events()[-1].details["in_force"] == {"before": 2, "after": 1}


def test_what_has_begun_only_holders_of_the_scope_withdraw(council):
    council.enact("first")
    council.enact("second", at=council.now + HOUR)
    publisher = council.staff()
    council.withdraw(publisher, 2)
    with pytest.raises(errors.WithdrawalRefused):
        council.withdraw(publisher, 1)
    council.withdraw(council.staff(WITHDRAW), 1)
    assert council.text_at(council.now + HOUR) is None


def test_a_version_is_withdrawn_once_and_the_same_withdrawal_again_is_answered(council):
    council.enact("first")
    admin, revision = council.staff(WITHDRAW), council.draft.revision
    for _ in range(2):
        assert council.withdraw(admin, 1, "wrong", precondition=if_match(revision)).row.revision == revision + 1
    with pytest.raises(Conflict):
        council.withdraw(admin, 1, "another reason", precondition=if_match(revision))
    with pytest.raises(errors.AlreadyWithdrawn):
        council.withdraw(admin, 1)
    with pytest.raises(errors.VersionNotFound):
        council.withdraw(admin, 2)


@pytest.mark.parametrize(("policy", "text"), [("keep", "second"), ("replace", None)])
def test_scheduled_versions_are_settled_with_the_one_in_force(council, policy, text):
    council.enact("first")
    council.enact("second", at=council.now + HOUR)
    admin = council.staff(WITHDRAW)
    with pytest.raises(errors.LaterUndecided):
        council.withdraw(admin, 1)
    council.withdraw(admin, 1, "wrong", policy=ScheduledPolicy(policy))
    assert council.text_at(council.now + HOUR) == text
    if policy == "replace":
        assert read(council, 2) == ("withdrawn", "与版本 1 一并撤下：wrong")
