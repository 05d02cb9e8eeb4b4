"""Asking to act for others at odd moments, too often, and against somebody's will; and too much to look through."""

from datetime import timedelta

import pytest
from sqlalchemy import text, update

from qe_ban.accounts import errors, service
from qe_ban.accounts.models import Attempt, Guardianship
from qe_ban.accounts.rules import Relation, WardBasis, born, comes_of_age
from qe_ban.accounts.service.wards import window
from qe_ban.audit.service import Change
from qe_ban.kernel.identifiers import IdType
from tests.factories.accounts import PersonFactory
from tests.factories.wards import CASE, child_of_age, clerk


def test_a_birthday_while_the_register_is_asked_makes_no_ward_for_ever(family, guardian, parent):
    """Asked a moment before midnight of the eighteenth birthday, answered after it."""
    child = family.register.add(child_of_age(family.now, years=18, days=-1))
    birthday = comes_of_age(born(IdType.RESIDENT_ID, child.id_number))
    asked = birthday - timedelta(seconds=1)
    family.register.custody.add((parent.id_number, child.id_number))
    wish = service.Wish(child.real_name(), Relation.PARENT, WardBasis.CUSTODY)
    with family.database.transaction() as session:
        service.ask_register(
            family.accounts,
            service.begin_ward(family.accounts, session, guardian_id=guardian.id, wish=wish, now=asked),
        )
    with pytest.raises(errors.WardInvalid) as refused, family.database.transaction() as session:
        service.finish_ward(family.accounts, session, wish=wish, custody=True, change=Change(guardian, birthday))
    assert set(refused.value.fields) == {"basis"}
    assert family.wards(guardian, birthday) == []


def test_an_end_that_has_passed_while_the_register_is_asked_is_refused(family, guardian, parent):
    child, until = family.child(parent), family.now + timedelta(seconds=1)
    wish = service.Wish(child.real_name(), Relation.PARENT, WardBasis.CUSTODY, until)
    with family.database.transaction() as session:
        service.begin_ward(family.accounts, session, guardian_id=guardian.id, wish=wish, now=family.now)
    with pytest.raises(errors.WardInvalid), family.database.transaction() as session:
        service.finish_ward(family.accounts, session, wish=wish, custody=True, change=Change(guardian, until))


def test_the_same_wish_is_told_once_a_week(family, guardian, database):
    mother, week = PersonFactory(), timedelta(days=7)
    family.person(mother)

    def again(who=guardian, **changed):
        family.do(service.end_ward, who, family.ask(who, mother, **changed).row.id)
        return family.notices_to(mother.phone).count("ward_asked")

    assert [again() for _ in range(4)] == [1, 1, 1, 1]
    assert again(basis=WardBasis.COURT) == 1
    assert again(family.person()) == 2, "another guardian's is another's"
    with database.transaction() as session:
        session.execute(update(Attempt).where(Attempt.until > family.now).values(until=Attempt.until - week))
    assert [again(), again()] == [3, 3]


def test_a_wish_that_was_declined_is_not_taken_again_for_thirty_days(family, guardian):
    mother, father = PersonFactory(), family.register.add(PersonFactory())
    ward = family.person(mother)
    family.do(service.end_guardian, ward, family.ask(guardian, mother).row.id)
    wish = service.Wish(mother.real_name(), Relation.CHILD, WardBasis.ENTRUSTED)

    def begin(**later):
        with family.database.transaction() as session:
            at = family.now + timedelta(**later)
            return service.begin_ward(family.accounts, session, guardian_id=guardian.id, wish=wish, now=at)

    for later in ({}, {"days": 29, "hours": 23}):
        with pytest.raises(errors.WardDeclined):
            begin(**later)
    with pytest.raises(errors.WardDeclined), family.database.transaction() as session:
        service.finish_ward(family.accounts, session, wish=wish, custody=False, change=Change(guardian, family.now))
    assert begin(days=30).ward.id_number == mother.id_number
    assert family.ask(guardian, father)
    assert family.ask(guardian, mother, basis=WardBasis.COURT), "a court's order is another wish"
    assert family.ask(family.person(), mother), "and so is another guardian's"


def test_a_guardianship_that_the_ward_ended_may_be_asked_for_again(family, guardian):
    mother = PersonFactory()
    ward, made = family.person(mother), family.ask(guardian, mother)
    family.do(service.confirm_guardian, ward, made.row.id)
    family.do(service.end_guardian, ward, made.row.id)
    assert family.ask(guardian, mother)


def test_a_look_up_that_finds_too_much_says_so_and_keeps_what_is_in_force(family, guardian, database, monkeypatch):
    monkeypatch.setattr(window, "MOST_FOUND", 2)
    mother = PersonFactory()
    ward = family.person(mother)
    for _ in range(3):
        family.ask(family.person(), mother)
    made = family.ask(guardian, mother).row.id
    family.do(service.confirm_guardian, ward, made)
    with database.transaction() as session:
        found = service.look_up_guardianships(
            family.accounts,
            session,
            id_type=IdType.RESIDENT_ID,
            number=mother.id_number,
            case_number=CASE,
            change=Change(clerk(), family.now),
        )
    assert (len(found.shown), found.more, found.shown[0].row.id) == (2, True, made)


def test_wards_are_listed_by_age_whatever_happened_to_them_since(family, guardian, parent, database):
    made = [family.custody(guardian, family.child(parent)).row.id for _ in range(2)]
    with database.transaction() as session:
        session.get_one(Guardianship, made[0]).relation = Relation.GRANDPARENT.value
    with database.transaction() as session:
        # the order is the query's own and not that of the plan which PostgreSQL happens to choose
        for plan in ("indexscan", "bitmapscan"):
            session.execute(text(f"SET LOCAL enable_{plan} = off"))
        rings, now = family.accounts.rings, family.now
        found = service.wards_of(rings, session, guardian=guardian.id, now=now, after=None, limit=100)
    assert [shown.row.id for shown in found] == sorted(made)
