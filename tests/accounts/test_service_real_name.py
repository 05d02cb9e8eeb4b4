import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, or_, select

from qe_ban.accounts import errors, service
from qe_ban.accounts.models import RecoveryCase, Resident
from qe_ban.accounts.rules import Assurance
from qe_ban.audit.models import AuditEvent
from qe_ban.jobs.models import OutboxMessage
from qe_ban.jobs.service import COLUMN
from qe_ban.kernel.errors import TooMany
from qe_ban.kernel.identifiers import IdType
from qe_ban.keys import vault
from qe_ban.keys.models import Ring
from tests.factories.accounts import OpenRegister, PersonFactory, random_id_number, random_phone, together


@pytest.fixture
def claim(database, accounts, now):
    """Claim a name as the route does: gives what the route would settle."""

    def do(principal, said, at=now, accounts=accounts):
        with database.transaction() as session:
            asked = service.begin_claim(accounts, session, resident_id=principal.id, said=said, now=at)
        if asked is None:
            return Assurance.VERIFIED
        if isinstance(asked, errors.RealNameFixed):
            raise asked
        service.confirm_claim(accounts, asked)
        with database.transaction() as session:
            return service.finish_claim(accounts, session, principal=principal, said=said, now=at)

    return do


@pytest.fixture
def gullible(accounts):
    """Collaborators whose register confirms whoever asks."""
    return replace(accounts, real_name=OpenRegister(everyone=True))


@pytest.fixture
def resident(sign_in, now):
    return lambda phone: sign_in(phone, now)[1]


def cases_of(database, *principals):
    ids = [principal.id for principal in principals]
    with database.transaction() as session:
        return session.scalars(
            select(RecoveryCase).where(or_(RecoveryCase.claimant_id.in_(ids), RecoveryCase.holder_id.in_(ids)))
        ).all()


def test_a_confirmed_name_is_kept_sealed_with_its_assurance(claim, resident, person, database, rings):
    principal = resident(person.phone)
    assert claim(principal, person.real_name()) is Assurance.VERIFIED
    with database.transaction() as session:
        row = session.get_one(Resident, principal.id)
    assert (row.assurance, row.id_type) == ("verified", "resident_id")
    assert person.name.encode() not in row.name_sealed
    assert person.id_number.encode() not in row.id_number_sealed + row.id_index
    assert vault.unseal(rings, "residents.name", row.id, row.name_sealed) == person.name
    assert vault.unseal(rings, "residents.id_number", row.id, row.id_number_sealed) == person.id_number
    assert row.id_index == rings.blind(Ring.BLIND_ID_NUMBER, f"resident_id:{person.id_number}")[0]


def test_the_register_is_asked_for_name_number_and_phone_together(claim, resident, person, register):
    claim(resident(person.phone), person.real_name())
    asked = register.requests[-1]
    assert (asked.name, asked.id_type, asked.id_number) == (person.name, IdType.RESIDENT_ID, person.id_number)
    assert asked.phone == person.phone
    assert person.phone not in repr(asked)
    assert person.id_number not in repr(person.real_name())


def test_the_right_name_and_number_by_another_phone_is_not_confirmed(claim, resident, person):
    with pytest.raises(errors.RealNameUnconfirmed):
        claim(resident(random_phone()), person.real_name())


def test_a_repeat_of_the_confirmed_name_is_harmless_and_asks_nobody(claim, resident, person, register):
    principal = resident(person.phone)
    claim(principal, person.real_name())
    asked = len(register.requests)
    for _ in range(7):
        assert claim(principal, person.real_name()) is Assurance.VERIFIED
    assert len(register.requests) == asked


def test_a_verified_account_does_not_become_somebody_else(claim, resident, person):
    principal = resident(person.phone)
    claim(principal, person.real_name())
    for said in (PersonFactory().real_name(), replace(person.real_name(), name="另一人")):
        with pytest.raises(errors.RealNameFixed):
            claim(principal, said)


def test_asking_for_a_verified_accounts_name_costs_a_try_and_a_right_one_gives_them_back(claim, resident, person, now):
    principal = resident(person.phone)
    claim(principal, person.real_name())
    for _ in range(3):
        for _ in range(4):
            with pytest.raises(errors.RealNameFixed):
                claim(principal, PersonFactory().real_name())
        assert claim(principal, person.real_name()) is Assurance.VERIFIED
    for _ in range(5):
        with pytest.raises(errors.RealNameFixed):
            claim(principal, PersonFactory().real_name())
    with pytest.raises(TooMany):
        claim(principal, person.real_name())


def test_what_follows_from_a_name_stands_in_the_same_transaction(claim, resident, person, accounts, now, database):
    told = []
    telling = replace(accounts, verified=lambda session, resident_id, at: told.append((resident_id, at)))
    principal = resident(person.phone)
    claim(principal, person.real_name(), accounts=telling)
    assert told == [(principal.id, now)]

    def fail(_session, _resident, _at):
        raise errors.PurposeNotFound

    other = resident(random_phone())
    with pytest.raises(errors.PurposeNotFound):
        claim(
            other,
            PersonFactory().real_name(),
            accounts=replace(accounts, real_name=OpenRegister(everyone=True), verified=fail),
        )
    with database.transaction() as session:
        assert session.get_one(Resident, other.id).assurance == "none"


def test_a_second_claim_opens_a_case_and_tells_the_holder_once(claim, resident, gullible, database, rings):
    person = PersonFactory()
    holder, claimant = resident(person.phone), resident(random_phone())
    assert claim(holder, person.real_name(), accounts=gullible) is Assurance.VERIFIED
    for _ in range(2):
        assert isinstance(claim(claimant, person.real_name(), accounts=gullible), errors.RecoveryOpened)
    (case,) = cases_of(database, holder)
    assert (case.claimant_id, case.holder_id, case.state) == (claimant.id, holder.id, "open")
    with database.transaction() as session:
        messages = session.scalars(select(OutboxMessage).where(OutboxMessage.topic == "notice")).all()
        texts = [json.loads(vault.unseal(rings, COLUMN, message.id, message.payload)) for message in messages]
        events = session.scalars(select(AuditEvent).where(AuditEvent.subject == str(case.id))).all()
        assert session.get_one(Resident, claimant.id).assurance == "none"
    assert [one["template"] for one in texts if one["phone"] == person.phone] == ["recovery_opened"]
    assert [event.action for event in events] == ["accounts.open_recovery"]
    assert (events[0].actor_id, events[0].details) == (
        claimant.id,
        {"claimant": str(claimant.id), "holder": str(holder.id)},
    )


def test_parallel_claims_of_one_number_give_one_account(claim, resident, gullible, database):
    person = PersonFactory()
    principals = [resident(random_phone()) for _ in range(5)]
    outcomes = together(5, lambda number: claim(principals[number], person.real_name(), accounts=gullible))
    assert outcomes.count(Assurance.VERIFIED) == 1
    assert sum(isinstance(outcome, errors.RecoveryOpened) for outcome in outcomes) == 4
    ids = [principal.id for principal in principals]
    with database.transaction() as session:
        held = session.scalar(select(func.count()).where(Resident.id.in_(ids), Resident.id_index.is_not(None)))
    assert held == 1
    assert len(cases_of(database, *principals)) == 4


def test_parallel_repeats_by_one_account_bind_it_once(claim, resident, gullible):
    person = PersonFactory()
    principal = resident(person.phone)
    outcomes = together(4, lambda _: claim(principal, person.real_name(), accounts=gullible))
    assert outcomes == [Assurance.VERIFIED] * 4


def test_the_sixth_try_of_a_day_is_too_many(claim, resident, now, person):
    principal = resident(person.phone)
    wrong = replace(person.real_name(), id_number=random_id_number())
    for hours in range(5):
        with pytest.raises(errors.RealNameUnconfirmed):
            claim(principal, wrong, now + timedelta(hours=hours))
    with pytest.raises(TooMany) as refused:
        claim(principal, person.real_name(), now + timedelta(hours=5))
    assert 18 * 3600 < refused.value.retry_after <= 19 * 3600
    assert claim(principal, person.real_name(), now + timedelta(hours=24)) is Assurance.VERIFIED


def test_tries_in_parallel_are_counted(claim, resident, person):
    principal = resident(person.phone)
    wrong = replace(person.real_name(), id_number=random_id_number())
    outcomes = together(9, lambda _: claim(principal, wrong))
    assert sum(isinstance(outcome, TooMany) for outcome in outcomes) == 4


def test_with_the_register_away_nothing_is_half_done(claim, resident, person, accounts, database):
    class Away:
        def confirms(self, claim):
            raise errors.OutsideUnavailable

    principal = resident(person.phone)
    with pytest.raises(errors.OutsideUnavailable):
        claim(principal, person.real_name(), accounts=replace(accounts, real_name=Away()))
    assert claim(principal, person.real_name()) is Assurance.VERIFIED


def test_the_same_number_of_another_type_is_another_identity(claim, resident, gullible, database):
    number = "12345678"
    one, two = resident(random_phone()), resident(random_phone())
    number += str(one.id.int)[-8:]
    passport = service.RealName("甲乙", IdType.PASSPORT, number[:16])
    permit = service.RealName("甲乙", IdType.TAIWAN_PERMIT, number[:16])
    assert claim(one, passport, accounts=gullible) is Assurance.VERIFIED
    assert claim(two, permit, accounts=gullible) is Assurance.VERIFIED
