"""What a guardian agrees to for a ward ends with the guardianship, and undoes nothing that the ward decided."""

import json
import uuid
from datetime import timedelta
from importlib import import_module

import pytest
from sqlalchemy import select, text, update

from qe_ban.accounts import service as accounts
from qe_ban.accounts.models import Consent, ConsentEvent, Guardianship, Resident
from qe_ban.accounts.service import Accounts
from qe_ban.audit import service as audit
from qe_ban.jobs.models import OutboxMessage
from qe_ban.jobs.service import COLUMN
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import Actor, Principal, PrincipalKind
from qe_ban.keys import moments, vault
from tests.codes.test_verify_races import at_once

upgrade = import_module("qe_ban.migrations.versions.0007_who_decides_for_wards")
API, PURPOSE = "/api/v1", "account-opening"
CONSENTS = f"{API}/me/consents"


@pytest.fixture
def parents(town):
    """Return two guardians of a ward who has a phone, each with what `?for=` takes."""
    ward = town.resident(born="20150601")
    first, second = town.resident(), town.resident()
    return ward, (first, town.guard(first, ward)), (second, town.guard(second, ward))


@pytest.fixture
def decide(client):
    """Grant or withdraw, for oneself or a ward; return status and what was answered."""

    def call(method, person, for_=None, purpose=PURPOSE, at=client):
        query = {} if for_ is None else {"for": for_}
        answer = at.open(f"{CONSENTS}/{purpose}", method=method, query_string=query, headers=person.headers)
        return answer.status_code, answer.get_json()

    return call


@pytest.fixture
def verdict(client, town, scan):
    """Have somebody show the ward's identity code where the purpose is scanned."""
    terminal = town.terminal(PURPOSE)

    def call(person, for_=None):
        query = {} if for_ is None else {"for": for_}
        response = client.post(f"{API}/codes/identity/issue", query_string=query, headers=person.headers)
        assert response.status_code == 200, response.get_json()
        answer = scan(terminal, response.get_json()["code"], PURPOSE)
        assert bool(answer["holder"]) is answer["accepted"]
        return answer["reason"]

    return call


def states(client, person, path="", for_=None):
    query = {} if for_ is None else {"for": for_}
    items = client.get(f"{CONSENTS}{path}", query_string=query, headers=person.headers).get_json()["items"]
    return [(item["state"], item["guardian"]) for item in items]


def messages(town, person):
    with town.parts.database.transaction() as session:
        rows = session.scalars(select(OutboxMessage).where(OutboxMessage.topic == "notice").order_by(OutboxMessage.id))
        payloads = [json.loads(vault.unseal(town.parts.rings, COLUMN, row.id, row.payload)) for row in rows]
    return [payload for payload in payloads if payload["phone"] == person.phone]


def change(town, by):
    return audit.Change(Principal(PrincipalKind.RESIDENT, by.id, frozenset(), new_id()), town.now)


def _record(session, guardian, event):
    """Record a guardian's decision as release 0.4.0 does: at its moment."""
    audit.record(
        session,
        at=event.at,
        actor=Actor(PrincipalKind.RESIDENT, guardian.id),
        action={"granted": "consents.grant", "withdrawn": "consents.withdraw"}[event.state],
        subject=str(event.guardianship_id),
        details={"purpose": event.purpose},
    )


def ended_by_guardian(town, client, guardian, ward, for_):
    assert client.delete(f"{API}/me/wards/{for_}", headers=guardian.headers).status_code == 204


def ended_by_ward(town, client, guardian, ward, for_):
    set_row(town, for_, basis="entrusted")
    assert client.delete(f"{API}/me/guardians/{for_}", headers=ward.headers).status_code == 204


def ended_at_window(town, client, guardian, ward, for_):
    body = {"reason": "监护关系登记有误", "case_number": "QD-2026-000001"}
    answer = client.post(f"{API}/guardianships/{for_}/end", json=body, headers=town.staff("clerk"))
    assert answer.status_code == 204, answer.get_json()


def ended_by_closing(town, client, guardian, ward, for_):
    answer = client.post(f"{API}/me/closing", json={"confirm": True}, headers=guardian.headers)
    assert answer.status_code == 200, answer.get_json()


def ended_by_the_clock(town, client, guardian, ward, for_):
    """End it as its date, or the ward's birthday, does, before the worker has come by."""
    set_row(town, for_, ends_at=town.now - timedelta(milliseconds=1))


def ended_by_the_worker(town, client, guardian, ward, for_):
    ended_by_the_clock(town, client, guardian, ward, for_)
    with town.parts.database.transaction() as session:
        accounts.end_due_wards(town.parts.get(Accounts), session, town.now)


def ended_by_the_previous_release(town, client, guardian, ward, for_):
    """End it as a program does that knows nothing of consents."""
    set_row(town, for_, state="ended", ended_at=town.now, ended_by="guardian")


def set_row(town, guardianship, **values):
    with town.parts.database.transaction() as session:
        session.execute(update(Guardianship).where(Guardianship.id == uuid.UUID(guardianship)).values(values))


ENDS = [
    ended_by_guardian,
    ended_by_ward,
    ended_at_window,
    ended_by_closing,
    ended_by_the_clock,
    ended_by_the_worker,
    ended_by_the_previous_release,
]


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_what_a_guardian_granted_ends_with_the_guardianship_however_that_ends(
    town, client, parents, decide, verdict, end
):
    ward, (guardian, for_), (other, others) = parents
    assert decide("PUT", guardian, for_)[1]["guardian"] is True
    assert (verdict(ward), verdict(guardian, for_)) == ("ok", "ok")
    end(town, client, guardian, ward, for_)
    # a code that the other one showed before the end is revoked, and so it is for a second afterwards
    assert verdict(ward) == "consent_required"
    assert states(client, ward) == states(client, other, for_=others) == [("withdrawn", True)]
    assert decide("PUT", other, others)[1]["state"] == "granted", "whoever still acts for the ward agrees anew"
    assert verdict(ward) == "ok"


def test_of_two_guardians_only_the_one_who_granted_takes_it_along(town, client, parents, decide, verdict):
    ward, (first, firsts), (second, seconds) = parents
    decide("PUT", first, firsts)
    assert decide("PUT", second, seconds)[1]["state"] == "granted"
    ended_by_guardian(town, client, second, ward, seconds)
    assert verdict(ward) == "ok"
    ended_by_guardian(town, client, first, ward, firsts)
    assert verdict(ward) == "consent_required"


def test_a_new_guardianship_of_the_same_two_revives_nothing(town, client, parents, decide, verdict):
    ward, (guardian, for_), _ = parents
    decide("PUT", guardian, for_)
    ended_by_guardian(town, client, guardian, ward, for_)
    town.guard(guardian, ward)
    assert verdict(ward) == "consent_required"


def test_what_the_ward_gives_too_is_the_wards_own_and_stays(town, client, parents, decide, verdict):
    ward, (guardian, for_), _ = parents
    decide("PUT", guardian, for_)
    assert decide("PUT", ward)[1]["guardian"] is False
    assert decide("PUT", guardian, for_)[1]["guardian"] is False, "nor does the guardian take it over"
    ended_by_guardian(town, client, guardian, ward, for_)
    assert verdict(ward) == "ok"
    assert states(client, ward, "/history") == [("granted", False), ("granted", True)]


def test_the_history_says_who_granted_on_both_sides(town, client, parents, decide):
    ward, (guardian, for_), (other, others) = parents
    decide("PUT", ward, purpose="visitor-registration")
    decide("PUT", guardian, for_)
    decide("DELETE", other, others)
    decide("PUT", guardian, for_)
    ended_by_guardian(town, client, guardian, ward, for_)
    history_rows = [("withdrawn", True), ("granted", True), ("withdrawn", True), ("granted", True), ("granted", False)]
    assert states(client, ward, "/history") == states(client, other, "/history", others) == history_rows


def test_what_time_ended_is_withdrawn_at_that_time_and_not_when_the_worker_came(town, client, parents, decide):
    ward, (guardian, for_), _ = parents
    decide("PUT", guardian, for_)
    ends_at = town.now - timedelta(minutes=3)
    set_row(town, for_, ends_at=ends_at)

    def withdrawn_at():
        (consent,) = client.get(CONSENTS, headers=ward.headers).get_json()["items"]
        return consent["state"], consent["withdrawn_at"][:19]

    before = withdrawn_at()
    with town.parts.database.transaction() as session:
        accounts.end_due_wards(town.parts.get(Accounts), session, town.now)
    assert before == withdrawn_at() == ("withdrawn", ends_at.isoformat()[:19])


def test_a_guardian_does_not_give_what_a_ward_with_a_phone_took_back(client, parents, decide, verdict):
    ward, (guardian, for_), _ = parents
    decide("PUT", guardian, for_)
    assert decide("DELETE", ward)[1]["guardian"] is False
    status, refusal = decide("PUT", guardian, for_)
    assert (status, refusal["code"]) == (409, "accounts.ward_decided")
    assert verdict(ward) == "consent_required"
    assert decide("PUT", ward)[0] == 200
    assert verdict(ward) == "ok"


def test_nor_what_the_ward_declined_when_it_was_asked_for_or_after_it_had_ended(town, client, parents, decide, verdict):
    ward, (guardian, for_), (other, others) = parents
    assert verdict(ward) == "consent_required"
    town.turn_over()
    decide("DELETE", ward)
    assert decide("PUT", guardian, for_)[0] == 409
    decide("PUT", guardian, for_, purpose="visitor-registration")
    ended_by_guardian(town, client, guardian, ward, for_)
    assert decide("DELETE", ward, purpose="visitor-registration")[1]["guardian"] is False
    assert decide("PUT", other, others, purpose="visitor-registration")[0] == 409


def test_for_a_ward_without_a_phone_whoever_acts_decides(town, parents, decide, verdict):
    ward, (guardian, for_), (other, others) = parents
    decide("PUT", ward)
    decide("DELETE", ward)
    with town.parts.database.transaction() as session:
        empty_columns = {"phone_sealed": None, "phone_index": None, "phone_index_next": None}
        session.execute(update(Resident).where(Resident.id == ward.id).values(empty_columns))
    assert decide("PUT", guardian, for_)[1]["state"] == "granted"
    assert verdict(other, others) == "ok"
    assert messages(town, ward) == []


@pytest.mark.parametrize(("basis", "status"), [("custody", 200), ("court", 200), ("entrusted", 409)])
def test_custody_and_a_court_take_back_what_the_ward_gave_and_whom_the_ward_entrusted_does_not(
    town, parents, decide, basis, status
):
    ward, (guardian, for_), _ = parents
    set_row(town, for_, basis=basis)
    decide("PUT", ward)
    assert decide("DELETE", guardian, for_)[0] == status


def test_a_ward_with_a_phone_is_told_of_each_grant_and_of_nothing_that_did_not_happen(town, parents, decide):
    ward, (guardian, for_), (other, others) = parents
    decide("PUT", guardian, for_)
    decide("PUT", guardian, for_)
    decide("PUT", other, others)
    assert messages(town, ward) == [{"phone": ward.phone, "template": "consent_by_guardian"}]
    decide("DELETE", ward)
    decide("PUT", guardian, for_)
    assert len(messages(town, ward)) == 1
    assert messages(town, guardian) == []


def test_an_upgrade_finds_what_guardians_granted_before_it(town, client, parents, decide, verdict):
    ward, (guardian, for_), _ = parents
    decide("PUT", guardian, for_)
    decide("DELETE", guardian, for_)
    decide("PUT", guardian, for_)
    decide("PUT", ward, purpose="visitor-registration")
    town.turn_over()
    # as the previous release writes it
    with town.parts.database.transaction() as session:
        for table in (Consent, ConsentEvent):
            for row in session.scalars(select(table).where(table.resident_id == ward.id)):
                for name in ("granted_at", "withdrawn_at") if table is Consent else ("at",):
                    setattr(row, name, moments.read(town.parts.rings, row, name))
                if row.guardianship_id is not None and table is ConsentEvent:
                    _record(session, guardian, row)
                row.guardianship_id = row.moments_sealed = None
    ended_by_the_previous_release(town, client, guardian, ward, for_)
    assert verdict(ward) == "ok"
    with town.parts.database.transaction() as session:
        for statement in upgrade.statements():
            session.execute(text(statement))
    assert verdict(ward) == "consent_required"
    history_rows = [("granted", False), ("granted", True), ("withdrawn", True), ("granted", True)]
    assert states(client, ward, "/history") == history_rows
    assert states(client, ward) == [("withdrawn", True), ("granted", False)]


def test_a_grant_beside_the_end_never_outlives_it_and_nobody_waits_in_vain(town, parents, decide, make_app, verdict):
    ward, (guardian, for_), _ = parents
    clients = [make_app().test_client() for _ in range(3)]

    def act(number):
        if number == 0:
            with town.parts.database.transaction() as session:
                row_id = uuid.UUID(for_)
                accounts.end_ward(
                    town.parts.get(Accounts), session, guardianship_id=row_id, change=change(town, guardian)
                )
            return None
        purpose = (PURPOSE, "visitor-registration")[number % 2]
        return [decide(method, guardian, for_, purpose, clients[number % 3])[0] for method in ("PUT", "DELETE", "PUT")]

    answers = at_once(6, act)
    assert {status for statuses in answers if statuses for status in statuses} <= {200, 404}
    assert verdict(ward) == "consent_required"
    with town.parts.database.transaction() as session:
        rows = session.scalars(select(Consent).where(Consent.resident_id == ward.id)).all()
    assert {row.state for row in rows} <= {"withdrawn", "requested"}


def test_a_guardian_does_not_resume_what_a_ward_with_a_phone_suspended(town, client, parents):
    ward, (guardian, for_), _ = parents
    path, query = f"{API}/codes/identity", {"for": for_}
    card = client.post(f"{path}/suspend", headers=ward.headers).get_json()
    assert (card["reason"], card["detail"]) == ("held_by_resident", "已由本人挂失停用，可在本人的手机上恢复")
    client.post(f"{path}/suspend", query_string=query, headers=guardian.headers)
    answer = client.post(f"{path}/resume", query_string=query, headers=guardian.headers)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "accounts.ward_decided")
    assert client.get(f"{API}/codes", headers=ward.headers).get_json()["items"][0]["reason"] == "held_by_resident"
    assert client.post(f"{path}/resume", headers=ward.headers).get_json()["state"] == "active"
    assert messages(town, ward) == []


def test_what_a_guardian_suspended_says_so_and_both_may_resume_it_until_the_ward_reports_it_too(town, client, parents):
    ward, (guardian, for_), (other, others) = parents
    path = f"{API}/codes/identity"

    def act(what, person, for_=None):
        query = {} if for_ is None else {"for": for_}
        return client.post(f"{path}/{what}", query_string=query, headers=person.headers).get_json()

    assert act("suspend", guardian, for_)["reason"] == "held_by_guardian"
    refused = client.post(f"{path}/issue", headers=ward.headers).get_json()
    assert (refused["code"], refused["reason"]) == ("codes.not_issued", "held_by_guardian")
    assert refused["detail"] == "已由监护人或代办人挂失停用"
    assert act("resume", other, others)["state"] == "active"
    act("suspend", guardian, for_)
    assert act("resume", ward)["state"] == "active"
    act("suspend", guardian, for_)
    assert act("suspend", ward)["reason"] == "held_by_resident"
    assert act("resume", guardian, for_)["code"] == "accounts.ward_decided"
    assert [message["template"] for message in messages(town, ward)] == ["codes_by_guardian"] * 4


def test_after_a_lost_phone_the_wallet_says_that_a_window_suspended_it(town, client):
    person = town.resident()
    guardian = town.resident()
    for_ = town.guard(guardian, person)
    client.post(f"{API}/codes/dining/suspend", headers=person.headers)
    with town.parts.database.transaction() as session:
        town.parts.get(Accounts).suspend(session, person.id, town.now)
    cards = client.get(f"{API}/codes", headers=person.headers).get_json()["items"]
    assert {card["kind"]: card["reason"] for card in cards} == {
        "identity": "held_by_window",
        "health": "held_by_window",
        "medical": "held_by_window",
        "social": "held_by_window",
        "dining": "held_by_resident",
    }
    assert all(("窗口" in card["detail"]) is (card["kind"] != "dining") for card in cards)
    answer = client.post(f"{API}/codes/identity/resume", query_string={"for": for_}, headers=guardian.headers)
    assert answer.status_code == 409
    assert client.post(f"{API}/codes/identity/resume", headers=person.headers).get_json()["state"] == "active"
