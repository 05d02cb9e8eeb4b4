"""Acting for others, asked for and confirmed by several at the same instant."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import func, select

from qe_ban.accounts import errors, service
from qe_ban.accounts.models import Resident
from qe_ban.accounts.service import closing, residents
from qe_ban.audit.service import Change
from qe_ban.kernel.identifiers import IdType
from tests.factories.accounts import PersonFactory, together
from tests.factories.databases import wait_for_locks
from tests.factories.waits import HANG_TIMEOUT


def test_the_same_at_once_is_kept_once(family, guardian):
    mother = family.register.add(PersonFactory())
    outcomes = together(5, lambda _: family.ask(guardian, mother))
    assert sum(isinstance(outcome, errors.WardExists) for outcome in outcomes) == 4, outcomes
    assert len(family.wards(guardian)) == 1


def test_the_tenth_and_eleventh_at_once_are_ten(family, guardian):
    everyone = family.everyone()
    for _ in range(8):
        everyone.ask(guardian, PersonFactory())
    outcomes = together(5, lambda _: everyone.ask(guardian, PersonFactory()))
    assert sum(isinstance(outcome, errors.TooManyWards) for outcome in outcomes) == 3, outcomes
    assert len(family.wards(guardian)) == 10


def test_two_parents_at_once_have_one_child(family, database):
    mother, father = PersonFactory(), PersonFactory()
    child = family.child(mother, father)
    both = [family.person(one) for one in (mother, father)]
    made = together(2, lambda number: family.custody(both[number], child))
    assert {one.row.state for one in made} == {"active"}, made
    assert len({one.row.ward_id for one in made}) == 1
    with database.transaction() as session:
        index = residents.id_index(family.accounts.rings, IdType.RESIDENT_ID, child.id_number)[0]
        assert session.scalar(select(func.count()).where(Resident.id_index == index)) == 1


def test_ward_and_window_at_once_confirm_it_once(family, guardian):
    mother = PersonFactory()
    ward = family.person(mother)
    made = family.ask(guardian, mother)
    outcomes = together(
        6,
        lambda number: (
            family.do(service.confirm_guardian, ward, made.row.id)
            if number % 2
            else family.at_window(service.confirm_at_window, made.row.id)
        ),
    )
    assert sum(isinstance(outcome, errors.GuardianshipSettled) for outcome in outcomes) == 5, outcomes
    assert [event.action for event in family.events(made.row.id)] == ["wards.ask", "wards.confirm"]


def test_two_windows_at_once_make_one_account(family, guardian, database):
    old = family.register.add(PersonFactory(phone=None))
    other = family.person()
    asked = [family.ask(one, old).row.id for one in (guardian, other)]
    made = together(2, lambda number: family.at_window(service.confirm_at_window, asked[number]))
    assert len({one.row.ward_id for one in made}) == 1, made


OVER = (errors.GuardianshipSettled, errors.GuardianshipNotFound, errors.WardNotFound)


def test_who_ends_what_is_confirmed_meanwhile_and_a_window_do_not_wait_for_each_other(family, guardian, database):
    mother = PersonFactory()
    ward, made = family.person(mother), family.ask(guardian, mother).row.id
    with ThreadPoolExecutor(2) as pool:
        with database.transaction() as session:
            change = Change(ward, family.now)
            service.confirm_guardian(family.accounts, session, guardianship_id=made, change=change)
            started = [
                pool.submit(family.do, service.end_guardian, ward, made),
                pool.submit(family.at_window, service.confirm_at_window, made),
            ]
            wait_for_locks(database, 2)
        assert started[0].result() is None
        assert isinstance(started[1].exception(), OVER)
    assert [event.action for event in family.events(made)] == ["wards.ask", "wards.confirm", "wards.end"]


def test_confirmed_and_ended_by_four_at_once_nobody_waits_in_vain(family, guardian):
    everyone = family.everyone()
    for _ in range(10):
        mother = PersonFactory()
        ward, made = everyone.person(mother), everyone.ask(guardian, mother).row.id
        steps = (
            lambda ward=ward, made=made: family.do(service.confirm_guardian, ward, made),
            lambda made=made: family.at_window(service.confirm_at_window, made),
            lambda ward=ward, made=made: family.do(service.end_guardian, ward, made),
            lambda made=made: family.do(service.end_ward, guardian, made),
        )
        outcomes = together(4, lambda number, steps=steps: steps[number]())
        assert all(isinstance(one, OVER) for one in outcomes if isinstance(one, Exception)), outcomes
        assert family.row(made).state == "ended"


def test_two_who_act_for_each_other_close_at_once(family, database):
    couple = [PersonFactory(), PersonFactory()]
    both = [family.person(one) for one in couple]
    for number in (0, 1):
        made = family.ask(both[number], couple[1 - number])
        family.do(service.confirm_guardian, both[1 - number], made.row.id)

    def close(number):
        with database.transaction() as session:
            return closing.close_account(family.accounts, session, change=Change(both[number], family.now))

    for one in both:
        family.sign_in(one)
    outcomes = together(2, close)
    assert [outcome.report["remaining"] for outcome in outcomes] == [0, 0], outcomes


def test_a_closing_waits_for_those_whom_it_acts_for_and_for_nobody_else(family, guardian, database):
    mother, bystander = PersonFactory(), family.person()
    ward = family.person(mother)
    made = family.ask(guardian, mother).row.id
    family.do(service.confirm_guardian, ward, made)
    family.sign_in(guardian)

    def close():
        with database.transaction() as session:
            return closing.close_account(family.accounts, session, change=Change(guardian, family.now))

    with ThreadPoolExecutor(1) as pool, database.transaction() as held:
        held.get_one(Resident, bystander.id, with_for_update=True)
        with database.transaction() as session:
            session.get_one(Resident, ward.id, with_for_update=True)
            started = pool.submit(close)
            wait_for_locks(database, 1)
            assert not started.done()
        assert started.result(HANG_TIMEOUT).report["remaining"] == 0
