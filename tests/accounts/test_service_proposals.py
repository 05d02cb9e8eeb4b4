"""What takes two persons: nobody approves their own, nothing is approved twice, and what waits too long is over."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, exc, text, update
from sqlalchemy.orm import Session

from qe_ban.accounts import errors
from qe_ban.accounts.models import Proposal, Staff
from qe_ban.accounts.service import proposals, staff, staffing
from qe_ban.accounts.service.proposals import Wanted
from qe_ban.audit.service import AtShell
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import Actor, Place, PrincipalKind
from qe_ban.keys.rings import KeyRings

NOW = datetime(2030, 5, 1, 8, 0, tzinfo=UTC)
SHORT = timedelta(microseconds=1)


@pytest.fixture
def two(database, settings):
    rings = KeyRings(database, settings.master_key, data_keys=settings.data_keys_dir)
    made = []
    with database.transaction() as session:
        for _ in range(2):
            member = staff.create_staff(
                session,
                rings,
                username=f"two-{new_id().hex[-20:]}",
                password="correct horse battery",
                totp_secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
                roles=["security_admin"],
                place=Place(),
                now=datetime.now(UTC),
            )
            made.append(Actor(PrincipalKind.STAFF, member))
    return made


def wanted(**details):
    return Wanted("keys.deny", new_id().hex, details)


def test_another_person_approves(database, two):
    one, other = two
    what = wanted(reason="lost")
    with database.transaction() as session:
        made = proposals.propose(session, what, by=one, now=NOW)
    with database.transaction() as session:
        assert made.id in [waiting.id for waiting in proposals.open_proposals(session, NOW)]
        approved = proposals.approve(session, made.id, by=other, now=NOW)
        assert (approved.action, approved.subject, approved.details) == ("keys.deny", what.subject, {"reason": "lost"})
        assert made.id not in [waiting.id for waiting in proposals.open_proposals(session, NOW)]


def test_nobody_approves_their_own(database, two):
    with database.transaction() as session:
        made = proposals.propose(session, wanted(), by=two[0], now=NOW)
    with pytest.raises(errors.OwnProposal), database.transaction() as session:
        proposals.approve(session, made.id, by=two[0], now=NOW)
    row = update(Proposal).where(Proposal.id == made.id).values(approved_by=two[0].id, approved_at=NOW)
    with pytest.raises(exc.IntegrityError, match="two_persons"), database.transaction() as session:
        session.execute(row)


def test_the_same_again_is_one_proposal_and_another_is_refused(database, two):
    what = wanted(reason="lost")
    with database.transaction() as session:
        first = proposals.propose(session, what, by=two[0], now=NOW)
        assert proposals.propose(session, what, by=two[1], now=NOW).id == first.id
        with pytest.raises(errors.ProposalTaken):
            proposals.propose(session, Wanted(what.action, what.subject, {"reason": "stolen"}), by=two[1], now=NOW)


@pytest.mark.parametrize("ended", ["approved", "withdrawn", "too old"])
def test_what_is_over_is_not_approved_and_can_be_proposed_anew(database, two, ended):
    what, late = wanted(), NOW + timedelta(hours=24)
    with database.transaction() as session:
        first = proposals.propose(session, what, by=two[0], now=NOW)
        if ended == "approved":
            proposals.approve(session, first.id, by=two[1], now=NOW)
        if ended == "withdrawn":
            proposals.withdraw(session, first.id, by=two[1], now=NOW)
    with pytest.raises(errors.ProposalOver), database.transaction() as session:
        proposals.approve(session, first.id, by=two[1], now=late)
    with database.transaction() as session:
        assert proposals.propose(session, what, by=two[0], now=late).id != first.id


def test_an_unknown_one_is_told(database, two):
    with pytest.raises(errors.ProposalNotFound), database.transaction() as session:
        proposals.approve(session, new_id(), by=two[0], now=NOW)


def test_of_many_approvals_at_once_one_counts(database, two):
    with database.transaction() as session:
        made = proposals.propose(session, wanted(), by=two[0], now=NOW)

    def approve(_):
        try:
            with database.transaction() as session:
                proposals.approve(session, made.id, by=two[1], now=NOW)
        except errors.ProposalOver:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(approve, range(4))) == 1


@pytest.mark.parametrize("ended", ["approved", "withdrawn"])
def test_what_stood_in_the_way_and_is_over_meanwhile_is_proposed_anew(database, two, ended):
    """Between the insert that met it and the look at it, somebody else ends it."""
    what, looks = wanted(), []
    with database.transaction() as session:
        first = proposals.propose(session, what, by=two[0], now=NOW).id

    def end(state):
        if not state.is_select or looks:
            return
        looks.append(state)
        with database.transaction() as other:
            if ended == "approved":
                proposals.approve(other, first, by=two[1], now=NOW)
            else:
                proposals.withdraw(other, first, by=two[1], now=NOW)

    with database.transaction() as session:
        event.listen(session, "do_orm_execute", end)
        made = proposals.propose(session, what, by=two[0], now=NOW)
    assert (len(looks), made.id != first, made.approved_at) == (1, True, None)


@pytest.mark.parametrize("role", [None, "auditor"])
@pytest.mark.parametrize(("gone", "refused"), [(0, errors.ProposerGone), (1, errors.StaffGone)])
def test_whoever_was_disabled_or_moved_is_no_second_person(database, two, gone, refused, role):
    with database.transaction() as session:
        made = proposals.propose(session, wanted(), by=two[0], now=NOW)
    with database.transaction() as session:
        name, change = session.get_one(Staff, two[gone].id).username, AtShell(datetime.now(UTC))
        if role is None:
            staffing.disable_staff(session, username=name, change=change)
        else:
            staffing.change_staff(session, username=name, change=change, roles=[role])
    with pytest.raises(refused), database.transaction() as session:
        proposals.approve(session, made.id, by=two[1], now=NOW)


def test_two_who_approve_each_others_at_once_do_not_wait_for_each_other(database, two):
    with database.transaction() as session:
        made = [proposals.propose(session, wanted(), by=one, now=NOW).id for one in two]
    with database.transaction() as first, database.transaction() as second:
        second.execute(text("SET LOCAL lock_timeout = '500ms'"))
        assert proposals.approve(first, made[0], by=two[1], now=NOW).approved_by == two[1].id
        assert proposals.approve(second, made[1], by=two[0], now=NOW).approved_by == two[0].id


@pytest.fixture
def undone(database):
    """A session whose work is taken back: whoever is settled in the table would refuse the staff of other tests."""
    with Session(database.engine) as session:
        yield session
        session.rollback()


@pytest.mark.parametrize("new", [0, 1])
@pytest.mark.parametrize("how", ["made", "given the role", "enabled"])
def test_who_is_new_is_no_second_person_for_a_day_where_others_are_not(undone, two, new, how):
    row, change = undone.get_one(Staff, two[new].id), AtShell(NOW)
    if how == "made":
        row.created_at = NOW
    elif how == "enabled":
        staffing.disable_staff(undone, username=row.username, change=change)
        staffing.enable_staff(undone, username=row.username, change=change)
    else:
        row.roles = ["auditor"]
        undone.flush()
        staffing.change_staff(undone, username=row.username, change=change, roles=["security_admin"])
    made = proposals.propose(undone, wanted(), by=two[0], now=NOW)
    with pytest.raises(errors.NewcomerRefused):
        proposals.approve(undone, made.id, by=two[1], now=NOW + timedelta(hours=23))
    # in a city that has just begun everybody is new, and somebody must begin
    undone.execute(update(Staff).values(duties_since=NOW))
    assert proposals.approve(undone, made.id, by=two[1], now=NOW + timedelta(hours=1)).approved_by == two[1].id


def test_after_a_day_one_is_new_no_more(undone, two):
    undone.get_one(Staff, two[1].id).created_at = NOW
    made = proposals.propose(undone, wanted(), by=two[0], now=NOW + timedelta(hours=1))
    assert proposals.approve(undone, made.id, by=two[1], now=NOW + timedelta(hours=24)).approved_by == two[1].id


@pytest.mark.parametrize(("age", "is_refused"), [(proposals.NEW_FOR, True), (proposals.NEW_FOR - SHORT, False)])
def test_an_officer_of_a_day_makes_newcomers_of_all_who_are_younger(undone, two, age, is_refused):
    undone.execute(update(Staff).values(duties_since=NOW))
    undone.get_one(Staff, two[0].id).duties_since = NOW - age
    made = proposals.propose(undone, wanted(), by=two[0], now=NOW)
    if is_refused:
        with pytest.raises(errors.NewcomerRefused):
            proposals.approve(undone, made.id, by=two[1], now=NOW)
    else:
        assert proposals.approve(undone, made.id, by=two[1], now=NOW).approved_by == two[1].id
