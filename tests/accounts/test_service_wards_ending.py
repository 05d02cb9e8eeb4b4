"""How acting for others ends: by either side, a window, time, a birthday, a closed account; at once and for good."""

from datetime import timedelta

import pytest

from qe_ban.accounts import errors, service
from qe_ban.accounts.models import Guardianship
from qe_ban.accounts.rules import WardBasis, comes_of_age
from qe_ban.accounts.service import closing, residents, wards
from qe_ban.app import create_worker
from qe_ban.audit.service import AtShell, Change
from qe_ban.kernel.identifiers import ResidentId
from tests.factories.accounts import PersonFactory, together
from tests.factories.wards import CASE, clerk, resident


@pytest.fixture
def mother():
    return PersonFactory()


@pytest.fixture
def ward(family, mother):
    return family.person(mother)


@pytest.fixture
def entrusted(family, guardian, mother, ward):
    """A guardianship that the ward has confirmed: gives its id."""
    made = family.ask(guardian, mother)
    family.do(service.confirm_guardian, ward, made.row.id)
    return made.row.id


@pytest.fixture
def end_due(family, database):
    def run(at):
        with database.transaction() as session:
            return wards.end_due(family.accounts, session, at)

    return run


@pytest.mark.parametrize("by", ["guardian", "ward", "window"])
def test_it_ends_at_once_and_what_was_shown_counts_no_more(family, guardian, ward, parent, mother, entrusted, by):
    at = family.now + timedelta(seconds=5)
    assert family.resident(ward.id).guardian_codes_after is None
    if by == "window":
        family.at_window(service.end_at_window, entrusted, at=at)
    else:
        action, who = (service.end_ward, guardian) if by == "guardian" else (service.end_guardian, ward)
        family.do(action, who, entrusted, at=at)
    with pytest.raises(errors.WardNotFound):
        family.acting_for(guardian, entrusted, at)
    row = family.row(entrusted)
    assert (row.state, row.ended_at, row.ended_by) == ("ended", at, by)
    assert family.resident(ward.id).guardian_codes_after == at
    assert family.wards(guardian, at) == family.guardians(ward, at) == []
    assert ("ward_ended" in family.notices_to(parent.phone)) == (by != "guardian")
    assert ("guardian_ended" in family.notices_to(mother.phone)) == (by != "ward")
    last = family.events(entrusted)[-1]
    assert (last.action, last.details["before"]["state"], last.details["after"]["state"]) == (
        "wards.end",
        "active",
        "ended",
    )


def test_the_end_at_a_window_has_case_and_reason(family, entrusted):
    staff = clerk()
    family.at_window(service.end_at_window, entrusted, staff=staff)
    last = family.events(entrusted)[-1]
    assert (last.actor_id, last.case_number) == (staff.id, CASE)
    assert last.details["reason"].keys() == {"hmac_sha256"}
    with pytest.raises(errors.GuardianshipSettled):
        family.at_window(service.end_at_window, entrusted)


def test_what_has_ended_is_not_there_to_end_or_confirm_again(family, guardian, ward, entrusted):
    family.do(service.end_ward, guardian, entrusted)
    with pytest.raises(errors.WardNotFound):
        family.do(service.end_ward, guardian, entrusted)
    with pytest.raises(errors.GuardianshipNotFound):
        family.do(service.end_guardian, ward, entrusted)
    with pytest.raises(errors.GuardianshipSettled):
        family.do(service.confirm_guardian, ward, entrusted)
    with pytest.raises(errors.GuardianshipSettled):
        family.at_window(service.confirm_at_window, entrusted)


def test_others_end_nothing(family, guardian, ward, entrusted):
    stranger = family.person()
    for by in (stranger, ward):
        with pytest.raises(errors.WardNotFound):
            family.do(service.end_ward, by, entrusted)
    for by in (stranger, guardian):
        with pytest.raises(errors.GuardianshipNotFound):
            family.do(service.end_guardian, by, entrusted)
    assert family.acting_for(guardian, entrusted) == ward.id


def test_both_sides_at_once_end_it_once(family, guardian, ward, entrusted):
    outcomes = together(
        6,
        lambda number: family.do(
            *((service.end_ward, guardian) if number % 2 else (service.end_guardian, ward)), entrusted
        ),
    )
    assert sum(outcome is None for outcome in outcomes) == 1, outcomes
    assert sum(isinstance(outcome, errors.WardNotFound | errors.GuardianshipNotFound) for outcome in outcomes) == 5
    assert [event.action for event in family.events(entrusted)].count("wards.end") == 1


def test_a_wish_is_declined_and_taken_back_without_a_trace_of_the_person(family, guardian, ward, mother):
    for action, by in ((service.end_ward, guardian), (service.end_guardian, ward)):
        made = family.ask(guardian, mother)
        family.do(action, by, made.row.id)
        row = family.row(made.row.id)
        assert (row.state, row.name_sealed, row.id_number_sealed, row.ward_mac) == ("ended", None, None, None)
    # nothing was shown, so nothing is refused
    assert family.resident(ward.id).guardian_codes_after is None


def test_a_child_does_not_end_custody_but_a_window_does(family, guardian, parent):
    young = family.child(parent, years=12)
    made = family.custody(guardian, young)
    child = resident(made.row.ward_id)
    with pytest.raises(errors.WindowNeeded):
        family.do(service.end_guardian, child, made.row.id)
    assert family.acting_for(guardian, made.row.id) == child.id
    family.at_window(service.end_at_window, made.row.id)
    with pytest.raises(errors.WardNotFound):
        family.acting_for(guardian, made.row.id)


def test_what_a_court_ordered_is_not_ended_by_the_ward(family, guardian, mother, ward):
    made = family.ask(guardian, mother, basis=WardBasis.COURT)
    family.at_window(service.confirm_at_window, made.row.id)
    with pytest.raises(errors.WindowNeeded):
        family.do(service.end_guardian, ward, made.row.id)
    family.do(service.end_ward, guardian, made.row.id)


def test_a_child_comes_of_age_at_midnight_of_the_city(family, guardian, parent, end_due):
    child = family.child(parent, years=18, days=-1)
    made = family.custody(guardian, child)
    birthday = comes_of_age(ResidentId.parse(child.id_number, today=family.now.date()).born)
    assert family.row(made.row.id).ends_at == birthday
    before = birthday - timedelta(microseconds=1)
    assert family.acting_for(guardian, made.row.id, before) == made.row.ward_id
    # by the time alone, whether or not the worker has come
    with pytest.raises(errors.WardNotFound):
        family.acting_for(guardian, made.row.id, birthday)
    assert family.wards(guardian, birthday) == []
    end_due(before)
    assert family.row(made.row.id).state == "active"
    assert end_due(birthday) >= 1
    row = family.row(made.row.id)
    assert (row.state, row.ended_by, row.ended_at) == ("ended", "age", birthday)
    assert family.resident(made.row.ward_id).guardian_codes_after == birthday
    assert family.notices_to(parent.phone) == ["ward_ended"]
    last = family.events(made.row.id)[-1]
    assert (last.action, last.actor_id, last.details["after"]["by"]) == ("wards.end", None, "age")


def test_it_ends_at_until_and_can_be_asked_for_anew_before_the_worker_comes(family, guardian, parent, end_due):
    until = family.now + timedelta(hours=1)
    child = family.child(parent)
    made = family.custody(guardian, child, until=until)
    assert family.row(made.row.id).ends_at == until
    again = family.custody(guardian, child, at=until)
    assert family.row(made.row.id).ended_by == "until"
    assert family.acting_for(guardian, again.row.id, until) == made.row.ward_id
    third = family.custody(family.person(), family.child(), until=until)
    end_due(until)
    assert family.row(third.row.id).ended_by == "until"


def test_what_nobody_confirms_lapses_after_thirty_days(family, guardian, mother, ward, end_due, database):
    made, late = family.ask(guardian, mother), family.now
    with database.transaction() as session:
        session.get_one(Guardianship, made.row.id).requested_at = late - timedelta(days=30)
    for action in (
        lambda: family.do(service.confirm_guardian, ward, made.row.id, at=late),
        lambda: family.at_window(service.confirm_at_window, made.row.id, at=late),
    ):
        with pytest.raises(errors.GuardianshipSettled):
            action()
    assert family.wards(guardian, late) == family.guardians(ward, late) == []
    end_due(late)
    row = family.row(made.row.id)
    assert (row.state, row.ended_by, row.ward_mac) == ("ended", "lapsed", None)


def test_the_worker_passes_by_whoever_is_locked(family, guardian, parent, end_due, database):
    until = family.now + timedelta(minutes=1)
    made = family.custody(guardian, family.child(parent), until=until)
    with database.transaction() as session:
        session.get_one(residents.Resident, made.row.ward_id, with_for_update=True)
        end_due(until)
        assert family.row(made.row.id).state == "active"
    end_due(until)
    assert family.row(made.row.id).state == "ended"


def test_two_workers_at_once_end_each_once(family, guardian, parent, end_due):
    until = family.now + timedelta(minutes=1)
    made = [family.custody(guardian, family.child(parent), until=until).row.id for _ in range(3)]
    together(3, lambda _: end_due(until))
    end_due(until)
    for one in made:
        assert [event.action for event in family.events(one)].count("wards.end") == 1


def test_a_closed_account_acts_for_nobody_and_is_nobodys_ward(family, guardian, mother, ward, entrusted, database):
    other = family.person()
    waiting = family.ask(other, mother)
    mine = family.custody(ward, family.child(mother))
    with database.transaction() as session:
        count = wards.end_all(family.accounts, session, resident_id=ward.id, change=Change(ward, family.now))
        assert wards.end_all(family.accounts, session, resident_id=ward.id, change=AtShell(family.now)) == 0
    assert count == 3
    for one in (entrusted, waiting.row.id, mine.row.id):
        row = family.row(one)
        assert (row.state, row.ended_by, row.name_sealed) == ("ended", "closing", None)


def test_both_sides_are_told_before_they_close_that_it_ends(family, guardian, ward, entrusted, database):
    for one in (guardian, ward):
        with database.transaction() as session:
            plan = closing.plan_closing(family.accounts, session, resident_id=one.id, now=family.now)
        assert plan.ends["guardianships"] == 1


def test_a_later_end_never_moves_back_what_counts_no_more(family, guardian, parent, mother):
    both = family.person(mother)
    child = family.child(parent, mother)
    first, second = family.custody(guardian, child), family.custody(both, child)
    late, early = family.now + timedelta(seconds=9), family.now + timedelta(seconds=3)
    family.do(service.end_ward, guardian, first.row.id, at=late)
    family.do(service.end_ward, both, second.row.id, at=early)
    assert family.resident(first.row.ward_id).guardian_codes_after == late


def test_the_worker_ends_what_is_over_each_minute(settings):
    worker = create_worker(settings)
    (schedule,) = [one for one in worker._schedules._schedules if one.name == "wards.end"]
    assert schedule.every == timedelta(minutes=1)
