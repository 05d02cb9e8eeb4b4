"""Asking to act for others and what comes of it: custody, the ward's own word, a window, and the limits of each."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import exc

from qe_ban.accounts import errors, service
from qe_ban.accounts.models import Guardianship
from qe_ban.accounts.rules import Relation, WardBasis
from qe_ban.accounts.service.wards import window
from qe_ban.audit.service import Change
from qe_ban.kernel.errors import TooMany
from qe_ban.kernel.identifiers import IdType
from tests.factories.accounts import OpenRegister, PersonFactory, random_id_number
from tests.factories.wards import CASE, clerk


def test_a_child_in_custody_is_a_ward_at_once_with_an_account_without_a_phone(family, guardian, parent):
    child = family.child(parent)
    made = family.custody(guardian, child)
    assert (made.row.state, made.row.confirmed_by, made.row.confirmed_at) == ("active", "register", family.now)
    assert made.ward.name == f"{child.name[0]}*{child.name[2]}"
    assert child.id_number not in repr(made.ward)
    row = family.resident(family.acting_for(guardian, made.row.id))
    assert (row.phone_sealed, row.phone_index, row.assurance) == (None, None, "verified")
    kept = family.row(made.row.id)
    assert (kept.name_sealed, kept.id_number_sealed, kept.ward_mac) == (None, None, None)


def test_what_follows_from_a_name_comes_with_the_wards_account(family, guardian, parent):
    seen = []
    telling = replace(family.accounts, verified=lambda session, resident_id, at: seen.append((resident_id, at)))
    made = family.custody(guardian, family.child(parent), accounts=telling)
    assert seen == [(made.row.ward_id, family.now)]
    # the other parent's ward is the same account
    other = PersonFactory()
    child = family.child(parent, other)
    both = [family.custody(guardian, child), family.custody(family.person(other), child)]
    assert both[0].row.ward_id == both[1].row.ward_id


def test_a_child_in_nobodys_known_custody_waits_for_a_window(family, guardian, parent):
    made = family.custody(guardian, family.child())
    assert (made.row.state, made.row.ward_id) == ("pending", None)
    with pytest.raises(errors.WardNotFound):
        family.acting_for(guardian, made.row.id)
    confirmed = family.at_window(service.confirm_at_window, made.row.id)
    assert (confirmed.row.state, confirmed.row.confirmed_by) == ("active", "window")
    assert family.acting_for(guardian, made.row.id) == confirmed.row.ward_id
    assert family.notices_to(parent.phone) == ["ward_confirmed"]


def test_a_grown_up_agrees_by_the_own_phone(family, guardian, parent):
    mother = PersonFactory()
    ward = family.person(mother)
    made = family.ask(guardian, mother)
    assert made.row.state == "pending"
    assert family.notices_to(mother.phone) == ["ward_asked"]
    (seen,) = family.guardians(ward)
    assert (seen.row.id, seen.guardian.phone) == (made.row.id, f"{parent.phone[:3]}****{parent.phone[7:]}")
    assert parent.name not in repr(seen.guardian)
    family.do(service.confirm_guardian, ward, made.row.id)
    assert family.acting_for(guardian, made.row.id) == ward.id
    assert family.notices_to(parent.phone) == ["ward_confirmed"]


def test_the_guardian_cannot_see_whether_the_ward_has_an_account(family, guardian):
    mother, father = PersonFactory(), family.register.add(PersonFactory())
    family.person(mother)
    with_one, without = family.ask(guardian, mother).row, family.ask(guardian, father).row
    same = ("guardian_id", "ward_id", "relation", "basis", "state", "requested_at", "ends_at", "confirmed_at")
    assert [getattr(with_one, name) for name in same] == [getattr(without, name) for name in same]
    assert len(family.row(with_one.id).name_sealed) == len(family.row(without.id).name_sealed)


def test_who_comes_to_an_account_later_finds_what_waits(family, guardian):
    mother = family.register.add(PersonFactory())
    made = family.ask(guardian, mother)
    ward = family.person(mother)
    assert [seen.row.id for seen in family.guardians(ward)] == [made.row.id]
    family.do(service.confirm_guardian, ward, made.row.id)
    assert family.acting_for(guardian, made.row.id) == ward.id


def test_a_window_confirms_for_an_old_person_without_a_phone_and_it_is_audited(family, guardian):
    grandmother = family.register.add(PersonFactory(phone=None))
    made = family.ask(guardian, grandmother, relation=Relation.GRANDCHILD)
    staff = clerk()
    family.at_window(service.confirm_at_window, made.row.id, staff=staff)
    ward = family.resident(family.acting_for(guardian, made.row.id))
    assert (ward.phone_sealed, ward.assurance) == (None, "verified")
    asked, confirmed = family.events(made.row.id)
    assert (asked.action, asked.actor_id) == ("wards.ask", guardian.id)
    assert (confirmed.action, confirmed.actor_id, confirmed.case_number) == ("wards.confirm", staff.id, CASE)
    assert (confirmed.details["before"]["state"], confirmed.details["after"]["state"]) == ("pending", "active")
    assert confirmed.details["basis_seen"].keys() == {"hmac_sha256"}
    assert family.words_of(confirmed)["basis_seen"] == "户口簿"
    assert grandmother.id_number not in json.dumps([event.details for event in (asked, confirmed)])


def test_what_is_sealed_of_a_waiting_ward_is_not_readable_and_not_linkable(family, guardian, parent):
    mother, other = family.register.add(PersonFactory()), PersonFactory()
    first = family.row(family.ask(guardian, mother).row.id)
    second = family.row(family.ask(family.person(other), mother).row.id)
    text = first.name_sealed + first.id_number_sealed + first.ward_mac
    assert mother.name.encode() not in text
    assert mother.id_number.encode() not in text
    assert first.id_number_sealed != second.id_number_sealed
    assert first.ward_mac == second.ward_mac


@pytest.mark.parametrize("wrong", ["name", "number"])
def test_an_unknown_person_is_refused_and_the_sixth_time_a_day_is_too_many(family, guardian, wrong):
    known = family.register.add(PersonFactory())
    changed = {"name": "无此人"} if wrong == "name" else {"id_number": random_id_number()}
    stranger = replace(known, **changed)
    for _ in range(5):
        with pytest.raises(errors.RealNameUnconfirmed):
            family.ask(guardian, stranger)
    with pytest.raises(TooMany):
        family.ask(guardian, known)
    assert family.wards(guardian) == []
    assert family.ask(guardian, known, at=family.now + timedelta(days=1))


def test_right_wishes_cost_no_try_but_twenty_a_day_are_enough(family, guardian):
    mother = family.register.add(PersonFactory())
    for _ in range(20):
        made = family.ask(guardian, mother)
        family.do(service.end_ward, guardian, made.row.id)
    with pytest.raises(TooMany):
        family.ask(guardian, mother)


def test_with_the_register_away_nothing_is_half_done(family, guardian):
    class Away(OpenRegister):
        def confirms(self, claim):
            raise errors.OutsideUnavailable

    mother = family.register.add(PersonFactory())
    with pytest.raises(errors.OutsideUnavailable):
        family.ask(guardian, mother, accounts=replace(family.accounts, real_name=Away()))
    assert family.wards(guardian) == []
    assert family.ask(guardian, mother)


def test_only_grown_ups_with_a_real_name_act_for_others(family, sign_in, now):
    mother, visitor = family.register.add(PersonFactory()), sign_in(PersonFactory().phone, now)[1]
    with pytest.raises(errors.RealNameRequired):
        family.ask(visitor, mother)
    child = replace(family.child(years=12), phone=PersonFactory().phone)
    with pytest.raises(errors.GuardianTooYoung):
        family.ask(family.person(child), mother)


def test_oneself_is_nobodys_ward(family, guardian, parent):
    with pytest.raises(errors.WardInvalid) as refused:
        family.ask(guardian, parent)
    assert set(refused.value.fields) == {"id_number"}


def test_the_same_again_is_refused_waiting_or_in_force(family, guardian, parent):
    mother = family.register.add(PersonFactory())
    family.ask(guardian, mother)
    with pytest.raises(errors.WardExists):
        family.ask(guardian, mother)
    child = family.child(parent)
    family.custody(guardian, child)
    with pytest.raises(errors.WardExists):
        family.custody(guardian, child)


def test_the_eleventh_ward_is_refused_until_one_has_ended(family, guardian):
    everyone = family.everyone()
    made = [everyone.ask(guardian, PersonFactory()) for _ in range(10)]
    with pytest.raises(errors.TooManyWards) as refused:
        everyone.ask(guardian, PersonFactory())
    assert refused.value.facts == {"most": 10}
    family.do(service.end_ward, guardian, made[4].row.id)
    assert everyone.ask(guardian, PersonFactory())


def test_only_the_ward_confirms_and_what_rests_on_papers_only_a_window(family, guardian):
    mother = PersonFactory()
    ward, stranger = family.person(mother), family.person()
    made = family.ask(guardian, mother)
    for other in (stranger, guardian):
        with pytest.raises(errors.GuardianshipNotFound):
            family.do(service.confirm_guardian, other, made.row.id)
        assert made.row.id not in [seen.row.id for seen in family.guardians(other)]
    family.do(service.end_ward, guardian, made.row.id)
    court = family.ask(guardian, mother, basis=WardBasis.COURT)
    with pytest.raises(errors.WindowNeeded):
        family.do(service.confirm_guardian, ward, court.row.id)
    family.at_window(service.confirm_at_window, court.row.id)
    assert family.acting_for(guardian, court.row.id) == ward.id


def test_nobody_else_acts_by_a_guardians_id(family, guardian, parent):
    made = family.custody(guardian, family.child(parent))
    with pytest.raises(errors.WardNotFound):
        family.acting_for(family.person(), made.row.id)


def test_a_window_writes_no_personal_number(family, guardian):
    made = family.custody(guardian, family.child())
    with pytest.raises(errors.WardInvalid):
        family.at_window(service.confirm_at_window, made.row.id, details={"basis_seen": "证件370202199003070011"})
    assert family.row(made.row.id).state == "pending"


def test_a_window_finds_by_number_both_sides_and_the_look_up_is_audited(family, guardian, parent, database):
    mother, staff = family.register.add(PersonFactory()), clerk()
    made = family.ask(guardian, mother)
    child = family.custody(guardian, family.child(parent))

    def look_up(number):
        with database.transaction() as session:
            return service.look_up_guardianships(
                family.accounts,
                session,
                id_type=IdType.RESIDENT_ID,
                number=number,
                case_number=CASE,
                change=Change(staff, family.now),
            )

    assert [one.row.id for one in look_up(mother.id_number).shown] == [made.row.id]
    # what is in force comes first
    assert [one.row.id for one in look_up(parent.id_number).shown] == [child.row.id, made.row.id]
    assert look_up(random_id_number()) == window.FoundGuardianships([], more=False)
    shown = repr([one.ward for one in look_up(parent.id_number).shown])
    assert mother.id_number not in shown
    assert mother.name not in shown
    events = [event for event in family.events(made.row.id) if event.actor_id == staff.id]
    assert {(event.action, event.case_number) for event in events} == {("wards.look_up", CASE)}
    # who has an account is the subject, whatever was found
    about = [event for event in family.events(guardian.id) if event.actor_id == staff.id]
    assert [set(event.details["found"]) for event in about] == [{str(child.row.id), str(made.row.id)}] * 2
    assert [(event.details["by"], event.details["more"]) for event in about] == [("resident_id", False)] * 2


def test_the_table_refuses_what_no_use_case_writes(family, guardian, database):
    made = family.custody(guardian, family.child())
    with pytest.raises(exc.IntegrityError, match="ck_guardianships"), database.transaction() as session:
        session.get_one(Guardianship, made.row.id).ward_mac = None
