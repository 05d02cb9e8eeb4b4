"""A ward with an account without a phone comes with a phone: it moves there, and nobody else gets the account."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from qe_ban.accounts import errors, service
from qe_ban.accounts.models import Closing, Guardianship
from qe_ban.accounts.rules import Assurance
from qe_ban.accounts.service import residents
from qe_ban.kernel.clock import start_of_day
from tests.factories.accounts import PersonFactory, random_phone, together


@pytest.fixture
def ward(family, parent):
    """A child with an account without a phone and one guardian: gives person and guardianship."""
    child = family.child(parent, years=12)
    return child, family.custody(family.person(parent), child)


@pytest.fixture
def claim(database, accounts, now):
    """Claim a name as the route does."""

    def do(principal, person):
        with database.transaction() as session:
            asked = service.begin_claim(accounts, session, resident_id=principal.id, said=person.real_name(), now=now)
        service.confirm_claim(accounts, asked)
        with database.transaction() as session:
            return service.finish_claim(accounts, session, principal=principal, said=person.real_name(), now=now)

    return do


def test_the_phone_moves_to_the_wards_account_and_the_empty_one_is_closed(
    family, ward, parent, claim, sign_in, register, now
):
    child, made = ward
    phone = random_phone()
    register.add(replace(child, phone=phone))
    tokens, visitor = sign_in(phone, now)
    assert isinstance(claim(visitor, child), errors.AccountJoined)
    joined, left = family.resident(made.row.ward_id), family.resident(visitor.id)
    assert residents.phone_of(family.accounts.rings, joined) == phone
    assert (left.closed_at, left.phone_sealed, left.phone_index) == (start_of_day(now), None, None)
    with family.database.transaction() as session:
        assert isinstance(
            service.refresh(family.accounts, session, text=tokens.refresh, now=now), errors.RefreshRefused
        )
    assert sign_in(phone, now)[1].id == made.row.ward_id
    assert family.notices_to(phone)[-2:] == ["account_joined", "guardian_added"]
    assert family.notices_to(parent.phone) == ["ward_joined"]
    event = [event for event in family.events(made.row.ward_id) if event.action == "accounts.join"]
    assert [one.details["before"] for one in event] == [{"phone_of": str(visitor.id)}]
    with family.database.transaction() as session:
        (report,) = session.scalars(select(Closing.report).where(Closing.resident_id == visitor.id))
    assert (report["reason"], report["remaining"]) == ("joined", 0)


def test_who_joins_is_told_of_each_guardian_who_stands_and_of_no_other(family, parent, claim, sign_in, register, now):
    people = [parent, PersonFactory(), PersonFactory()]
    child, phone = family.child(*people, years=12), random_phone()
    made = [family.custody(family.person(one), child) for one in people]
    with family.database.transaction() as session:
        session.get_one(Guardianship, made[2].row.id).ends_at = now
    register.add(replace(child, phone=phone))
    claim(sign_in(phone, now)[1], child)
    assert family.notices_to(phone)[-3:] == ["account_joined", "guardian_added", "guardian_added"]
    assert [family.notices_to(one.phone) for one in people] == [["ward_joined"], ["ward_joined"], []]


def test_the_guardian_stays_one_and_the_ward_sees_it(family, ward, claim, sign_in, register, now):
    child, made = ward
    phone = random_phone()
    register.add(replace(child, phone=phone))
    claim(sign_in(phone, now)[1], child)
    again = sign_in(phone, now)[1]
    assert [seen.row.id for seen in family.guardians(again)] == [made.row.id]
    assert claim_again(family, again, child) is None


def claim_again(family, principal, person):
    with family.database.transaction() as session:
        return service.begin_claim(
            family.accounts, session, resident_id=principal.id, said=person.real_name(), now=family.now
        )


def test_without_the_registers_word_for_this_phone_nothing_moves(family, ward, claim, sign_in, now):
    child, made = ward
    with pytest.raises(errors.RealNameUnconfirmed):
        claim(sign_in(random_phone(), now)[1], child)
    assert family.resident(made.row.ward_id).phone_sealed is None


def test_an_account_with_a_phone_is_not_taken_but_recovered(family, claim, sign_in, register, now):
    holder, phone = PersonFactory(), random_phone()
    family.person(holder)
    register.add(replace(holder, phone=phone))
    assert isinstance(claim(sign_in(phone, now)[1], holder), errors.RecoveryOpened)


def test_of_two_phones_at_once_one_gets_the_account(family, ward, claim, sign_in, register, now):
    child, _ = ward
    phones = [random_phone() for _ in range(4)]
    for phone in phones:
        register.add(replace(child, phone=phone))
    visitors = [sign_in(phone, now)[1] for phone in phones]
    outcomes = together(4, lambda number: claim(visitors[number], child))
    assert sum(isinstance(outcome, errors.AccountJoined) for outcome in outcomes) == 1, outcomes
    assert sum(isinstance(outcome, errors.RecoveryOpened) for outcome in outcomes) == 3, outcomes


def test_a_claim_and_a_guardians_wish_at_once_make_one_account(family, claim, sign_in, register, now):
    parent, phone = PersonFactory(), random_phone()
    guardian = family.person(parent)
    child = family.child(parent, years=12)
    register.add(replace(child, phone=phone))
    visitor = sign_in(phone, now)[1]
    made, claimed = together(2, lambda number: claim(visitor, child) if number else family.custody(guardian, child))
    assert made.row.state == "active"
    assert claimed is Assurance.VERIFIED or isinstance(claimed, errors.AccountJoined)
    assert sign_in(phone, now)[1].id == made.row.ward_id


def test_a_closed_account_claims_nothing(family, claim, sign_in, register, ward, now):
    child, _ = ward
    phone = random_phone()
    register.add(replace(child, phone=phone))
    visitor = sign_in(phone, now)[1]
    claim(visitor, child)
    with pytest.raises(errors.SessionEnded):
        claim(visitor, register.add(PersonFactory()))
