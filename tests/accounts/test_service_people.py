"""Step-up, own account, consents, and what staff look up."""

import json
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from qe_ban.accounts import errors, service
from qe_ban.accounts.adapters.face import HttpFace
from qe_ban.accounts.models import Consent, RefreshFamily
from qe_ban.accounts.service import ConsentDecision, Wanted, sign_ins
from qe_ban.audit.models import AuditEvent
from qe_ban.kernel.city import City
from qe_ban.kernel.errors import TooMany
from qe_ban.kernel.identifiers import IdType, mask_id, mask_phone
from qe_ban.kernel.principal import Principal, PrincipalKind
from qe_ban.web.parts import part
from tests.factories.accounts import FACE_PROOF, PersonFactory, random_id_number, random_phone, together


@pytest.fixture
def verified(sign_in, register, database, accounts, now):
    """A resident with a real name: gives the person and the principal."""

    def make(ahead=timedelta(0)):
        person = register.add(PersonFactory())
        principal = sign_in(person.phone, now)[1]
        with database.transaction() as session:
            service.begin_claim(accounts, session, resident_id=principal.id, said=person.real_name(), now=now)
            service.finish_claim(accounts, session, principal=principal, said=person.real_name(), now=now + ahead)
        return person, principal

    return make


@pytest.fixture
def step_up(database, accounts, now):
    def do(principal, proof=FACE_PROOF, at=now, accounts=accounts):
        with database.transaction() as session:
            person = service.begin_step_up(accounts, session, resident_id=principal.id, now=at)
        service.confirm_face(accounts, person=person, proof=proof)
        with database.transaction() as session:
            return service.finish_step_up(accounts, session, principal=principal, now=at)

    return do


@pytest.fixture
def staff():
    return Principal(PrincipalKind.STAFF, uuid4(), frozenset({"residents.look_up"}), uuid4())


@pytest.fixture
def look_up(database, accounts, staff, now):
    def do(**wanted):
        with database.transaction() as session:
            return service.look_up(
                accounts, session, staff=staff, wanted=Wanted(**wanted), case_number="QD-2026-000001", now=now
            )

    return do


def test_a_step_up_stays_with_the_sign_in_through_a_refresh(verified, sign_in, step_up, accounts, database, now):
    tokens, principal = sign_in(verified()[0].phone, now)
    step_up(principal)
    with database.transaction() as session:
        renewed = service.refresh(accounts, session, text=tokens.refresh, now=now + timedelta(minutes=9))
    again = service.principal_from(accounts, renewed.access, now + timedelta(minutes=9))
    assert again.stepped_up_at == now.replace(microsecond=0)
    assert "codes.issue" in again.scopes


def test_another_sign_in_of_the_same_resident_is_a_visitors_again(verified, sign_in, step_up, now):
    phone = verified()[0].phone
    step_up(sign_in(phone, now)[1])
    assert sign_in(phone, now)[1].stepped_up_at is None


def test_a_wrong_proof_is_refused_and_the_sixth_try_is_too_many(verified, step_up, now):
    principal = verified()[1]
    for _ in range(5):
        with pytest.raises(errors.FaceRefused):
            step_up(principal, "wrong")
    with pytest.raises(TooMany):
        step_up(principal)
    assert step_up(principal, at=now + timedelta(minutes=10))


def test_right_proofs_are_not_counted(verified, step_up):
    principal = verified()[1]
    for _ in range(7):
        assert step_up(principal)


def test_an_ended_sign_in_does_not_step_up(verified, sign_in, step_up, accounts, database, now):
    tokens, principal = sign_in(verified()[0].phone, now)
    with database.transaction() as session:
        service.revoke(accounts, session, text=tokens.refresh, now=now)
    with pytest.raises(errors.SessionEnded):
        step_up(principal)


def test_whichever_face_check_there_is_it_wants_a_real_name_first_and_costs_no_try(sign_in, step_up, accounts, now):
    principal = sign_in(random_phone(), now)[1]
    for face in (accounts.face, HttpFace("http://127.0.0.1:1/", "t" * 32)):
        for _ in range(6):
            with pytest.raises(errors.RealNameRequired):
                step_up(principal, accounts=replace(accounts, face=face))


def test_a_step_up_from_before_the_name_never_counts_after_it(sign_in, register, accounts, database, now):
    """Sandboxes of release 0.2.0 took one."""
    person = register.add(PersonFactory())
    tokens, principal = sign_in(person.phone, now)
    with database.transaction() as session:
        family = session.get_one(RefreshFamily, principal.session)
        sign_ins.write(accounts.rings, family, replace(sign_ins.read(accounts.rings, family), stepped_up_at=now), now)
    with database.transaction() as session:
        before = service.refresh(accounts, session, text=tokens.refresh, now=now)
        service.finish_claim(
            accounts, session, principal=principal, said=person.real_name(), now=now + timedelta(seconds=1)
        )
        after = service.refresh(accounts, session, text=before.refresh, now=now + timedelta(seconds=2))
    for refreshed in (before, after):
        again = service.principal_from(accounts, refreshed.access, now)
        assert (again.stepped_up_at, "codes.read" in again.scopes) == (None, False)


def test_a_step_up_counts_although_another_servers_clock_was_ahead_when_the_name_came(verified, step_up, accounts, now):
    principal = verified(ahead=timedelta(seconds=5))[1]
    tokens = step_up(principal)
    assert "codes.read" in service.principal_from(accounts, tokens.access, now).scopes


def test_a_resident_sees_themselves_masked(verified, database, accounts):
    person, principal = verified()
    with database.transaction() as session:
        me = service.me(accounts, session, principal)
    assert (me.phone, me.assurance) == (f"{person.phone[:3]}****{person.phone[7:]}", "verified")
    assert me.name == f"{person.name[0]}*{person.name[2]}"


def test_a_visitor_has_no_name(sign_in, database, accounts, now):
    with database.transaction() as session:
        me = service.me(accounts, session, sign_in(random_phone(), now)[1])
    assert (me.name, me.assurance) == (None, "none")


def test_staff_find_a_resident_by_phone_or_number_and_see_masks_only(verified, look_up, now):
    person, principal = verified()
    for found in (
        look_up(phone=person.phone),
        look_up(id_type=IdType.RESIDENT_ID, id_number=person.id_number),
    ):
        assert (found.id, found.assurance, found.verified_at) == (principal.id, "verified", now)
        assert (found.phone, found.id_number) == (mask_phone(person.phone), mask_id(person.id_number))
        shown = repr(found)
        assert person.phone not in shown
        assert person.id_number not in shown
        assert person.id_number[-6:] not in shown
        assert person.name not in shown


def test_a_look_up_is_recorded_with_the_case_found_or_not(verified, look_up, database, staff):
    person, principal = verified()
    look_up(phone=person.phone)
    nobody = random_id_number()
    assert isinstance(look_up(id_type=IdType.RESIDENT_ID, id_number=nobody), errors.ResidentNotFound)
    with database.transaction() as session:
        events = session.scalars(
            select(AuditEvent).where(AuditEvent.actor_id == staff.id).order_by(AuditEvent.id)
        ).all()
    assert [(event.action, event.subject, event.case_number) for event in events] == [
        ("residents.look_up", str(principal.id), "QD-2026-000001"),
        ("residents.look_up", "unknown", "QD-2026-000001"),
    ]
    assert [event.details for event in events] == [
        {"by": "phone", "found": True},
        {"by": "resident_id", "found": False},
    ]
    assert nobody not in json.dumps([event.details for event in events])
    assert person.phone not in json.dumps([event.details for event in events])


def test_recovery_cases_are_shown_to_staff_from_both_sides(verified, sign_in, look_up, database, accounts, now):
    person, _ = verified()
    phone = random_phone()
    claimant = sign_in(phone, now)[1]
    with database.transaction() as session:
        service.finish_claim(accounts, session, principal=claimant, said=person.real_name(), now=now)
    held, claimed = look_up(phone=person.phone), look_up(phone=phone)
    assert [case.id for case in held.recovery_cases] == [case.id for case in claimed.recovery_cases]
    assert held.recovery_cases[0].holder_id == held.id


def test_look_ups_are_limited(accounts, staff):
    few = replace(accounts, tries_per_address=2)
    service.limit_look_ups(few, staff=staff)
    service.limit_look_ups(few, staff=staff)
    with pytest.raises(TooMany):
        service.limit_look_ups(few, staff=staff)


@pytest.fixture
def city(app):
    with app.app_context():
        return part(City)


def test_a_consent_may_be_given_before_it_is_asked_for(accounts, sign_in, database, city, now):
    principal = sign_in(random_phone(), now)[1]
    with database.transaction() as session:
        given = service.grant_consent(accounts, session, city, ConsentDecision(principal.id, "social-enquiry", now))
    assert (given.state, given.granted_at, given.requested_at) == ("granted", now, None)


def test_a_requested_consent_is_granted_and_keeps_when_it_was_asked(accounts, sign_in, database, city, now):
    principal = sign_in(random_phone(), now)[1]
    asked = now - timedelta(minutes=3)
    with database.transaction() as session:
        session.add(Consent(resident_id=principal.id, purpose="social-enquiry", state="requested", requested_at=asked))
    for at in (now, now + timedelta(days=1)):
        with database.transaction() as session:
            given = service.grant_consent(accounts, session, city, ConsentDecision(principal.id, "social-enquiry", at))
    assert (given.state, given.granted_at, given.requested_at) == ("granted", now, asked)


def test_parallel_grants_are_one_consent(accounts, sign_in, database, city, now):
    principal = sign_in(random_phone(), now)[1]

    def grant(_):
        with database.transaction() as session:
            return service.grant_consent(
                accounts, session, city, ConsentDecision(principal.id, "social-enquiry", now)
            ).state

    assert together(4, grant) == ["granted"] * 4


def test_only_known_purposes_that_rest_on_consent_can_be_granted(accounts, sign_in, database, city, now):
    principal = sign_in(random_phone(), now)[1]
    for purpose, refusal in (
        ("no-such-purpose", errors.PurposeNotFound),
        ("identity-check", errors.ConsentNotNeeded),
        ("gate-entry", errors.ConsentNotNeeded),
    ):
        with pytest.raises(refusal), database.transaction() as session:
            service.grant_consent(accounts, session, city, ConsentDecision(principal.id, purpose, now))
